-- Grain: one labelled operator invocation and the part of CP_len that it accounts for.
CREATE OR REPLACE VIEW critical_shares AS
WITH
-- Operators that tie for the maximum of a layer share its time, so that shares add up to CP_len.
ties AS (
    SELECT
        invocations.rollout_id,
        invocations.layer,
        count(*) AS operators
    FROM operator_invocations AS invocations
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
    WHERE labels.is_critical
    GROUP BY invocations.rollout_id, invocations.layer
    HAVING count(*) > 1
)

SELECT
    rollouts.run_id,
    rollout_id,
    layer,
    invocations.invocation_id,
    invocations.operator,
    invocations.cp_tokens,
    invocations.ended_at - invocations.started_at AS seconds,
    labels.is_critical,
    invocations.status = 'cancelled' AS was_cancelled,
    CASE
        WHEN NOT labels.is_critical THEN 0.0::DOUBLE
        WHEN rollouts.execution_mode = 'sequential' THEN invocations.cp_tokens
        ELSE invocations.cp_tokens / coalesce(ties.operators, 1)
    END AS critical_tokens
FROM operator_invocations AS invocations
INNER JOIN rollouts USING (rollout_id)
INNER JOIN critical_path_labels AS labels USING (invocation_id)
LEFT JOIN ties USING (rollout_id, layer);
