-- Failed rollouts, failed or cancelled invocations and attempts that do not say why.
SELECT
    'rollouts' AS relation,
    rollout_id AS row_id,
    status,
    error
FROM rollouts
WHERE status = 'failed' AND coalesce(error, '') = ''
UNION ALL
SELECT
    'operator_invocations' AS relation,
    invocation_id,
    status,
    error
FROM operator_invocations
WHERE status IN ('failed', 'cancelled') AND coalesce(error, '') = ''
UNION ALL
SELECT
    'model_calls' AS relation,
    concat_ws('/', invocation_id, call_index) AS row_id,
    status,
    error
FROM model_calls
WHERE status IN ('error', 'cancelled') AND coalesce(error, '') = '';
