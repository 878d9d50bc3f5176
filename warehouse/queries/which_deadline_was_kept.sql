-- Which waiting was asked of a controller, and which came out on problems it was not fitted to?
SELECT
    rollouts.policy,
    rollouts.checkpoint_id,
    fits.clock,
    rollouts.deadline AS asked,
    any_value(rollouts.multiplier) AS multiplier,
    avg(rollouts.score) AS score,
    avg(
        CASE fits.clock WHEN 'tokens' THEN rollouts.cp_tokens ELSE rollouts.makespan_seconds END
    ) AS mean,
    quantile_cont(
        CASE fits.clock WHEN 'tokens' THEN rollouts.cp_tokens ELSE rollouts.makespan_seconds END,
        0.9
    ) AS p90,
    count(*) AS problems
FROM rollouts
INNER JOIN table_fits AS fits USING (checkpoint_id)
WHERE
    rollouts.purpose = 'evaluate'
    AND rollouts.status = 'ok'
    AND rollouts.deadline IS NOT NULL
    AND rollouts.run_id = getvariable('run_id')
GROUP BY ALL
ORDER BY rollouts.policy, asked;
