-- Credits whose terms, reward or advantage do not follow, to the last bit, from the rollout.
SELECT
    stated.rollout_id,
    stated.layer,
    stated.operator,
    stated.credit_rule,
    stated.latency_model_id,
    stated.score_term,
    recomputed.score_term AS recomputed_score_term,
    stated.cost_term,
    recomputed.cost_term AS recomputed_cost_term,
    stated.latency_term,
    recomputed.latency_term AS recomputed_latency_term,
    stated.reward,
    recomputed.reward AS recomputed_reward,
    stated.advantage,
    (stated.reward - stated.baseline) / stated.scale AS recomputed_advantage
FROM credits AS stated
-- A credit of a failed rollout has nothing to follow from; another audit reports it.
INNER JOIN rollouts ON stated.rollout_id = rollouts.rollout_id AND rollouts.status = 'ok'
LEFT JOIN credits_recomputed AS recomputed
    ON
        stated.rollout_id = recomputed.rollout_id
        AND stated.layer = recomputed.layer
        AND stated.operator = recomputed.operator
        AND stated.credit_rule = recomputed.credit_rule
        AND stated.latency_model_id IS NOT DISTINCT FROM recomputed.latency_model_id
WHERE
    stated.score_term IS DISTINCT FROM recomputed.score_term
    OR stated.cost_term IS DISTINCT FROM recomputed.cost_term
    OR stated.latency_term IS DISTINCT FROM recomputed.latency_term
    OR stated.reward IS DISTINCT FROM recomputed.reward
    OR stated.advantage IS DISTINCT FROM (stated.reward - stated.baseline) / stated.scale;
