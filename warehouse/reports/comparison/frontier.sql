-- Which variants are worth having? Means of score, cost and CP_len with stored intervals.
WITH
means AS (
    SELECT
        variant,
        bool_or(learned) AS learned,
        bool_and(fixed) AS fixed,
        ordered_mean(list(score ORDER BY training_seed, problem_id)) AS score,
        ordered_mean(list(cp_tokens ORDER BY training_seed, problem_id)) AS cp_tokens,
        ordered_mean(list(cost_usd ORDER BY training_seed, problem_id)) AS cost_usd
    FROM comparison_cells
    WHERE comparison_run_id = getvariable('run_id')
    GROUP BY variant
),

intervals AS (
    SELECT
        variant,
        any_value(low) FILTER (WHERE metric = 'score') AS score_low,
        any_value(high) FILTER (WHERE metric = 'score') AS score_high,
        any_value(low) FILTER (WHERE metric = 'cp_tokens') AS cp_tokens_low,
        any_value(high) FILTER (WHERE metric = 'cp_tokens') AS cp_tokens_high,
        any_value(low) FILTER (WHERE metric = 'cost_usd') AS cost_usd_low,
        any_value(high) FILTER (WHERE metric = 'cost_usd') AS cost_usd_high
    FROM comparison_estimates
    WHERE comparison_run_id = getvariable('run_id') AND reference = ''
    GROUP BY variant
),

beaten AS (
    SELECT DISTINCT own.variant
    FROM means AS own
    INNER JOIN means AS better
        ON
            own.score <= better.score
            AND own.cost_usd >= better.cost_usd
            AND own.cp_tokens >= better.cp_tokens
            AND (
                own.score < better.score
                OR own.cost_usd > better.cost_usd
                OR own.cp_tokens > better.cp_tokens
            )
)

SELECT
    means.variant,
    means.learned,
    means.fixed,
    means.score,
    intervals.score_low,
    intervals.score_high,
    means.cp_tokens,
    intervals.cp_tokens_low,
    intervals.cp_tokens_high,
    means.cost_usd,
    intervals.cost_usd_low,
    intervals.cost_usd_high,
    -- Another one is nowhere worse in score, cost and CP_len, and somewhere better.
    beaten.variant IS NOT NULL AS dominated,
    -- Nobody who is as fast, or as cheap, scores as high.
    means.score > coalesce(
        max(means.score) OVER (
            ORDER BY means.cp_tokens ASC, means.score DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        -1.0::DOUBLE
    ) AS best_for_its_time,
    means.score > coalesce(
        max(means.score) OVER (
            ORDER BY means.cost_usd ASC, means.score DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        -1.0::DOUBLE
    ) AS best_for_its_cost
FROM means
LEFT JOIN intervals ON means.variant = intervals.variant
LEFT JOIN beaten ON means.variant = beaten.variant
ORDER BY means.variant;
