-- Grain: one operator invocation, its figures recomputed from its model calls and tool runs.
CREATE OR REPLACE VIEW invocation_recomputed AS
WITH
-- Most invocations are one chain with at most one program: no branches to compare.
branched AS (
    SELECT invocation_id
    FROM model_calls
    WHERE branch > 0
    UNION
    SELECT invocation_id
    FROM tool_executions
    WHERE role = 'operator' AND (branch > 0 OR tool_index > 0)
),

-- Groups below keep run_id so that a condition on it reaches the tables; a rowid is a shorter key.
placed AS (
    SELECT
        rollouts.run_id,
        rollouts.gamma,
        invocations.rowid AS place,
        invocations.invocation_id
    FROM operator_invocations AS invocations
    INNER JOIN rollouts USING (rollout_id)
    SEMI JOIN branched ON invocations.invocation_id = branched.invocation_id
),

branch_calls AS (
    SELECT
        placed.run_id,
        placed.place,
        calls.stage,
        calls.branch,
        any_value(placed.gamma) AS gamma,
        sum(calls.usage_output_tokens)::BIGINT AS output_tokens,
        bool_or(calls.status = 'cancelled') AS was_cancelled
    FROM model_calls AS calls
    INNER JOIN placed USING (invocation_id)
    GROUP BY placed.run_id, placed.place, calls.stage, calls.branch
),

branch_tools AS (
    SELECT
        placed.run_id,
        placed.place,
        tools.stage,
        tools.branch,
        any_value(placed.gamma) AS gamma,
        ordered_sum(list(tools.charged_seconds ORDER BY tools.tool_index)) AS tool_seconds
    FROM tool_executions AS tools
    INNER JOIN placed USING (invocation_id)
    WHERE tools.role = 'operator'
    GROUP BY placed.run_id, placed.place, tools.stage, tools.branch
),

branches AS (
    SELECT
        run_id,
        place,
        stage,
        branch,
        coalesce(branch_calls.gamma, branch_tools.gamma) AS gamma,
        coalesce(branch_calls.output_tokens, 0) AS output_tokens,
        coalesce(branch_tools.tool_seconds, 0.0::DOUBLE) AS tool_seconds
    FROM branch_calls
    FULL JOIN branch_tools USING (run_id, place, stage, branch)
    -- Nobody waited for a chain that was cancelled.
    WHERE NOT coalesce(branch_calls.was_cancelled, FALSE)
),

-- Branches of a stage run side by side: the slowest counts, the lowest branch at a tie.
slowest AS (
    SELECT
        run_id,
        place,
        stage,
        max(
            row(output_tokens + gamma * tool_seconds, -branch, output_tokens, tool_seconds)
        ) AS figures
    FROM branches
    GROUP BY run_id, place, stage
),

chains AS (
    SELECT
        run_id,
        place,
        sum(figures[3])::BIGINT AS output_tokens,
        -- A stage without tools adds nothing, in any order.
        coalesce(
            ordered_sum(list(figures[4] ORDER BY stage) FILTER (WHERE figures[4] <> 0)),
            0.0::DOUBLE
        ) AS tool_seconds
    FROM slowest
    GROUP BY run_id, place
),

first_calls AS (
    SELECT
        invocation_id,
        usage_input_tokens AS input_tokens,
        usage_output_tokens AS output_tokens,
        cost_usd
    FROM model_calls
    WHERE call_index = 0
),

further_calls AS (
    SELECT
        rollouts.run_id,
        invocations.rowid AS place,
        sum(calls.usage_input_tokens)::BIGINT AS input_tokens,
        sum(calls.usage_output_tokens)::BIGINT AS output_tokens,
        list(calls.cost_usd ORDER BY calls.call_index) AS costs_usd
    FROM model_calls AS calls
    INNER JOIN operator_invocations AS invocations USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
    WHERE calls.call_index > 0
    GROUP BY rollouts.run_id, invocations.rowid
),

only_tools AS (
    SELECT
        invocation_id,
        charged_seconds
    FROM tool_executions
    WHERE tool_index = 0 AND role = 'operator'
),

invocations AS (
    SELECT
        stated.*,
        stated.rowid AS place,
        rollouts.run_id,
        rollouts.execution_mode,
        rollouts.gamma
    FROM operator_invocations AS stated
    INNER JOIN rollouts USING (rollout_id)
),

figures AS (
    SELECT
        invocations.*,
        coalesce(first_calls.input_tokens, 0)
        + coalesce(further_calls.input_tokens, 0) AS input_tokens,
        coalesce(first_calls.output_tokens, 0)
        + coalesce(further_calls.output_tokens, 0) AS all_tokens,
        CASE
            WHEN invocations.status = 'cancelled' THEN 0
            ELSE coalesce(chains.output_tokens, all_tokens)
        END AS chain_tokens,
        CASE
            WHEN invocations.status = 'cancelled' THEN 0.0::DOUBLE
            ELSE coalesce(chains.tool_seconds, only_tools.charged_seconds, 0.0::DOUBLE)
        END AS chain_seconds,
        coalesce(first_calls.cost_usd, 0.0::DOUBLE) AS first_usd,
        further_calls.costs_usd
    FROM invocations
    LEFT JOIN first_calls USING (invocation_id)
    LEFT JOIN only_tools USING (invocation_id)
    LEFT JOIN further_calls USING (run_id, place)
    LEFT JOIN chains USING (run_id, place)
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
    CASE
        WHEN costs_usd IS NULL THEN first_usd
        ELSE ordered_sum(list_prepend(first_usd, costs_usd))
    END AS cost_usd,
    input_tokens AS total_input_tokens,
    all_tokens AS total_output_tokens
FROM figures;
