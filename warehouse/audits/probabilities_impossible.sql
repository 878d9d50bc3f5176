-- Decisions whose probability or log-probability cannot be, alone or with the draws before it.
WITH
drawn AS (
    SELECT
        decisions.*,
        rollouts.mode,
        coalesce(
            sum(decisions.probability) OVER (
                PARTITION BY decisions.rollout_id, decisions.layer
                ORDER BY decisions.draw_order ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            0
        ) AS mass_before
    FROM decisions
    INNER JOIN rollouts USING (rollout_id)
)

SELECT
    rollout_id,
    layer,
    draw_order,
    operator,
    probability,
    log_probability,
    mass_before
FROM drawn
WHERE
    NOT coalesce(probability BETWEEN 0 AND 1, FALSE)
    OR NOT coalesce(log_probability <= 1e-6, FALSE)
    -- Probabilities may come from single precision. The operators of a fixed graph were not drawn.
    OR (mode <> 'fixed' AND mass_before + probability > 1 + 1e-5)
    -- Where little mass is left, the difference 1 − Σ p has lost too many digits to compare.
    OR (
        mode = 'sampled'
        AND probability > 0
        AND mass_before < 0.95
        AND abs(log_probability - (ln(probability) - ln(1 - mass_before))) > 1e-3
    );
