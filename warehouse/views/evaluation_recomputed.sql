-- Grain: one metric of one policy at one checkpoint on one split in one run, from its rollouts.
-- Sums run in the order of step, problem, policy and sample, as the reported metrics do.
CREATE OR REPLACE VIEW evaluation_recomputed AS
WITH
-- An evaluation over train and test together states its metrics for split "all".
over_both AS (
    SELECT DISTINCT run_id
    FROM evaluations
    WHERE split = 'all'
),

answered AS (
    SELECT * FROM evaluated_rollouts
    UNION ALL
    SELECT evaluated_rollouts.* REPLACE ('all' AS split)
    FROM evaluated_rollouts
    SEMI JOIN over_both USING (run_id)
),

-- An oracle takes for each problem the best of the operators that were evaluated alone.
with_oracle AS (
    SELECT DISTINCT run_id
    FROM evaluations
    WHERE policy = 'oracle'
),

by_oracle AS (
    SELECT answered.* REPLACE ('oracle' AS policy)
    FROM answered
    SEMI JOIN with_oracle USING (run_id)
    INNER JOIN rollouts USING (rollout_id)
    WHERE
        answered.status = 'ok'
        AND rollouts.mode = 'fixed'
        AND rollouts.graph = [[answered.policy]]
    QUALIFY
        row_number() OVER (
            PARTITION BY
                answered.run_id,
                answered.split,
                answered.problem_id,
                answered.sample_index
            ORDER BY answered.score DESC, answered.cp_tokens ASC, answered.policy ASC
        ) = 1
),

shown AS (
    SELECT * FROM answered
    UNION ALL
    SELECT * FROM by_oracle
),

wide AS (
    SELECT
        run_id,
        policy,
        checkpoint_id,
        split,
        count_if(status = 'ok')::BIGINT AS finished,
        count_if(status = 'ok' AND replayed_calls = 0)::BIGINT AS measured,
        count_if(status = 'failed')::BIGINT AS failed,
        mean_in_order(score, sum_order, status = 'ok') AS score,
        mean_in_order(cost_usd, sum_order, status = 'ok') AS cost_usd,
        mean_in_order(cp_tokens, sum_order, status = 'ok') AS cp_tokens_mean,
        ordered_quantile(
            list(cp_tokens) FILTER (WHERE status = 'ok'), 0.5
        ) AS cp_tokens_p50,
        ordered_quantile(
            list(cp_tokens) FILTER (WHERE status = 'ok'), 0.9
        ) AS cp_tokens_p90,
        mean_in_order(virtual_seconds, sum_order, status = 'ok') AS virtual_seconds_mean,
        -- A replayed call keeps the times of its first answer: such a makespan is no measurement.
        mean_in_order(
            makespan_seconds, sum_order, status = 'ok' AND replayed_calls = 0
        ) AS makespan_seconds_mean,
        ordered_quantile(
            list(makespan_seconds) FILTER (WHERE status = 'ok' AND replayed_calls = 0), 0.5
        ) AS makespan_seconds_p50,
        ordered_quantile(
            list(makespan_seconds) FILTER (WHERE status = 'ok' AND replayed_calls = 0), 0.9
        ) AS makespan_seconds_p90
    FROM shown
    GROUP BY run_id, policy, checkpoint_id, split
),

long AS (
    UNPIVOT wide
    ON
    score,
    cost_usd,
    cp_tokens_mean,
    cp_tokens_p50,
    cp_tokens_p90,
    virtual_seconds_mean,
    makespan_seconds_mean,
    makespan_seconds_p50,
    makespan_seconds_p90
    INTO
    NAME metric
    VALUE value
)

SELECT
    run_id,
    policy,
    checkpoint_id,
    split,
    metric,
    value,
    CASE WHEN metric LIKE 'makespan%' THEN measured ELSE finished END AS n,
    failed
FROM long;
