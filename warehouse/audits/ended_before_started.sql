-- Records that end before they start, or took a negative time.
SELECT
    'runs' AS relation,
    run_id AS row_id,
    started_at,
    ended_at
FROM runs
WHERE ended_at < started_at
UNION ALL
SELECT
    'rollouts' AS relation,
    rollout_id,
    started_at,
    ended_at
FROM rollouts
WHERE ended_at < started_at OR trace_ended_at < trace_started_at OR makespan_seconds < 0
UNION ALL
SELECT
    'operator_invocations' AS relation,
    invocation_id,
    started_at,
    ended_at
FROM operator_invocations
WHERE ended_at < started_at
UNION ALL
SELECT
    'model_calls' AS relation,
    concat_ws('/', invocation_id, call_index) AS row_id,
    started_at,
    ended_at
FROM model_calls
WHERE ended_at < started_at OR time_to_first_chunk_seconds < 0
UNION ALL
SELECT
    'tool_executions' AS relation,
    concat_ws('/', invocation_id, tool_index) AS row_id,
    started_at,
    ended_at
FROM tool_executions
WHERE ended_at < started_at OR wall_seconds < 0 OR charged_seconds < 0;
