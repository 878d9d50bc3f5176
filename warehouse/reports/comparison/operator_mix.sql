-- Which operators does each variant pick in which layer? As shares of its rollouts: on the problems
-- evaluated, and for trained ones in the first training step, drawn before anything was learned.
WITH
members AS (
    SELECT
        variant,
        run_id
    FROM comparison_members
    WHERE comparison_run_id = getvariable('run_id')
),

first_steps AS (
    SELECT
        rollouts.run_id,
        min(rollouts.step) AS step
    FROM rollouts
    INNER JOIN members USING (run_id)
    WHERE rollouts.purpose = 'train'
    GROUP BY rollouts.run_id
),

answered AS (
    SELECT
        members.variant,
        'before' AS moment,
        rollouts.rollout_id
    FROM rollouts
    INNER JOIN first_steps
        ON rollouts.run_id = first_steps.run_id AND rollouts.step = first_steps.step
    INNER JOIN members ON rollouts.run_id = members.run_id
    WHERE rollouts.purpose = 'train'
    UNION ALL
    SELECT
        members.variant,
        'after' AS moment,
        evaluated_rollouts.rollout_id
    FROM evaluated_rollouts
    INNER JOIN members USING (run_id)
    WHERE evaluated_rollouts.checkpoint_id IS NOT NULL
),

totals AS (
    SELECT
        variant,
        moment,
        count(*) AS rollouts
    FROM answered
    GROUP BY variant, moment
)

SELECT
    answered.variant,
    answered.moment,
    decisions.layer,
    decisions.operator,
    count(*) AS chosen,
    totals.rollouts,
    count(*) / totals.rollouts AS share
FROM decisions
INNER JOIN answered USING (rollout_id)
INNER JOIN totals USING (variant, moment)
GROUP BY
    answered.variant,
    answered.moment,
    decisions.layer,
    decisions.operator,
    totals.rollouts
ORDER BY answered.variant ASC, answered.moment DESC, decisions.layer ASC, decisions.operator ASC;
