-- What did each training step of each variant see? Means over its training seeds of what the seeds'
-- batches were, with the lowest and the highest seed; reward is S − λ_c·C − λ_t·T with its own λ.
WITH
batches AS (
    SELECT
        members.variant,
        members.training_seed,
        learning_curve.step,
        learning_curve.score,
        learning_curve.cp_tokens,
        learning_curve.cost_usd,
        learning_curve.entropy,
        learning_curve.reward
    FROM comparison_members AS members
    INNER JOIN learning_curve ON members.run_id = learning_curve.run_id
    WHERE members.comparison_run_id = getvariable('run_id')
),

curves AS (
    UNPIVOT batches
    ON score, cp_tokens, cost_usd, reward, entropy
    INTO NAME curve VALUE value
)

SELECT
    variant,
    step,
    curve,
    count(*) AS seeds,
    ordered_mean(list(value ORDER BY training_seed)) AS mean,
    min(value) AS lowest,
    max(value) AS highest
FROM curves
GROUP BY variant, step, curve
ORDER BY variant, curve, step;
