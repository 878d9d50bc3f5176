-- Grain: one graph that an evaluated controller picked for problems of one category.
-- Where shares of the categories differ from its share of all, the choice depends on the query.
CREATE OR REPLACE VIEW picks_by_category AS
WITH
picked AS (
    SELECT
        evaluated.run_id,
        evaluated.policy,
        evaluated.checkpoint_id,
        evaluated.step,
        categories.benchmark,
        categories.category,
        rollouts.graph AS layers,
        count(*) AS picks
    FROM evaluated_rollouts AS evaluated
    INNER JOIN rollouts ON evaluated.rollout_id = rollouts.rollout_id
    INNER JOIN problem_categories AS categories ON evaluated.problem_id = categories.problem_id
    WHERE rollouts.mode <> 'fixed'
    GROUP BY ALL
)

SELECT
    run_id,
    policy,
    checkpoint_id,
    step,
    benchmark,
    category,
    graph_text(layers) AS graph,
    picks,
    picks / sum(picks) OVER (PARTITION BY run_id, policy, checkpoint_id, step, category) AS share,
    sum(picks) OVER (PARTITION BY run_id, policy, checkpoint_id, step, layers)
    / sum(picks) OVER (PARTITION BY run_id, policy, checkpoint_id, step) AS share_of_all
FROM picked;
