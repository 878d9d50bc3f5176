-- Grain: one operator invocation, its figures recomputed from its model calls and tool runs.
CREATE OR REPLACE VIEW invocation_recomputed AS
WITH
-- Most invocations are one call and no program: nothing to add up, nothing to compare.
composite AS (
    SELECT invocation_id
    FROM model_calls
    WHERE call_index > 0
    UNION
    SELECT invocation_id
    FROM tool_executions
    WHERE role = 'operator'
),

composite_calls AS (
    SELECT model_calls.*
    FROM model_calls
    SEMI JOIN composite USING (invocation_id)
),

branch_calls AS (
    SELECT
        invocation_id,
        stage,
        branch,
        sum(usage_output_tokens)::BIGINT AS output_tokens
    FROM composite_calls
    GROUP BY invocation_id, stage, branch
),

branch_tools AS (
    SELECT
        invocation_id,
        stage,
        branch,
        ordered_sum(list(charged_seconds ORDER BY tool_index)) AS tool_seconds
    FROM tool_executions
    WHERE role = 'operator'
    GROUP BY invocation_id, stage, branch
),

branches AS (
    SELECT
        invocation_id,
        stage,
        branch,
        coalesce(branch_calls.output_tokens, 0) AS output_tokens,
        coalesce(branch_tools.tool_seconds, 0.0::DOUBLE) AS tool_seconds
    FROM branch_calls
    FULL JOIN branch_tools USING (invocation_id, stage, branch)
),

-- Branches of a stage run side by side: the slowest counts, the lowest branch at a tie.
slowest AS (
    SELECT
        branches.invocation_id,
        branches.stage,
        arg_min(
            branches.output_tokens,
            row(
                -(branches.output_tokens + rollouts.gamma * branches.tool_seconds), branches.branch
            )
        ) AS output_tokens,
        arg_min(
            branches.tool_seconds,
            row(
                -(branches.output_tokens + rollouts.gamma * branches.tool_seconds), branches.branch
            )
        ) AS tool_seconds
    FROM branches
    INNER JOIN operator_invocations USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
    GROUP BY branches.invocation_id, branches.stage
),

chains AS (
    SELECT
        invocation_id,
        sum(output_tokens)::BIGINT AS output_tokens,
        ordered_sum(list(tool_seconds ORDER BY stage)) AS tool_seconds
    FROM slowest
    GROUP BY invocation_id
),

attempts AS (
    SELECT
        invocation_id,
        ordered_sum(list(cost_usd ORDER BY call_index)) AS cost_usd,
        sum(usage_input_tokens)::BIGINT AS total_input_tokens,
        sum(usage_output_tokens)::BIGINT AS total_output_tokens
    FROM composite_calls
    GROUP BY invocation_id
),

sums AS (
    SELECT
        invocation_id,
        coalesce(chains.output_tokens, 0) AS output_tokens,
        coalesce(chains.tool_seconds, 0.0::DOUBLE) AS tool_seconds,
        coalesce(attempts.cost_usd, 0.0::DOUBLE) AS cost_usd,
        coalesce(attempts.total_input_tokens, 0) AS total_input_tokens,
        coalesce(attempts.total_output_tokens, 0) AS total_output_tokens
    FROM chains
    FULL JOIN attempts USING (invocation_id)
),

only_calls AS (
    SELECT
        invocation_id,
        usage_output_tokens AS output_tokens,
        usage_input_tokens AS input_tokens,
        cost_usd
    FROM model_calls
    WHERE call_index = 0
)

SELECT
    invocations.invocation_id,
    invocations.rollout_id,
    rollouts.run_id,
    rollouts.execution_mode,
    invocations.layer,
    invocations.position,
    invocations.operator,
    invocations.started_at,
    invocations.ended_at,
    coalesce(sums.output_tokens, only_calls.output_tokens, 0) AS output_tokens,
    coalesce(sums.tool_seconds, 0.0::DOUBLE) AS tool_seconds,
    coalesce(sums.output_tokens, only_calls.output_tokens, 0)
    + rollouts.gamma * coalesce(sums.tool_seconds, 0.0::DOUBLE) AS cp_tokens,
    coalesce(sums.cost_usd, only_calls.cost_usd, 0.0::DOUBLE) AS cost_usd,
    coalesce(sums.total_input_tokens, only_calls.input_tokens, 0) AS total_input_tokens,
    coalesce(sums.total_output_tokens, only_calls.output_tokens, 0) AS total_output_tokens
FROM operator_invocations AS invocations
INNER JOIN rollouts USING (rollout_id)
LEFT JOIN only_calls USING (invocation_id)
LEFT JOIN sums USING (invocation_id);
