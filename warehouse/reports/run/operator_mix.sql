-- Which operators does each evaluated controller pick in which layer? As shares of its rollouts.
WITH
answered AS (
    SELECT
        rollout_id,
        policy,
        checkpoint_id
    FROM evaluated_rollouts
    WHERE run_id = getvariable('run_id') AND checkpoint_id IS NOT NULL
),

totals AS (
    SELECT
        policy,
        checkpoint_id,
        count(*) AS rollouts
    FROM answered
    GROUP BY policy, checkpoint_id
)

SELECT
    answered.policy,
    answered.checkpoint_id,
    decisions.layer,
    decisions.operator,
    count(*) AS chosen,
    totals.rollouts,
    count(*) / totals.rollouts AS share
FROM decisions
INNER JOIN answered USING (rollout_id)
INNER JOIN totals USING (policy, checkpoint_id)
GROUP BY
    answered.policy,
    answered.checkpoint_id,
    decisions.layer,
    decisions.operator,
    totals.rollouts
ORDER BY answered.policy, answered.checkpoint_id, decisions.layer, decisions.operator;
