-- Grain: one chain of a finished tabulated rollout, its length recomputed from calls and tool runs.
-- Where the operator is one stage with a branch for each candidate, a chain is a branch; otherwise
-- every candidate is there when the operator ends.
CREATE OR REPLACE VIEW chain_outcomes_recomputed AS
WITH
invocations AS (
    SELECT
        rollouts.run_id,
        rollouts.rollout_id,
        rollouts.gamma,
        stated.invocation_id,
        stated.cp_tokens,
        len(stated.candidates) AS candidates
    FROM operator_invocations AS stated
    INNER JOIN rollouts USING (rollout_id)
    WHERE rollouts.purpose = 'tabulate' AND rollouts.status = 'ok'
),

steps AS (
    SELECT
        invocations.run_id,
        invocations.rollout_id,
        invocations.gamma,
        calls.stage,
        calls.branch,
        'call' AS kind,
        calls.call_index AS place,
        calls.usage_output_tokens AS output_tokens,
        calls.ended_at - calls.started_at AS seconds
    FROM model_calls AS calls
    INNER JOIN invocations USING (invocation_id)
    UNION ALL
    SELECT
        invocations.run_id,
        invocations.rollout_id,
        invocations.gamma,
        tools.stage,
        tools.branch,
        'tool' AS kind,
        tools.tool_index AS place,
        0 AS output_tokens,
        tools.charged_seconds AS seconds
    FROM tool_executions AS tools
    INNER JOIN invocations USING (invocation_id)
    WHERE tools.role = 'operator'
),

branches AS (
    SELECT
        run_id,
        rollout_id,
        stage,
        branch,
        ordered_sum(list(seconds ORDER BY kind, place)) AS seconds,
        sum(output_tokens)::BIGINT
        + any_value(gamma)
        * coalesce(
            ordered_sum(list(seconds ORDER BY place) FILTER (WHERE kind = 'tool')), 0.0::DOUBLE
        ) AS cp_tokens
    FROM steps
    GROUP BY run_id, rollout_id, stage, branch
),

stages AS (
    SELECT
        run_id,
        rollout_id,
        stage,
        max(seconds) AS seconds,
        count(*) AS branches,
        max(branch) + 1 AS width
    FROM branches
    GROUP BY run_id, rollout_id, stage
),

whole AS (
    SELECT
        run_id,
        rollout_id,
        ordered_sum(list(seconds ORDER BY stage)) AS seconds,
        max(stage) = 0 AND min(stage) = 0 AS one_stage,
        max(branches) AS branches,
        max(width) AS width
    FROM stages
    GROUP BY run_id, rollout_id
),

chains AS (
    SELECT
        invocations.run_id,
        invocations.rollout_id,
        invocations.cp_tokens,
        coalesce(whole.seconds, 0.0::DOUBLE) AS seconds,
        coalesce(
            whole.one_stage
            AND whole.branches = invocations.candidates
            AND whole.width = invocations.candidates,
            FALSE
        ) AS by_branch,
        unnest(range(invocations.candidates)) AS chain
    FROM invocations
    LEFT JOIN whole
        ON invocations.run_id = whole.run_id AND invocations.rollout_id = whole.rollout_id
)

SELECT
    chains.run_id,
    chains.rollout_id,
    chains.chain,
    CASE WHEN chains.by_branch THEN branches.cp_tokens ELSE chains.cp_tokens END AS cp_tokens,
    CASE WHEN chains.by_branch THEN branches.seconds ELSE chains.seconds END AS seconds
FROM chains
LEFT JOIN branches
    ON
        chains.run_id = branches.run_id
        AND chains.rollout_id = branches.rollout_id
        AND chains.by_branch
        AND branches.stage = 0
        AND chains.chain = branches.branch;
