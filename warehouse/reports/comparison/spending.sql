-- What was spent on each variant, for what? USD by purpose and operator, failures included; a row
-- without an operator is the sum of its purpose.
WITH
called AS (
    SELECT
        members.variant,
        rollouts.purpose,
        invocations.operator,
        calls.replayed,
        calls.usage_input_tokens,
        calls.usage_output_tokens,
        calls.cost_usd
    FROM comparison_members AS members
    INNER JOIN rollouts ON members.run_id = rollouts.run_id
    INNER JOIN operator_invocations AS invocations ON rollouts.rollout_id = invocations.rollout_id
    INNER JOIN model_calls AS calls ON invocations.invocation_id = calls.invocation_id
    WHERE members.comparison_run_id = getvariable('run_id')
),

spent AS (
    SELECT
        variant,
        purpose,
        operator,
        count(*) AS attempts,
        count_if(replayed)::BIGINT AS replayed_attempts,
        sum(usage_input_tokens)::BIGINT AS input_tokens,
        sum(usage_output_tokens)::BIGINT AS output_tokens,
        sum(cost_usd) AS cost_usd
    FROM called
    GROUP BY GROUPING SETS ((variant, purpose), (variant, purpose, operator))
)

SELECT
    *,
    cost_usd
    / nullif(sum(cost_usd) FILTER (WHERE operator IS NOT NULL) OVER (PARTITION BY variant), 0)
        AS share_of_variant
FROM spent
ORDER BY variant ASC, purpose DESC, operator ASC NULLS FIRST;
