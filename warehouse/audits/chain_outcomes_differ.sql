-- Chains of tabulated rollouts that are missing, too many, or whose length does not follow, to the
-- last bit, from their calls; and tabulated rollouts whose score is not that of the vote's winner.
WITH
votes AS (
    SELECT
        rollout_id,
        chain,
        score,
        CASE WHEN answer_key IS NULL THEN 0 ELSE count(*) OVER same END AS votes
    FROM chain_outcomes
    WINDOW same AS (PARTITION BY rollout_id, answer_key)
),

winners AS (
    SELECT
        rollout_id,
        max(row(votes, -chain, score)) AS figures
    FROM votes
    GROUP BY rollout_id
)

SELECT
    coalesce(stated.rollout_id, recomputed.rollout_id) AS rollout_id,
    coalesce(stated.chain, recomputed.chain) AS chain,
    stated.cp_tokens,
    recomputed.cp_tokens AS recomputed_cp_tokens,
    stated.seconds,
    recomputed.seconds AS recomputed_seconds,
    rollouts.score,
    winners.figures[3] AS recomputed_score
FROM chain_outcomes AS stated
FULL JOIN chain_outcomes_recomputed AS recomputed
    ON stated.rollout_id = recomputed.rollout_id AND stated.chain = recomputed.chain
LEFT JOIN winners ON stated.rollout_id = winners.rollout_id
LEFT JOIN rollouts ON coalesce(stated.rollout_id, recomputed.rollout_id) = rollouts.rollout_id
WHERE
    stated.cp_tokens IS DISTINCT FROM recomputed.cp_tokens
    OR stated.seconds IS DISTINCT FROM recomputed.seconds
    OR rollouts.score IS DISTINCT FROM winners.figures[3];
