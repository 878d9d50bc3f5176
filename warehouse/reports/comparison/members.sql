-- Which runs is the comparison made of? One for each variant and training seed.
WITH
members AS (
    SELECT *
    FROM comparison_members
    WHERE comparison_run_id = getvariable('run_id')
),

answered AS (
    SELECT
        rollouts.run_id,
        bool_and(rollouts.mode = 'fixed') AS fixed,
        count_if(rollouts.purpose = 'train')::BIGINT AS training_rollouts,
        count_if(rollouts.purpose = 'evaluate')::BIGINT AS evaluation_rollouts,
        count_if(rollouts.status = 'failed')::BIGINT AS failed_rollouts
    FROM rollouts
    INNER JOIN members USING (run_id)
    GROUP BY rollouts.run_id
),

learned AS (
    SELECT
        updates.run_id,
        count(*) AS updates
    FROM updates
    INNER JOIN members USING (run_id)
    GROUP BY updates.run_id
)

SELECT
    members.variant,
    members.training_seed,
    members.run_id,
    members.learned,
    coalesce(answered.fixed, FALSE) AS fixed,
    runs.status,
    coalesce(learned.updates, 0) AS updates,
    coalesce(answered.training_rollouts, 0) AS training_rollouts,
    coalesce(answered.evaluation_rollouts, 0) AS evaluation_rollouts,
    coalesce(answered.failed_rollouts, 0) AS failed_rollouts,
    runs.ended_at - runs.started_at AS seconds,
    runs.config_digest,
    runs.prompts_digest,
    runs.code_version
FROM members
INNER JOIN runs ON members.run_id = runs.run_id
LEFT JOIN answered ON members.run_id = answered.run_id
LEFT JOIN learned ON members.run_id = learned.run_id
ORDER BY members.variant, members.training_seed;
