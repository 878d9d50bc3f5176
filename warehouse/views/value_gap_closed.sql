-- Grain: one policy of one evaluation whose controller was learned from a table: how much of the
-- way from the best fixed graph to the oracle it went, in S − μ·T at the controller's own price μ.
CREATE OR REPLACE VIEW value_gap_closed AS
WITH
fits AS (
    SELECT
        checkpoint_id,
        clock,
        array_to_string(
            list_transform(best_graph, LAMBDA part: array_to_string(part, ' ∥ ')), ' → '
        ) AS best_fixed
    FROM table_fits
),

prices AS (
    SELECT DISTINCT
        answered.run_id,
        answered.policy AS controller,
        fits.checkpoint_id,
        fits.clock,
        fits.best_fixed,
        answered.multiplier
    FROM rollouts AS answered
    INNER JOIN fits ON answered.checkpoint_id = fits.checkpoint_id
    INNER JOIN checkpoints ON fits.checkpoint_id = checkpoints.checkpoint_id
    WHERE
        answered.purpose = 'evaluate'
        AND answered.multiplier IS NOT NULL
        -- At deadlines of their own it goes by other names.
        AND answered.policy = checkpoints.controller
),

figured AS (
    SELECT
        prices.run_id,
        prices.checkpoint_id,
        prices.controller,
        prices.best_fixed,
        prices.clock,
        prices.multiplier,
        figures.policy,
        figures.split,
        any_value(figures.value) FILTER (WHERE figures.metric = 'score') AS score,
        any_value(figures.value) FILTER (
            WHERE figures.metric
            = CASE prices.clock WHEN 'tokens' THEN 'cp_tokens_mean' ELSE 'makespan_seconds_mean' END
        ) AS waiting
    FROM prices
    INNER JOIN evaluation_recomputed AS figures
        ON
            prices.run_id = figures.run_id
            AND coalesce(figures.checkpoint_id, prices.checkpoint_id) = prices.checkpoint_id
    GROUP BY ALL
),

worth AS (
    SELECT
        *,
        score - multiplier * waiting AS value
    FROM figured
),

ends AS (
    SELECT
        run_id,
        checkpoint_id,
        split,
        any_value(value) FILTER (WHERE policy = best_fixed) AS fixed_value,
        any_value(value) FILTER (WHERE policy = 'oracle') AS oracle_value
    FROM worth
    GROUP BY run_id, checkpoint_id, split
)

SELECT
    worth.run_id,
    worth.checkpoint_id,
    worth.split,
    worth.policy,
    worth.clock,
    worth.multiplier,
    worth.best_fixed,
    worth.value,
    ends.fixed_value,
    ends.oracle_value,
    CASE
        WHEN ends.oracle_value > ends.fixed_value
            THEN (worth.value - ends.fixed_value) / (ends.oracle_value - ends.fixed_value)
    END AS gap_closed
FROM worth
INNER JOIN ends USING (run_id, checkpoint_id, split)
WHERE ends.fixed_value IS NOT NULL AND ends.oracle_value IS NOT NULL;
