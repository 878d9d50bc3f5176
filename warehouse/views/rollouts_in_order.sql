-- Grain: one rollout and its place in the order in which sums over its run and purpose are taken.
CREATE OR REPLACE VIEW rollouts_in_order AS
SELECT
    rollout_id,
    run_id,
    problem_id,
    checkpoint_id,
    policy,
    purpose,
    step,
    sample_index,
    retry,
    graph,
    status,
    score,
    cost_usd,
    cp_tokens,
    virtual_seconds,
    makespan_seconds,
    replayed_calls,
    row_number() OVER (
        PARTITION BY run_id, purpose
        ORDER BY step, problem_id, policy, sample_index, retry, rollout_id
    ) AS sum_order
FROM rollouts;
