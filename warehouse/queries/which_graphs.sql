-- Which graphs does a policy choose, and how do they fare? The twenty most frequent of each policy.
WITH
chosen AS (
    SELECT
        run_id,
        policy,
        purpose,
        graph,
        count(*) AS rollouts,
        round(avg(score), 3) AS score,
        round(avg(cost_usd), 6) AS cost_usd,
        round(avg(cp_tokens), 1) AS cp_tokens
    FROM rollouts
    WHERE status = 'ok'
    GROUP BY run_id, policy, purpose, graph
)

SELECT *
FROM chosen
QUALIFY row_number() OVER (PARTITION BY run_id, policy, purpose ORDER BY rollouts DESC) <= 20
ORDER BY run_id ASC, policy ASC, purpose ASC, rollouts DESC;
