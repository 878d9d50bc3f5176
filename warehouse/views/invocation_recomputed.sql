-- Grain: one operator invocation, its figures recomputed from its model calls and tool runs.
CREATE OR REPLACE VIEW invocation_recomputed AS
WITH
branch_calls AS (
    SELECT
        invocation_id,
        stage,
        branch,
        sum(usage_output_tokens)::BIGINT AS output_tokens
    FROM model_calls
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
    FROM model_calls
    GROUP BY invocation_id
)

SELECT
    operator_invocations.invocation_id,
    operator_invocations.rollout_id,
    operator_invocations.layer,
    operator_invocations.position,
    operator_invocations.operator,
    operator_invocations.started_at,
    operator_invocations.ended_at,
    coalesce(chains.output_tokens, 0) AS output_tokens,
    coalesce(chains.tool_seconds, 0.0::DOUBLE) AS tool_seconds,
    coalesce(chains.output_tokens, 0)
    + rollouts.gamma * coalesce(chains.tool_seconds, 0.0::DOUBLE) AS cp_tokens,
    coalesce(attempts.cost_usd, 0.0::DOUBLE) AS cost_usd,
    coalesce(attempts.total_input_tokens, 0) AS total_input_tokens,
    coalesce(attempts.total_output_tokens, 0) AS total_output_tokens
FROM operator_invocations
INNER JOIN rollouts USING (rollout_id)
LEFT JOIN chains USING (invocation_id)
LEFT JOIN attempts USING (invocation_id);
