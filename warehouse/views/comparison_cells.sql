-- Grain: one problem of one variant and training seed of one comparison: means over its samples.
CREATE OR REPLACE VIEW comparison_cells AS
SELECT
    members.comparison_run_id,
    members.variant,
    members.training_seed,
    answered.problem_id,
    any_value(members.run_id) AS run_id,
    bool_or(members.learned) AS learned,
    -- Nobody chose the graph: such a variant has one seed, repeated under every seed of another.
    bool_and(answered.checkpoint_id IS NULL) AS fixed,
    count(*) AS samples,
    -- Of a replayed call no time is known.
    bool_and(answered.replayed_calls = 0) AS measured,
    mean_in_order(answered.score, answered.sum_order, TRUE) AS score,
    mean_in_order(answered.cp_tokens, answered.sum_order, TRUE) AS cp_tokens,
    mean_in_order(answered.cost_usd, answered.sum_order, TRUE) AS cost_usd,
    mean_in_order(answered.makespan_seconds, answered.sum_order, TRUE) AS makespan_seconds
FROM comparison_members AS members
INNER JOIN evaluated_rollouts AS answered ON members.run_id = answered.run_id
WHERE answered.status = 'ok'
GROUP BY
    members.comparison_run_id,
    members.variant,
    members.training_seed,
    answered.problem_id;
