-- Grain: one operator invocation and one latency model, its seconds recomputed from its calls.
CREATE OR REPLACE VIEW predicted_recomputed AS
WITH
branch_calls AS (
    SELECT
        predicted.invocation_id,
        predicted.latency_model_id,
        calls.stage,
        calls.branch,
        ordered_sum(
            list(
                CASE
                    WHEN calls.status = 'ok'
                        THEN
                            (
                                models.first_token_seconds
                                + models.first_token_seconds_per_load * models.reference_load
                            )
                            + models.first_token_seconds_per_input_token
                            * calls.usage_input_tokens
                            + (
                                models.seconds_per_output_token
                                + models.seconds_per_output_token_per_load * models.reference_load
                            )
                            * calls.usage_output_tokens
                    -- As in CP_len, an attempt that brought nothing takes nothing.
                    ELSE 0.0::DOUBLE
                END
                ORDER BY calls.call_index
            )
        ) AS seconds
    FROM predicted_seconds AS predicted
    INNER JOIN latency_models AS models USING (latency_model_id)
    INNER JOIN model_calls AS calls ON predicted.invocation_id = calls.invocation_id
    GROUP BY predicted.invocation_id, predicted.latency_model_id, calls.stage, calls.branch
),

branch_tools AS (
    SELECT
        predicted.invocation_id,
        predicted.latency_model_id,
        tools.stage,
        tools.branch,
        ordered_sum(list(tools.charged_seconds ORDER BY tools.tool_index)) AS seconds
    FROM predicted_seconds AS predicted
    INNER JOIN tool_executions AS tools ON predicted.invocation_id = tools.invocation_id
    WHERE tools.role = 'operator'
    GROUP BY predicted.invocation_id, predicted.latency_model_id, tools.stage, tools.branch
),

-- Branches of a stage run side by side: the slowest counts.
stages AS (
    SELECT
        invocation_id,
        latency_model_id,
        stage,
        max(
            coalesce(branch_calls.seconds, 0.0::DOUBLE)
            + coalesce(branch_tools.seconds, 0.0::DOUBLE)
        ) AS seconds
    FROM branch_calls
    FULL JOIN branch_tools USING (invocation_id, latency_model_id, stage, branch)
    GROUP BY invocation_id, latency_model_id, stage
),

chains AS (
    SELECT
        invocation_id,
        latency_model_id,
        ordered_sum(list(seconds ORDER BY stage)) AS seconds
    FROM stages
    GROUP BY invocation_id, latency_model_id
)

SELECT
    predicted.invocation_id,
    predicted.latency_model_id,
    coalesce(chains.seconds, 0.0::DOUBLE) AS seconds
FROM predicted_seconds AS predicted
LEFT JOIN chains USING (invocation_id, latency_model_id);
