-- Grain: one request on which the champion and a candidate both decided, and what came of it.
-- `propensity` is the probability with which the graph that ran was going to be run.
CREATE OR REPLACE VIEW trial_outcomes AS
SELECT
    trials.request_id,
    trials.champion_id,
    trials.candidate_id,
    trials.candidate_share,
    requests.checkpoint_id = trials.candidate_id AS by_candidate,
    trials.champion_graph,
    trials.candidate_graph,
    trials.champion_graph = trials.candidate_graph AS agreed,
    CASE
        WHEN trials.champion_graph = trials.candidate_graph THEN 1.0::DOUBLE
        WHEN requests.checkpoint_id = trials.candidate_id THEN trials.candidate_share
        ELSE 1.0::DOUBLE - trials.candidate_share
    END AS propensity,
    rollouts.status = 'ok' AS answered,
    answer_feedback.score,
    rollouts.cp_tokens,
    rollouts.cost_usd,
    rollouts.makespan_seconds,
    requests.received_at
FROM trials
INNER JOIN served_requests AS requests USING (request_id)
LEFT JOIN rollouts ON requests.rollout_id = rollouts.rollout_id
LEFT JOIN answer_feedback ON trials.request_id = answer_feedback.request_id;
