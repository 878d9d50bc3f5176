-- Slots of a run (problem, policy, purpose, checkpoint, step, sample) that hold a try twice, or go
-- on after one that did not fail.
SELECT
    run_id,
    problem_id,
    policy,
    purpose,
    checkpoint_id,
    step,
    sample_index,
    execution_mode,
    list(retry ORDER BY retry) AS retries,
    list(status ORDER BY retry) AS statuses,
    list(rollout_id ORDER BY retry, rollout_id) AS rollout_ids
FROM rollouts
-- The same question may be asked any number of times.
WHERE purpose NOT IN ('ask', 'serve')
GROUP BY ALL
HAVING
    count(*) > count(DISTINCT retry)
    OR count_if(status = 'ok') > 1
    OR (count_if(status = 'ok') = 1 AND arg_max(status, retry) <> 'ok');
