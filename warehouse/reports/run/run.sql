-- Which run is it, of what code, configuration and prompts, and what did it amount to?
SELECT
    run_summary.run_id,
    run_summary.kind,
    run_summary.status,
    run_summary.simulated,
    run_summary.seed,
    run_summary.benchmark,
    run_summary.benchmark_version,
    run_summary.problems,
    run_summary.rollouts,
    run_summary.failed_rollouts,
    run_summary.updates,
    run_summary.attempts,
    run_summary.failed_attempts,
    run_summary.replayed_attempts,
    run_summary.input_tokens,
    run_summary.output_tokens,
    run_summary.cost_usd,
    run_summary.seconds,
    run_summary.code_version,
    run_summary.config_digest,
    run_summary.prompts_digest,
    runs.started_at,
    runs.error,
    runs.config_json,
    coalesce(assumed_figures.assumed_seconds, 0) AS assumed_seconds,
    coalesce(assumed_figures.estimated_tokens, 0) AS estimated_tokens
FROM run_summary
INNER JOIN runs USING (run_id)
LEFT JOIN assumed_figures USING (run_id)
WHERE run_summary.run_id = getvariable('run_id');
