-- Which operators does each entrant of the report pick in which layer? As shares of its rollouts:
-- on the problems evaluated, and for trained variants of a comparison in the first training step,
-- drawn before anything was learned.
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
        members.variant AS entrant,
        NULL AS checkpoint_id,
        'before' AS moment,
        rollouts.rollout_id
    FROM rollouts
    INNER JOIN first_steps
        ON rollouts.run_id = first_steps.run_id AND rollouts.step = first_steps.step
    INNER JOIN members ON rollouts.run_id = members.run_id
    WHERE rollouts.purpose = 'train'
    UNION ALL
    SELECT
        own.entrant,
        own.checkpoint_id,
        'after' AS moment,
        own.rollout_id
    FROM shown_rollouts AS own
    INNER JOIN rollouts ON own.rollout_id = rollouts.rollout_id
    WHERE own.report_run_id = getvariable('run_id') AND rollouts.checkpoint_id IS NOT NULL
),

counted AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY entrant, checkpoint_id, moment) AS rollouts
    FROM answered
)

SELECT
    counted.entrant,
    counted.checkpoint_id,
    counted.moment,
    decisions.layer,
    decisions.operator,
    count(*) AS chosen,
    counted.rollouts,
    count(*) / counted.rollouts AS share
FROM decisions
INNER JOIN counted USING (rollout_id)
GROUP BY
    counted.entrant,
    counted.checkpoint_id,
    counted.moment,
    decisions.layer,
    decisions.operator,
    counted.rollouts
ORDER BY
    counted.entrant ASC,
    counted.checkpoint_id ASC,
    counted.moment DESC,
    decisions.layer ASC,
    decisions.operator ASC;
