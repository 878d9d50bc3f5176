-- Grain: one rollout and one latency model: its predicted makespan, the T of a fitted reward.
CREATE OR REPLACE VIEW predicted_rollouts AS
WITH
paths AS (
    SELECT
        predicted.latency_model_id,
        rollouts.run_id,
        rollouts.rollout_id,
        rollouts.execution_mode,
        bool_and(predicted.held_out) AS held_out,
        -- Sorts by layer, then by position.
        list_sort(
            list(
                {
                    'layer': invocations.layer,
                    'position': invocations.position,
                    'length': predicted.seconds
                }
            )
        ) AS parts
    FROM predicted_seconds AS predicted
    INNER JOIN operator_invocations AS invocations USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
    GROUP BY
        predicted.latency_model_id,
        rollouts.run_id,
        rollouts.rollout_id,
        rollouts.execution_mode
)

SELECT
    rollout_id,
    latency_model_id,
    run_id,
    path_length(parts, execution_mode = 'sequential') AS seconds,
    held_out
FROM paths;
