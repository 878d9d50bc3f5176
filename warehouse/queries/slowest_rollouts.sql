-- Where was the wait? The twenty longest rollouts, each with the operator that took most of it.
SELECT
    rollouts.run_id,
    rollouts.rollout_id,
    rollouts.policy,
    rollouts.problem_id,
    round(rollouts.makespan_seconds, 2) AS makespan_seconds,
    round(rollouts.virtual_seconds, 2) AS virtual_seconds,
    arg_max(invocations.operator, invocations.ended_at - invocations.started_at)
        AS longest_operator,
    round(max(invocations.ended_at - invocations.started_at), 2) AS longest_seconds
FROM rollouts
INNER JOIN operator_invocations AS invocations USING (rollout_id)
WHERE rollouts.replayed_calls = 0
GROUP BY
    rollouts.run_id,
    rollouts.rollout_id,
    rollouts.policy,
    rollouts.problem_id,
    rollouts.makespan_seconds,
    rollouts.virtual_seconds
ORDER BY rollouts.makespan_seconds DESC
LIMIT 20;
