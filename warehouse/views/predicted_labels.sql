-- Grain: one operator invocation and one latency model: its place on the predicted critical path.
CREATE OR REPLACE VIEW predicted_labels AS
WITH
predicted AS (
    SELECT
        predicted_seconds.latency_model_id,
        invocations.rollout_id,
        invocations.layer,
        invocations.position,
        invocation_id,
        predicted_seconds.seconds,
        rollouts.execution_mode
    FROM predicted_seconds
    INNER JOIN operator_invocations AS invocations USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
),

layers AS (
    SELECT
        latency_model_id,
        rollout_id,
        layer,
        ordered_sum(
            list(seconds ORDER BY position) FILTER (WHERE execution_mode = 'sequential')
        ) AS sum_seconds,
        max(seconds, 2) AS descending
    FROM predicted
    GROUP BY latency_model_id, rollout_id, layer
),

others AS (
    SELECT
        own.latency_model_id,
        own.invocation_id,
        ordered_sum(list(other.seconds ORDER BY other.position)) AS sum_seconds
    FROM predicted AS own
    INNER JOIN predicted AS other
        ON
            own.latency_model_id = other.latency_model_id
            AND own.rollout_id = other.rollout_id
            AND own.layer = other.layer
            AND own.invocation_id <> other.invocation_id
    WHERE own.execution_mode = 'sequential'
    GROUP BY own.latency_model_id, own.invocation_id
)

SELECT
    latency_model_id,
    predicted.rollout_id,
    predicted.layer,
    predicted.invocation_id,
    predicted.seconds,
    predicted.execution_mode = 'sequential'
    OR predicted.seconds = layers.descending[1] AS is_critical,
    CASE
        WHEN predicted.execution_mode = 'sequential' THEN layers.sum_seconds
        ELSE layers.descending[1]
    END AS layer_max_seconds,
    CASE
        WHEN predicted.execution_mode = 'sequential'
            THEN coalesce(others.sum_seconds, 0.0::DOUBLE)
        WHEN predicted.seconds = layers.descending[1]
            THEN coalesce(layers.descending[2], 0.0::DOUBLE)
        ELSE layers.descending[1]
    END AS layer_second_seconds
FROM predicted
INNER JOIN layers USING (latency_model_id, rollout_id, layer)
LEFT JOIN others USING (latency_model_id, invocation_id);
