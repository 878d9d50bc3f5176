-- Grain: one operator invocation and one latency model, its seconds recomputed from its calls.
CREATE OR REPLACE VIEW predicted_recomputed AS
WITH
timed AS NOT MATERIALIZED (
    SELECT
        predicted.rowid AS place,
        'call' AS part,
        calls.call_index AS part_index,
        calls.stage,
        calls.branch,
        calls.status = 'cancelled' AS was_cancelled,
        CASE
            WHEN calls.status = 'ok'
                THEN
                    (
                        models.first_token_seconds
                        + models.first_token_seconds_per_load * models.reference_load
                    )
                    + models.first_token_seconds_per_input_token
                    * (
                        calls.usage_input_tokens
                        - CASE WHEN models.uncached THEN calls.usage_cached_tokens ELSE 0 END
                    )
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
    UNION ALL
    SELECT
        predicted.rowid AS place,
        'tool' AS part,
        tools.tool_index AS part_index,
        tools.stage,
        tools.branch,
        FALSE AS was_cancelled,
        tools.charged_seconds AS seconds
    FROM predicted_seconds AS predicted
    INNER JOIN tool_executions AS tools USING (invocation_id)
    WHERE tools.role = 'operator'
),

-- Most invocations are one call and at most one program: nothing to compare or to put in order.
composite AS (
    SELECT place
    FROM timed
    WHERE part_index > 0 OR branch > 0
),

branches AS (
    SELECT
        timed.place,
        timed.stage,
        timed.branch,
        coalesce(
            ordered_sum(
                list(timed.seconds ORDER BY timed.part_index) FILTER (WHERE timed.part = 'call')
            ),
            0.0::DOUBLE
        )
        + coalesce(
            ordered_sum(
                list(timed.seconds ORDER BY timed.part_index) FILTER (WHERE timed.part = 'tool')
            ),
            0.0::DOUBLE
        ) AS seconds
    FROM timed
    SEMI JOIN composite USING (place)
    GROUP BY timed.place, timed.stage, timed.branch
    -- Nobody waited for a chain that was cancelled.
    HAVING NOT bool_or(timed.was_cancelled)
),

-- Branches of a stage run side by side: the slowest counts.
stages AS (
    SELECT
        place,
        stage,
        max(seconds) AS seconds
    FROM branches
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
    CASE
        WHEN invocations.status = 'cancelled' THEN 0.0::DOUBLE
        ELSE
            coalesce(
                chains.seconds,
                coalesce(only_call.seconds, 0.0::DOUBLE)
                + coalesce(only_tool.seconds, 0.0::DOUBLE)
            )
    END AS seconds
FROM predicted_seconds AS predicted
INNER JOIN operator_invocations AS invocations USING (invocation_id)
LEFT JOIN timed AS only_call
    ON
        predicted.rowid = only_call.place
        AND only_call.part = 'call'
        AND only_call.part_index = 0
LEFT JOIN timed AS only_tool
    ON
        predicted.rowid = only_tool.place
        AND only_tool.part = 'tool'
        AND only_tool.part_index = 0
LEFT JOIN chains ON predicted.rowid = chains.place;
