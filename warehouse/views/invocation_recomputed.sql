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

-- Groups below keep run_id so that a condition on it reaches the tables.
placed AS (
    SELECT
        rollouts.run_id,
        rollouts.gamma,
        invocations.invocation_id
    FROM operator_invocations AS invocations
    INNER JOIN rollouts USING (rollout_id)
    SEMI JOIN composite ON invocations.invocation_id = composite.invocation_id
),

composite_calls AS (
    SELECT
        placed.run_id,
        placed.gamma,
        calls.*
    FROM model_calls AS calls
    INNER JOIN placed USING (invocation_id)
),

attempts AS (
    SELECT
        run_id,
        invocation_id,
        ordered_sum(list(cost_usd ORDER BY call_index)) AS cost_usd,
        sum(usage_input_tokens)::BIGINT AS total_input_tokens,
        sum(usage_output_tokens)::BIGINT AS total_output_tokens
    FROM composite_calls
    GROUP BY run_id, invocation_id
),

branch_calls AS (
    SELECT
        run_id,
        gamma,
        invocation_id,
        stage,
        branch,
        sum(usage_output_tokens)::BIGINT AS output_tokens
    FROM composite_calls
    GROUP BY run_id, gamma, invocation_id, stage, branch
),

branch_tools AS (
    SELECT
        placed.run_id,
        placed.gamma,
        tools.invocation_id,
        tools.stage,
        tools.branch,
        ordered_sum(list(tools.charged_seconds ORDER BY tools.tool_index)) AS tool_seconds
    FROM tool_executions AS tools
    INNER JOIN placed USING (invocation_id)
    WHERE tools.role = 'operator'
    GROUP BY placed.run_id, placed.gamma, tools.invocation_id, tools.stage, tools.branch
),

branches AS (
    SELECT
        run_id,
        gamma,
        invocation_id,
        stage,
        branch,
        coalesce(branch_calls.output_tokens, 0) AS output_tokens,
        coalesce(branch_tools.tool_seconds, 0.0::DOUBLE) AS tool_seconds
    FROM branch_calls
    FULL JOIN branch_tools USING (run_id, gamma, invocation_id, stage, branch)
),

-- Branches of a stage run side by side: the slowest counts, the lowest branch at a tie.
slowest AS (
    SELECT
        run_id,
        invocation_id,
        stage,
        max(
            row(output_tokens + gamma * tool_seconds, -branch, output_tokens, tool_seconds)
        ) AS figures
    FROM branches
    GROUP BY run_id, invocation_id, stage
),

chains AS (
    SELECT
        run_id,
        invocation_id,
        sum(figures[3])::BIGINT AS output_tokens,
        -- A stage without tools adds nothing, in any order.
        coalesce(
            ordered_sum(list(figures[4] ORDER BY stage) FILTER (WHERE figures[4] <> 0)),
            0.0::DOUBLE
        ) AS tool_seconds
    FROM slowest
    GROUP BY run_id, invocation_id
),

only_calls AS (
    SELECT
        invocation_id,
        usage_output_tokens AS output_tokens,
        usage_input_tokens AS input_tokens,
        cost_usd
    FROM model_calls
    WHERE call_index = 0
),

figures AS (
    SELECT
        invocations.*,
        rollouts.run_id,
        rollouts.execution_mode,
        rollouts.gamma,
        coalesce(chains.output_tokens, only_calls.output_tokens, 0) AS chain_tokens,
        coalesce(chains.tool_seconds, 0.0::DOUBLE) AS chain_seconds,
        coalesce(attempts.cost_usd, only_calls.cost_usd, 0.0::DOUBLE) AS attempts_usd,
        coalesce(attempts.total_input_tokens, only_calls.input_tokens, 0) AS input_tokens,
        coalesce(attempts.total_output_tokens, only_calls.output_tokens, 0) AS all_tokens
    FROM operator_invocations AS invocations
    INNER JOIN rollouts USING (rollout_id)
    LEFT JOIN only_calls USING (invocation_id)
    LEFT JOIN attempts USING (run_id, invocation_id)
    LEFT JOIN chains USING (run_id, invocation_id)
)

SELECT
    invocation_id,
    rollout_id,
    run_id,
    execution_mode,
    layer,
    position,
    operator,
    started_at,
    ended_at,
    chain_tokens AS output_tokens,
    chain_seconds AS tool_seconds,
    chain_tokens + gamma * chain_seconds AS cp_tokens,
    attempts_usd AS cost_usd,
    input_tokens AS total_input_tokens,
    all_tokens AS total_output_tokens
FROM figures;
