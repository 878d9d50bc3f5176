-- Does the policy commit? Operators drawn for each layer and the probability of the first draw.
SELECT
    rollouts.run_id,
    rollouts.policy,
    rollouts.purpose,
    rollouts.step,
    decisions.layer,
    count(*) / count(DISTINCT rollout_id) AS operators_per_layer,
    round(avg(decisions.probability) FILTER (WHERE decisions.draw_order = 0), 3)
        AS first_probability,
    mode(decisions.operator) FILTER (WHERE decisions.draw_order = 0) AS usual_first_operator
FROM decisions
INNER JOIN rollouts USING (rollout_id)
GROUP BY rollouts.run_id, rollouts.policy, rollouts.purpose, rollouts.step, decisions.layer
ORDER BY rollouts.run_id, rollouts.policy, rollouts.purpose, rollouts.step, decisions.layer;
