-- Cancelled work of layers that have no quorum, or that somebody waited for: a cancelled invocation
-- leaves no candidate, adds no time and is not critical; one that is not has a chain that arrived.
WITH
quorums AS (
    SELECT
        rollout_id,
        layer,
        any_value(quorum) AS quorum
    FROM decisions
    GROUP BY rollout_id, layer
),

cut AS (
    SELECT DISTINCT invocation_id
    FROM model_calls
    WHERE status = 'cancelled'
)

SELECT
    invocations.invocation_id,
    invocations.status,
    quorums.quorum,
    invocations.cp_tokens,
    labels.is_critical,
    len(invocations.candidates) AS candidates
FROM operator_invocations AS invocations
LEFT JOIN quorums USING (rollout_id, layer)
LEFT JOIN critical_path_labels AS labels USING (invocation_id)
LEFT JOIN cut ON invocations.invocation_id = cut.invocation_id
WHERE
    (
        invocations.status = 'cancelled'
        AND (
            quorums.quorum IS NULL
            OR invocations.cp_tokens <> 0
            OR labels.is_critical
            OR len(invocations.candidates) > 0
        )
    )
    OR (cut.invocation_id IS NOT NULL AND quorums.quorum IS NULL)
    OR (
        cut.invocation_id IS NOT NULL
        AND invocations.status = 'ok'
        AND len(invocations.candidates) = 0
    );
