-- Grain: one rollout and one latency model: its predicted makespan, the T of a fitted reward.
CREATE OR REPLACE VIEW predicted_rollouts AS
WITH
paths AS (
    SELECT
        latency_model_id,
        run_id,
        rollout_id,
        execution_mode,
        bool_and(held_out) AS held_out,
        -- Sorts by layer, then by position.
        list_sort(
            list({ 'layer': layer, 'position': position, 'length': seconds })
        ) AS parts
    FROM predicted_invocations
    GROUP BY
        latency_model_id,
        run_id,
        rollout_id,
        execution_mode
)

SELECT
    rollout_id,
    latency_model_id,
    run_id,
    path_length(parts, execution_mode = 'sequential') AS seconds,
    held_out
FROM paths;
