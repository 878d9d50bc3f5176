-- Decisions for an operator that was not legal, or that disagree with the graph that was run.
WITH
layers AS (
    SELECT
        rollout_id,
        mode,
        graph,
        unnest(range(1, len(graph) + 1)) AS layer
    FROM rollouts
),

graph_operators AS (
    SELECT
        rollout_id,
        mode,
        layer,
        unnest(graph[layer]) AS operator
    FROM layers
)

SELECT
    rollout_id,
    layer,
    operator,
    'not among the legal operators' AS defect
FROM decisions
WHERE NOT list_contains(legal, operator)
UNION ALL
SELECT
    rollout_id,
    layer,
    operator,
    'decided but not in the graph' AS defect
FROM decisions
ANTI JOIN graph_operators USING (rollout_id, layer, operator)
UNION ALL
SELECT
    rollout_id,
    layer,
    operator,
    'in the graph but not decided' AS defect
FROM graph_operators
ANTI JOIN decisions USING (rollout_id, layer, operator)
-- A fixed graph was nobody's decision.
WHERE graph_operators.mode <> 'fixed';
