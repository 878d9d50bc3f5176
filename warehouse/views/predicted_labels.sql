-- Grain: one operator invocation and one latency model: its place on the predicted critical path.
CREATE OR REPLACE VIEW predicted_labels AS
WITH
-- Groups keep what a condition may name, so that it reaches the tables.
layers AS (
    SELECT
        latency_model_id,
        run_id,
        rollout_id,
        execution_mode,
        layer,
        kind,
        list(seconds ORDER BY position) AS in_order,
        list(
            {
                'invocation_id': invocation_id,
                'operator': operator,
                'status': status,
                'cost_usd': cost_usd,
                'seconds': seconds
            }
            ORDER BY position
        ) AS members
    FROM predicted_invocations
    GROUP BY
        latency_model_id,
        run_id,
        rollout_id,
        execution_mode,
        layer,
        kind
),

placed AS (
    SELECT
        * EXCLUDE (members),
        list_reverse_sort(in_order) AS descending,
        unnest(members, max_depth := 2), -- noqa: AL03
        generate_subscripts(members, 1) AS place
    FROM layers
)

SELECT
    latency_model_id,
    run_id,
    rollout_id,
    layer,
    kind,
    invocation_id,
    operator,
    cost_usd,
    seconds,
    execution_mode = 'sequential'
    OR (seconds = descending[1] AND status <> 'cancelled') AS is_critical,
    CASE
        WHEN execution_mode = 'sequential' THEN ordered_sum(in_order)
        ELSE descending[1]
    END AS layer_max_seconds,
    CASE
        WHEN execution_mode = 'sequential'
            THEN ordered_sum(list_concat(in_order[:place - 1], in_order[place + 1:]))
        WHEN seconds = descending[1] THEN coalesce(descending[2], 0.0::DOUBLE)
        ELSE descending[1]
    END AS layer_second_seconds
FROM placed;
