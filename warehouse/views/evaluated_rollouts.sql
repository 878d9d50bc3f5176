-- Grain: one slot (run, policy, checkpoint, problem, sample) of an evaluation: its last try.
CREATE OR REPLACE VIEW evaluated_rollouts AS
SELECT
    rollouts.rollout_id,
    rollouts.run_id,
    rollouts.problem_id,
    rollouts.checkpoint_id,
    rollouts.policy,
    rollouts.step,
    rollouts.sample_index,
    rollouts.retry,
    rollouts.status,
    rollouts.score,
    rollouts.cost_usd,
    rollouts.cp_tokens,
    rollouts.virtual_seconds,
    rollouts.makespan_seconds,
    rollouts.replayed_calls,
    rollouts.sum_order,
    problems.benchmark,
    problems.version,
    problems.split
FROM rollouts_in_order AS rollouts
INNER JOIN problems USING (problem_id)
WHERE rollouts.purpose = 'evaluate'
QUALIFY
    row_number() OVER (
        PARTITION BY
            rollouts.run_id,
            rollouts.policy,
            rollouts.checkpoint_id,
            rollouts.step,
            rollouts.problem_id,
            rollouts.sample_index
        ORDER BY rollouts.retry DESC, rollouts.rollout_id DESC
    ) = 1;
