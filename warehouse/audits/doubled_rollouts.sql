-- Slots of a run (problem, policy, purpose, checkpoint, step, sample) that hold several rollouts.
SELECT
    run_id,
    problem_id,
    policy,
    purpose,
    checkpoint_id,
    step,
    sample_index,
    count(*) AS rollouts,
    list(rollout_id ORDER BY rollout_id) AS rollout_ids
FROM rollouts
-- The same question may be asked any number of times.
WHERE purpose <> 'ask'
GROUP BY ALL
HAVING count(*) > 1;
