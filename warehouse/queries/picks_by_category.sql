-- Which graphs does a controller pick for which kind of question? Share of the category's problems.
WITH
picked AS (
    SELECT
        rollouts.policy,
        rollouts.checkpoint_id,
        coalesce(categories.category, '(none)') AS category,
        array_to_string(
            list_transform(rollouts.graph, lambda layer: array_to_string(layer, ' ∥ ')), ' → '
        ) AS graph,
        count(*) AS problems
    FROM rollouts
    INNER JOIN problem_categories AS categories USING (problem_id)
    WHERE
        rollouts.purpose = 'evaluate'
        AND rollouts.mode <> 'fixed'
        AND rollouts.run_id = getvariable('run_id')
    GROUP BY ALL
)

SELECT
    policy,
    checkpoint_id,
    category,
    graph,
    problems,
    problems / sum(problems) OVER (PARTITION BY policy, checkpoint_id, category) AS share
FROM picked
ORDER BY policy, checkpoint_id, category, problems DESC, graph;
