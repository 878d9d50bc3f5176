-- Grain: one waiting asked of a controller in an evaluation, with what came out on problems that it
-- was not fitted to; waiting in the unit of the clock it learned with.
CREATE OR REPLACE VIEW deadlines_kept AS
WITH waits AS (
    SELECT
        rollouts.run_id,
        rollouts.policy,
        rollouts.checkpoint_id,
        fits.clock,
        rollouts.deadline,
        rollouts.multiplier,
        rollouts.score,
        CASE fits.clock
            WHEN 'tokens' THEN rollouts.cp_tokens
            ELSE rollouts.makespan_seconds
        END AS wait
    FROM rollouts
    INNER JOIN table_fits AS fits USING (checkpoint_id)
    WHERE
        rollouts.purpose = 'evaluate'
        AND rollouts.status = 'ok'
        AND rollouts.deadline IS NOT NULL
)

SELECT
    run_id,
    policy,
    checkpoint_id,
    clock,
    deadline AS asked,
    any_value(multiplier) AS multiplier,
    avg(score) AS score,
    avg(wait) AS mean,
    quantile_cont(wait, 0.9) AS p90,
    count(*) AS rollouts
FROM waits
GROUP BY ALL;
