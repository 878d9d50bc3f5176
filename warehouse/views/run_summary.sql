-- Grain: one run, also one that has no rollouts yet.
CREATE OR REPLACE VIEW run_summary AS
WITH
worked_on AS (
    SELECT
        rollouts.run_id,
        -- A run works on one version of one benchmark.
        min(problems.benchmark) AS benchmark,
        min(problems.version) AS benchmark_version
    FROM rollouts
    INNER JOIN problems ON rollouts.problem_id = problems.problem_id
    GROUP BY rollouts.run_id
),

answered AS (
    SELECT
        run_id,
        count(*) AS rollouts,
        count_if(status = 'failed')::BIGINT AS failed_rollouts,
        count(DISTINCT problem_id) AS problems,
        ordered_mean(
            list(score ORDER BY step, problem_id, policy, sample_index, retry, rollout_id)
            FILTER (WHERE status = 'ok')
        ) AS score,
        ordered_sum(
            list(cost_usd ORDER BY step, problem_id, policy, sample_index, retry, rollout_id)
        ) AS cost_usd,
        ordered_mean(
            list(cp_tokens ORDER BY step, problem_id, policy, sample_index, retry, rollout_id)
            FILTER (WHERE status = 'ok')
        ) AS cp_tokens_mean,
        quantile_cont(cp_tokens, 0.5) FILTER (WHERE status = 'ok') AS cp_tokens_p50,
        quantile_cont(cp_tokens, 0.9) FILTER (WHERE status = 'ok') AS cp_tokens_p90,
        ordered_mean(
            list(
                makespan_seconds
                ORDER BY step, problem_id, policy, sample_index, retry, rollout_id
            )
            FILTER (WHERE status = 'ok' AND replayed_calls = 0)
        ) AS makespan_seconds_mean
    FROM rollouts
    GROUP BY run_id
),

called AS (
    SELECT
        rollouts.run_id,
        count(*) AS attempts,
        count_if(calls.status = 'error')::BIGINT AS failed_attempts,
        count_if(calls.replayed)::BIGINT AS replayed_attempts,
        sum(calls.usage_input_tokens)::BIGINT AS input_tokens,
        sum(calls.usage_cached_tokens)::BIGINT AS cached_tokens,
        sum(calls.usage_output_tokens)::BIGINT AS output_tokens
    FROM model_calls AS calls
    INNER JOIN operator_invocations USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
    GROUP BY rollouts.run_id
),

learned AS (
    SELECT
        run_id,
        count(*) AS updates,
        arg_max(checkpoint_after, step) AS last_checkpoint_id
    FROM updates
    GROUP BY run_id
)

SELECT
    runs.run_id,
    runs.kind,
    runs.status,
    runs.simulated,
    runs.seed,
    to_timestamp(runs.started_at) AS started,
    runs.ended_at - runs.started_at AS seconds,
    coalesce(answered.problems, 0) AS problems,
    coalesce(answered.rollouts, 0) AS rollouts,
    coalesce(answered.failed_rollouts, 0) AS failed_rollouts,
    answered.score,
    coalesce(answered.cost_usd, 0.0::DOUBLE) AS cost_usd,
    answered.cp_tokens_mean,
    answered.cp_tokens_p50,
    answered.cp_tokens_p90,
    answered.makespan_seconds_mean,
    coalesce(called.attempts, 0) AS attempts,
    coalesce(called.failed_attempts, 0) AS failed_attempts,
    coalesce(called.replayed_attempts, 0) AS replayed_attempts,
    coalesce(called.input_tokens, 0) AS input_tokens,
    coalesce(called.cached_tokens, 0) AS cached_tokens,
    coalesce(called.output_tokens, 0) AS output_tokens,
    coalesce(learned.updates, 0) AS updates,
    learned.last_checkpoint_id,
    worked_on.benchmark,
    worked_on.benchmark_version,
    runs.prompts_digest,
    runs.code_version,
    runs.config_digest
FROM runs
LEFT JOIN worked_on USING (run_id)
LEFT JOIN answered USING (run_id)
LEFT JOIN called USING (run_id)
LEFT JOIN learned USING (run_id);
