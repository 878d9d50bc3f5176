-- Rollouts that succeeded without running exactly the operators of their graph, each once.
WITH
run_layers AS (
    SELECT
        rollout_id,
        layer,
        list(operator ORDER BY position) AS operators
    FROM operator_invocations
    WHERE kind = 'graph'
    GROUP BY rollout_id, layer
),

run_graphs AS (
    SELECT
        rollout_id,
        list(operators ORDER BY layer) AS graph
    FROM run_layers
    GROUP BY rollout_id
)

SELECT
    rollouts.rollout_id,
    rollouts.graph,
    run_graphs.graph AS executed
FROM rollouts
LEFT JOIN run_graphs USING (rollout_id)
WHERE
    rollouts.status = 'ok'
    AND rollouts.graph IS DISTINCT FROM run_graphs.graph;
