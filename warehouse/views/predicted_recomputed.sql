-- Grain: one operator invocation and one latency model, its seconds recomputed from its calls.
CREATE OR REPLACE VIEW predicted_recomputed AS
WITH
timed_calls AS NOT MATERIALIZED (
    SELECT
        predicted.rowid AS place,
        calls.call_index,
        calls.stage,
        calls.branch,
        CASE
            WHEN calls.status = 'ok'
                THEN
                    (
                        models.first_token_seconds
                        + models.first_token_seconds_per_load * models.reference_load
                    )
                    + models.first_token_seconds_per_input_token * calls.usage_input_tokens
                    + (
                        models.seconds_per_output_token
                        + models.seconds_per_output_token_per_load * models.reference_load
                    )
                    * calls.usage_output_tokens
            -- As in CP_len, an attempt that brought nothing takes nothing.
            ELSE 0.0::DOUBLE
        END AS seconds
    FROM predicted_seconds AS predicted
    INNER JOIN latency_models AS models USING (latency_model_id)
    INNER JOIN model_calls AS calls USING (invocation_id)
),

timed_tools AS NOT MATERIALIZED (
    SELECT
        predicted.rowid AS place,
        tools.tool_index,
        tools.stage,
        tools.branch,
        tools.charged_seconds AS seconds
    FROM predicted_seconds AS predicted
    INNER JOIN tool_executions AS tools USING (invocation_id)
    WHERE tools.role = 'operator'
),

-- Most invocations are one call and at most one program: nothing to compare or to put in order.
composite AS (
    SELECT place
    FROM timed_calls
    WHERE call_index > 0 OR branch > 0
    UNION
    SELECT place
    FROM timed_tools
    WHERE tool_index > 0 OR branch > 0
),

branch_calls AS (
    SELECT
        timed_calls.place,
        timed_calls.stage,
        timed_calls.branch,
        ordered_sum(list(timed_calls.seconds ORDER BY timed_calls.call_index)) AS seconds
    FROM timed_calls
    SEMI JOIN composite USING (place)
    GROUP BY timed_calls.place, timed_calls.stage, timed_calls.branch
),

branch_tools AS (
    SELECT
        timed_tools.place,
        timed_tools.stage,
        timed_tools.branch,
        ordered_sum(list(timed_tools.seconds ORDER BY timed_tools.tool_index)) AS seconds
    FROM timed_tools
    SEMI JOIN composite USING (place)
    GROUP BY timed_tools.place, timed_tools.stage, timed_tools.branch
),

-- Branches of a stage run side by side: the slowest counts.
stages AS (
    SELECT
        place,
        stage,
        max(
            coalesce(branch_calls.seconds, 0.0::DOUBLE)
            + coalesce(branch_tools.seconds, 0.0::DOUBLE)
        ) AS seconds
    FROM branch_calls
    FULL JOIN branch_tools USING (place, stage, branch)
    GROUP BY place, stage
),

chains AS (
    SELECT
        place,
        ordered_sum(list(seconds ORDER BY stage)) AS seconds
    FROM stages
    GROUP BY place
)

SELECT
    predicted.invocation_id,
    predicted.latency_model_id,
    coalesce(
        chains.seconds,
        coalesce(only_call.seconds, 0.0::DOUBLE) + coalesce(only_tool.seconds, 0.0::DOUBLE)
    ) AS seconds
FROM predicted_seconds AS predicted
LEFT JOIN timed_calls AS only_call
    ON predicted.rowid = only_call.place AND only_call.call_index = 0
LEFT JOIN timed_tools AS only_tool
    ON predicted.rowid = only_tool.place AND only_tool.tool_index = 0
LEFT JOIN chains ON predicted.rowid = chains.place;
