-- Which policies of the run are worth having? Score, cost and CP_len with stored intervals.
WITH
intervals AS (
    SELECT
        policy,
        checkpoint_id,
        split,
        any_value(low) FILTER (WHERE metric = 'score') AS score_low,
        any_value(high) FILTER (WHERE metric = 'score') AS score_high,
        any_value(low) FILTER (WHERE metric = 'cp_tokens_mean') AS cp_tokens_low,
        any_value(high) FILTER (WHERE metric = 'cp_tokens_mean') AS cp_tokens_high,
        any_value(low) FILTER (WHERE metric = 'cost_usd') AS cost_usd_low,
        any_value(high) FILTER (WHERE metric = 'cost_usd') AS cost_usd_high
    FROM evaluations
    WHERE run_id = getvariable('run_id')
    GROUP BY policy, checkpoint_id, split
)

SELECT
    frontier.benchmark,
    frontier.split,
    frontier.policy,
    frontier.checkpoint_id,
    frontier.rollouts,
    frontier.score,
    intervals.score_low,
    intervals.score_high,
    frontier.cp_tokens,
    intervals.cp_tokens_low,
    intervals.cp_tokens_high,
    frontier.cost_usd,
    intervals.cost_usd_low,
    intervals.cost_usd_high,
    frontier.dominated,
    -- Nobody who is as fast, or as cheap, scores as high.
    frontier.score > coalesce(
        max(frontier.score) OVER (
            PARTITION BY frontier.benchmark, frontier.split
            ORDER BY frontier.cp_tokens ASC, frontier.score DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        -1.0::DOUBLE
    ) AS best_for_its_time,
    frontier.score > coalesce(
        max(frontier.score) OVER (
            PARTITION BY frontier.benchmark, frontier.split
            ORDER BY frontier.cost_usd ASC, frontier.score DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        -1.0::DOUBLE
    ) AS best_for_its_cost
FROM frontier
LEFT JOIN intervals
    ON
        frontier.policy = intervals.policy
        AND frontier.checkpoint_id IS NOT DISTINCT FROM intervals.checkpoint_id
        AND frontier.split = intervals.split
WHERE frontier.run_id = getvariable('run_id') AND frontier.score IS NOT NULL
ORDER BY frontier.split, frontier.policy, frontier.checkpoint_id;
