-- Grain: one operator invocation, its figures recomputed from its model calls and tool runs.
CREATE OR REPLACE VIEW invocation_recomputed AS
WITH
ran_programs AS (
    SELECT DISTINCT invocation_id
    FROM tool_executions
    WHERE role = 'operator'
),

-- Most invocations are one call and no program: nothing to add up, nothing to compare.
single_calls AS (
    SELECT
        calls.invocation_id,
        any_value(calls.usage_output_tokens) AS output_tokens,
        any_value(calls.usage_input_tokens) AS input_tokens,
        any_value(calls.cost_usd) AS cost_usd
    FROM model_calls AS calls
    ANTI JOIN ran_programs USING (invocation_id)
    GROUP BY calls.invocation_id
    HAVING count(*) = 1
),

other_calls AS (
    SELECT model_calls.*
    FROM model_calls
    ANTI JOIN single_calls USING (invocation_id)
),

branch_calls AS (
    SELECT
        invocation_id,
        stage,
        branch,
        sum(usage_output_tokens)::BIGINT AS output_tokens
    FROM other_calls
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
        branches.output_tokens,
        branches.tool_seconds
    FROM branches
    INNER JOIN operator_invocations USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
    QUALIFY
        row_number() OVER (
            PARTITION BY branches.invocation_id, branches.stage
            ORDER BY
                branches.output_tokens + rollouts.gamma * branches.tool_seconds DESC,
                branches.branch ASC
        ) = 1
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
    FROM other_calls
    GROUP BY invocation_id
),

figures AS (
    SELECT
        invocation_id,
        output_tokens,
        0.0::DOUBLE AS tool_seconds,
        cost_usd,
        input_tokens AS total_input_tokens,
        output_tokens AS total_output_tokens
    FROM single_calls
    UNION ALL
    SELECT
        invocation_id,
        coalesce(chains.output_tokens, 0) AS output_tokens,
        coalesce(chains.tool_seconds, 0.0::DOUBLE) AS tool_seconds,
        coalesce(attempts.cost_usd, 0.0::DOUBLE) AS cost_usd,
        coalesce(attempts.total_input_tokens, 0) AS total_input_tokens,
        coalesce(attempts.total_output_tokens, 0) AS total_output_tokens
    FROM chains
    FULL JOIN attempts USING (invocation_id)
)

SELECT
    operator_invocations.invocation_id,
    operator_invocations.rollout_id,
    operator_invocations.layer,
    operator_invocations.position,
    operator_invocations.operator,
    operator_invocations.started_at,
    operator_invocations.ended_at,
    coalesce(figures.output_tokens, 0) AS output_tokens,
    coalesce(figures.tool_seconds, 0.0::DOUBLE) AS tool_seconds,
    coalesce(figures.output_tokens, 0)
    + rollouts.gamma * coalesce(figures.tool_seconds, 0.0::DOUBLE) AS cp_tokens,
    coalesce(figures.cost_usd, 0.0::DOUBLE) AS cost_usd,
    coalesce(figures.total_input_tokens, 0) AS total_input_tokens,
    coalesce(figures.total_output_tokens, 0) AS total_output_tokens
FROM operator_invocations
INNER JOIN rollouts USING (rollout_id)
LEFT JOIN figures USING (invocation_id);
