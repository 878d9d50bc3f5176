-- Grain: one rollout and one latency model: its predicted makespan, the T of a fitted reward.
CREATE OR REPLACE VIEW predicted_rollouts AS
WITH
layers AS (
    SELECT
        rollout_id,
        latency_model_id,
        layer,
        any_value(layer_max_seconds) AS seconds
    FROM predicted_labels
    GROUP BY rollout_id, latency_model_id, layer
),

held_out AS (
    SELECT
        invocations.rollout_id,
        predicted.latency_model_id,
        bool_and(predicted.held_out) AS held_out
    FROM predicted_seconds AS predicted
    INNER JOIN operator_invocations AS invocations USING (invocation_id)
    GROUP BY invocations.rollout_id, predicted.latency_model_id
)

SELECT
    layers.rollout_id,
    layers.latency_model_id,
    ordered_sum(list(layers.seconds ORDER BY layers.layer)) AS seconds,
    any_value(held_out.held_out) AS held_out
FROM layers
INNER JOIN held_out USING (rollout_id, latency_model_id)
GROUP BY layers.rollout_id, layers.latency_model_id;
