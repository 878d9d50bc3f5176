-- Does a difference hold on every benchmark? The latest completed comparison of each benchmark, its
-- differences in score and CP_len pair by pair; p_adjusted controls the false discovery rate over
-- the benchmarks (Benjamini and Hochberg 1995).
WITH
worked_on AS (
    SELECT
        members.comparison_run_id,
        min(problems.benchmark) AS benchmark,
        min(problems.version) AS benchmark_version
    FROM comparison_members AS members
    INNER JOIN rollouts ON members.run_id = rollouts.run_id
    INNER JOIN problems ON rollouts.problem_id = problems.problem_id
    GROUP BY members.comparison_run_id
),

latest AS (
    SELECT
        worked_on.*,
        runs.simulated,
        runs.ended_at
    FROM worked_on
    INNER JOIN runs ON worked_on.comparison_run_id = runs.run_id
    WHERE runs.kind = 'compare' AND runs.status = 'completed'
    QUALIFY
        row_number() OVER (
            PARTITION BY worked_on.benchmark
            ORDER BY runs.ended_at DESC, runs.run_id DESC
        ) = 1
),

estimates AS (
    SELECT
        latest.benchmark,
        latest.benchmark_version,
        latest.simulated,
        stored.*,
        -- Without a p-value (the pairs do not vary) there is no test to count.
        count(stored.p_value) OVER pairs AS tests,
        row_number() OVER (pairs ORDER BY stored.p_value NULLS LAST, latest.benchmark) AS place
    FROM latest
    INNER JOIN comparison_estimates AS stored
        ON latest.comparison_run_id = stored.comparison_run_id
    WHERE stored.metric IN ('score_difference', 'cp_tokens_log_ratio')
    WINDOW pairs AS (PARTITION BY stored.variant, stored.reference, stored.metric)
)

SELECT
    variant,
    reference,
    metric,
    benchmark,
    benchmark_version,
    comparison_run_id,
    simulated,
    value,
    low,
    high,
    seeds,
    problems,
    verdict,
    p_value,
    CASE
        WHEN p_value IS NOT NULL
            THEN
                least(
                    min(p_value * tests / place) OVER (
                        PARTITION BY variant, reference, metric
                        ORDER BY place DESC
                        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                    ),
                    1.0::DOUBLE
                )
    END AS p_adjusted
FROM estimates
ORDER BY variant ASC, reference ASC, metric DESC, benchmark ASC;
