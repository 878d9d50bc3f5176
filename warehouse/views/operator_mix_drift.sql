-- Grain: one operator at one checkpoint, of one policy and purpose in one run.
CREATE OR REPLACE VIEW operator_mix_drift AS
WITH
chosen AS (
    SELECT
        rollouts.run_id,
        rollouts.policy,
        rollouts.purpose,
        rollouts.checkpoint_id,
        decisions.operator,
        count(*) AS decisions
    FROM decisions
    INNER JOIN rollouts USING (rollout_id)
    WHERE rollouts.checkpoint_id IS NOT NULL
    GROUP BY ALL
),

visited AS (
    SELECT
        chosen.run_id,
        chosen.policy,
        chosen.purpose,
        chosen.checkpoint_id,
        checkpoints.step,
        sum(chosen.decisions)::BIGINT AS all_decisions
    FROM chosen
    INNER JOIN checkpoints USING (checkpoint_id)
    GROUP BY ALL
),

seen AS (
    SELECT DISTINCT
        run_id,
        policy,
        purpose,
        operator
    FROM chosen
),

-- An operator that a checkpoint never chose has a share of 0, not a missing row.
shares AS (
    SELECT
        visited.*,
        seen.operator,
        coalesce(chosen.decisions, 0) AS decisions,
        coalesce(chosen.decisions, 0) / visited.all_decisions AS share
    FROM visited
    INNER JOIN seen USING (run_id, policy, purpose)
    LEFT JOIN chosen USING (run_id, policy, purpose, checkpoint_id, operator)
),

compared AS (
    SELECT
        *,
        lag(share) OVER (
            PARTITION BY run_id, policy, purpose, operator
            ORDER BY step, checkpoint_id
        ) AS previous_share
    FROM shares
)

SELECT
    run_id,
    policy,
    purpose,
    checkpoint_id,
    step,
    operator,
    decisions,
    share,
    previous_share,
    share - previous_share AS change,
    -- Total variation distance to the checkpoint before: 0 the same mix, 1 nothing in common.
    0.5 * sum(abs(share - previous_share)) OVER (
        PARTITION BY run_id, policy, purpose, checkpoint_id
    ) AS mix_distance
FROM compared;
