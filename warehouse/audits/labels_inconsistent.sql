-- Labels that are missing, or whose critical mark, slack or maxima do not follow from the layer.
WITH
layers AS (
    SELECT
        invocations.rollout_id,
        invocations.layer,
        rollouts.execution_mode,
        ordered_sum(
            list(invocations.cp_tokens ORDER BY invocations.position)
            FILTER (WHERE rollouts.execution_mode = 'sequential')
        ) AS sum_tokens,
        max(invocations.cp_tokens, 2) AS descending
    FROM operator_invocations AS invocations
    INNER JOIN rollouts USING (rollout_id)
    GROUP BY invocations.rollout_id, invocations.layer, rollouts.execution_mode
),

others AS (
    SELECT
        own.invocation_id,
        ordered_sum(list(other.cp_tokens ORDER BY other.position)) AS sum_tokens
    FROM operator_invocations AS own
    INNER JOIN operator_invocations AS other
        ON
            own.rollout_id = other.rollout_id
            AND own.layer = other.layer
            AND own.invocation_id <> other.invocation_id
    INNER JOIN rollouts ON own.rollout_id = rollouts.rollout_id
    WHERE rollouts.execution_mode = 'sequential'
    GROUP BY own.invocation_id
),

expected AS (
    SELECT
        invocations.invocation_id,
        invocations.status,
        layers.execution_mode = 'sequential'
        OR (
            invocations.cp_tokens = layers.descending[1]
            -- Nobody waited for it.
            AND invocations.status <> 'cancelled'
        ) AS is_critical,
        CASE
            WHEN layers.execution_mode = 'sequential' THEN 0.0::DOUBLE
            ELSE layers.descending[1] - invocations.cp_tokens
        END AS slack_tokens,
        CASE
            WHEN layers.execution_mode = 'sequential' THEN layers.sum_tokens
            ELSE layers.descending[1]
        END AS layer_max_tokens,
        CASE
            WHEN layers.execution_mode = 'sequential'
                THEN coalesce(others.sum_tokens, 0.0::DOUBLE)
            WHEN invocations.cp_tokens = layers.descending[1]
                THEN coalesce(layers.descending[2], 0.0::DOUBLE)
            ELSE layers.descending[1]
        END AS layer_second_tokens
    FROM operator_invocations AS invocations
    INNER JOIN layers USING (rollout_id, layer)
    LEFT JOIN others USING (invocation_id)
)

SELECT
    expected.*,
    labels.is_critical AS stated_is_critical,
    labels.slack_tokens AS stated_slack_tokens,
    labels.layer_max_tokens AS stated_layer_max_tokens,
    labels.layer_second_tokens AS stated_layer_second_tokens
FROM expected
LEFT JOIN critical_path_labels AS labels USING (invocation_id)
WHERE
    labels.is_critical IS DISTINCT FROM expected.is_critical
    OR labels.slack_tokens IS DISTINCT FROM expected.slack_tokens
    OR labels.layer_max_tokens IS DISTINCT FROM expected.layer_max_tokens
    OR labels.layer_second_tokens IS DISTINCT FROM expected.layer_second_tokens
    OR (
        expected.status <> 'cancelled'
        AND (labels.slack_tokens = 0) IS DISTINCT FROM labels.is_critical
    );
