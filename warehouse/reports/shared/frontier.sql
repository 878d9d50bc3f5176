-- Which entrants of the report are worth having? Score, cost and CP_len with stored intervals:
-- means over the rollouts of a policy; of a variant over its (seed, problem) pairs.
WITH
means AS (
    SELECT
        frontier.benchmark,
        frontier.version,
        frontier.split,
        frontier.policy AS entrant,
        frontier.checkpoint_id,
        coalesce(checkpoints.step > 0, FALSE) AS learned,
        frontier.checkpoint_id IS NULL AS fixed,
        frontier.score,
        frontier.cp_tokens,
        frontier.cost_usd
    FROM frontier
    LEFT JOIN checkpoints ON frontier.checkpoint_id = checkpoints.checkpoint_id
    WHERE frontier.run_id = getvariable('run_id') AND frontier.score IS NOT NULL
    UNION ALL
    SELECT
        NULL AS benchmark,
        NULL AS version,
        NULL AS split,
        variant AS entrant,
        NULL AS checkpoint_id,
        bool_or(learned) AS learned,
        bool_and(fixed) AS fixed,
        ordered_mean(list(score ORDER BY training_seed, problem_id)) AS score,
        ordered_mean(list(cp_tokens ORDER BY training_seed, problem_id)) AS cp_tokens,
        ordered_mean(list(cost_usd ORDER BY training_seed, problem_id)) AS cost_usd
    FROM comparison_cells
    WHERE comparison_run_id = getvariable('run_id')
    GROUP BY variant
),

ends AS (
    SELECT
        policy AS entrant,
        checkpoint_id,
        split,
        CASE metric WHEN 'cp_tokens_mean' THEN 'cp_tokens' ELSE metric END AS metric,
        low,
        high
    FROM evaluations
    WHERE run_id = getvariable('run_id')
    UNION ALL
    SELECT
        variant AS entrant,
        NULL AS checkpoint_id,
        NULL AS split,
        metric,
        low,
        high
    FROM comparison_estimates
    WHERE comparison_run_id = getvariable('run_id') AND reference = ''
),

intervals AS (
    SELECT
        entrant,
        checkpoint_id,
        split,
        any_value(low) FILTER (WHERE metric = 'score') AS score_low,
        any_value(high) FILTER (WHERE metric = 'score') AS score_high,
        any_value(low) FILTER (WHERE metric = 'cp_tokens') AS cp_tokens_low,
        any_value(high) FILTER (WHERE metric = 'cp_tokens') AS cp_tokens_high,
        any_value(low) FILTER (WHERE metric = 'cost_usd') AS cost_usd_low,
        any_value(high) FILTER (WHERE metric = 'cost_usd') AS cost_usd_high
    FROM ends
    GROUP BY entrant, checkpoint_id, split
)

SELECT
    own.benchmark,
    own.split,
    own.entrant,
    own.checkpoint_id,
    own.learned,
    own.fixed,
    own.score,
    intervals.score_low,
    intervals.score_high,
    own.cp_tokens,
    intervals.cp_tokens_low,
    intervals.cp_tokens_high,
    own.cost_usd,
    intervals.cost_usd_low,
    intervals.cost_usd_high,
    -- Another one is nowhere worse in score, cost and CP_len, and somewhere better.
    exists(
        SELECT 1
        FROM means AS better
        WHERE
            own.benchmark IS NOT DISTINCT FROM better.benchmark
            AND own.version IS NOT DISTINCT FROM better.version
            AND own.split IS NOT DISTINCT FROM better.split
            AND own.score <= better.score
            AND own.cost_usd >= better.cost_usd
            AND own.cp_tokens >= better.cp_tokens
            AND (
                own.score < better.score
                OR own.cost_usd > better.cost_usd
                OR own.cp_tokens > better.cp_tokens
            )
    ) AS dominated,
    -- Nobody who is as fast, or as cheap, scores as high.
    own.score > coalesce(
        max(own.score) OVER (
            PARTITION BY own.benchmark, own.version, own.split
            ORDER BY own.cp_tokens ASC, own.score DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        -1.0::DOUBLE
    ) AS best_for_its_time,
    own.score > coalesce(
        max(own.score) OVER (
            PARTITION BY own.benchmark, own.version, own.split
            ORDER BY own.cost_usd ASC, own.score DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        -1.0::DOUBLE
    ) AS best_for_its_cost
FROM means AS own
LEFT JOIN intervals
    ON
        own.entrant = intervals.entrant
        AND own.checkpoint_id IS NOT DISTINCT FROM intervals.checkpoint_id
        AND own.split IS NOT DISTINCT FROM intervals.split
ORDER BY own.split, own.entrant, own.checkpoint_id;
