-- How does each variant differ from what it was set against? Recomputed pair by pair over (training
-- seed, problem); intervals, margins and verdicts as stored.
WITH
cells AS MATERIALIZED (
    SELECT *
    FROM comparison_cells
    WHERE comparison_run_id = getvariable('run_id')
),

wanted AS (
    SELECT DISTINCT
        variant,
        reference
    FROM comparison_estimates
    WHERE comparison_run_id = getvariable('run_id') AND reference != ''
),

pairs AS (
    SELECT
        wanted.variant,
        wanted.reference,
        CASE WHEN own.fixed THEN other.training_seed ELSE own.training_seed END AS training_seed,
        own.problem_id,
        own.measured AND other.measured AS measured,
        own.score - other.score AS score_change,
        own.cp_tokens,
        other.cp_tokens AS other_cp_tokens,
        own.cost_usd,
        other.cost_usd AS other_cost_usd,
        own.makespan_seconds,
        other.makespan_seconds AS other_makespan_seconds
    FROM wanted
    INNER JOIN cells AS own ON wanted.variant = own.variant
    INNER JOIN cells AS other
        ON
            wanted.reference = other.variant
            AND own.problem_id = other.problem_id
            -- A graph that nobody learns counts under every seed of the other.
            AND (own.training_seed = other.training_seed OR own.fixed OR other.fixed)
),

means AS (
    SELECT
        variant,
        reference,
        count(DISTINCT training_seed) AS seeds,
        count(DISTINCT problem_id) AS problems,
        count(*) AS pairs,
        bool_and(measured) AS measured,
        ordered_mean(list(score_change ORDER BY training_seed, problem_id)) AS score_difference,
        ordered_mean(list(cp_tokens ORDER BY training_seed, problem_id))
        / nullif(ordered_mean(list(other_cp_tokens ORDER BY training_seed, problem_id)), 0)
            AS cp_tokens_ratio,
        ordered_mean(list(cost_usd ORDER BY training_seed, problem_id))
        / nullif(ordered_mean(list(other_cost_usd ORDER BY training_seed, problem_id)), 0)
            AS cost_usd_ratio,
        ordered_mean(list(makespan_seconds ORDER BY training_seed, problem_id))
        / nullif(ordered_mean(list(other_makespan_seconds ORDER BY training_seed, problem_id)), 0)
            AS makespan_ratio
    FROM pairs
    GROUP BY variant, reference
),

amounts AS (
    SELECT
        means.*,
        metrics.metric,
        metrics.place,
        -- A log-ratio is left out where a mean is 0, that of makespans where calls were replayed.
        CASE metrics.metric
            WHEN 'score_difference' THEN means.score_difference
            WHEN 'cp_tokens_log_ratio' THEN ln(nullif(means.cp_tokens_ratio, 0))
            WHEN 'cost_usd_log_ratio' THEN ln(nullif(means.cost_usd_ratio, 0))
            WHEN 'makespan_seconds_log_ratio'
                THEN CASE WHEN means.measured THEN ln(nullif(means.makespan_ratio, 0)) END
        END AS value
    FROM means
    CROSS JOIN (
        VALUES
        ('score_difference', 1),
        ('cp_tokens_log_ratio', 2),
        ('cost_usd_log_ratio', 3),
        ('makespan_seconds_log_ratio', 4)
    ) AS metrics (metric, place)
)

SELECT
    stored.comparison_run_id,
    amounts.variant,
    amounts.reference,
    amounts.metric,
    amounts.value,
    stored.low,
    stored.high,
    stored.standard_error,
    stored.degrees,
    stored.p_value,
    amounts.seeds,
    amounts.problems,
    amounts.pairs,
    stored.method,
    stored.margin,
    stored.verdict,
    stored.margin_p_value
FROM amounts
INNER JOIN comparison_estimates AS stored
    ON
        stored.comparison_run_id = getvariable('run_id')
        AND amounts.variant = stored.variant
        AND amounts.reference = stored.reference
        AND amounts.metric = stored.metric
WHERE amounts.value IS NOT NULL
ORDER BY amounts.variant, amounts.reference, amounts.place;
