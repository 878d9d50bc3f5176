-- Which comparison is it, of what code and configuration, and what do its members amount to?
WITH
members AS (
    SELECT run_id
    FROM comparison_members
    WHERE comparison_run_id = getvariable('run_id')
),

worked_on AS (
    SELECT
        min(problems.benchmark) AS benchmark,
        min(problems.version) AS benchmark_version,
        count(DISTINCT rollouts.problem_id) AS problems,
        count(*) AS rollouts,
        coalesce(count_if(rollouts.status = 'failed'), 0)::BIGINT AS failed_rollouts
    FROM rollouts
    INNER JOIN members USING (run_id)
    INNER JOIN problems USING (problem_id)
),

learned AS (
    SELECT count(*) AS updates
    FROM updates
    INNER JOIN members USING (run_id)
),

called AS (
    SELECT
        count(*) AS attempts,
        coalesce(count_if(calls.status = 'error'), 0)::BIGINT AS failed_attempts,
        coalesce(count_if(calls.replayed), 0)::BIGINT AS replayed_attempts,
        coalesce(count_if(calls.seconds_from = 'assumed'), 0)::BIGINT AS assumed_seconds,
        coalesce(count_if(calls.usage_estimated), 0)::BIGINT AS estimated_tokens,
        coalesce(sum(calls.usage_input_tokens), 0)::BIGINT AS input_tokens,
        coalesce(sum(calls.usage_output_tokens), 0)::BIGINT AS output_tokens,
        coalesce(sum(calls.cost_usd), 0.0::DOUBLE) AS cost_usd
    FROM model_calls AS calls
    INNER JOIN operator_invocations USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
    INNER JOIN members USING (run_id)
)

SELECT
    runs.run_id,
    runs.kind,
    runs.status,
    runs.simulated,
    runs.seed,
    worked_on.benchmark,
    worked_on.benchmark_version,
    worked_on.problems,
    worked_on.rollouts,
    worked_on.failed_rollouts,
    learned.updates,
    called.attempts,
    called.failed_attempts,
    called.replayed_attempts,
    called.input_tokens,
    called.output_tokens,
    called.cost_usd,
    runs.ended_at - runs.started_at AS seconds,
    runs.code_version,
    runs.config_digest,
    runs.prompts_digest,
    runs.started_at,
    runs.error,
    runs.config_json,
    called.assumed_seconds,
    called.estimated_tokens
FROM runs
CROSS JOIN worked_on
CROSS JOIN learned
CROSS JOIN called
WHERE runs.run_id = getvariable('run_id');
