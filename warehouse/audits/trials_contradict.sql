-- Trials whose request ran neither of the two graphs, or was decided by neither of the two.
SELECT
    trials.request_id,
    requests.checkpoint_id,
    trials.champion_id,
    trials.candidate_id,
    rollouts.graph
FROM trials
INNER JOIN served_requests AS requests USING (request_id)
LEFT JOIN rollouts ON requests.rollout_id = rollouts.rollout_id
WHERE
    requests.checkpoint_id NOT IN (trials.champion_id, trials.candidate_id)
    OR requests.checkpoint_id IS NULL
    OR trials.champion_id = trials.candidate_id
    OR graph_text(rollouts.graph) <> regexp_replace(
        if(
            requests.checkpoint_id = trials.candidate_id,
            trials.candidate_graph,
            trials.champion_graph
        ),
        ' (×|q)[0-9]+', '', 'g'
    );
