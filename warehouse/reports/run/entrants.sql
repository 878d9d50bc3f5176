-- Who was evaluated in the run, and which controllers stand for before and after training?
WITH
trained AS (
    SELECT
        arg_min(checkpoint_before, step) AS first_checkpoint_id,
        arg_max(checkpoint_after, step) AS last_checkpoint_id
    FROM updates
    WHERE run_id = getvariable('run_id')
),

entrants AS (
    SELECT
        policy,
        checkpoint_id,
        min(step) AS step,
        count(*) AS rollouts,
        count(DISTINCT problem_id) AS problems,
        count_if(status = 'failed')::BIGINT AS failed_rollouts
    FROM evaluated_rollouts
    WHERE run_id = getvariable('run_id')
    GROUP BY policy, checkpoint_id
)

SELECT
    entrants.policy,
    entrants.checkpoint_id,
    entrants.step,
    CASE entrants.checkpoint_id
        WHEN trained.first_checkpoint_id THEN 'before'
        WHEN trained.last_checkpoint_id THEN 'after'
    END AS role,
    entrants.rollouts,
    entrants.problems,
    entrants.failed_rollouts
FROM entrants
CROSS JOIN trained
-- Controllers in the order they were trained, then the fixed graphs.
ORDER BY
    entrants.checkpoint_id IS NULL,
    entrants.step,
    entrants.policy,
    entrants.checkpoint_id;
