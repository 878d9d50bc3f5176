-- Grain: one evaluated rollout in one report: a run shows its policies, a comparison its variants.
CREATE OR REPLACE VIEW shown_rollouts AS
SELECT
    run_id AS report_run_id,
    policy AS entrant,
    checkpoint_id,
    NULL::INTEGER AS training_seed,
    rollout_id
FROM evaluated_rollouts
UNION ALL
-- The seeds of a variant, each with a checkpoint of its own, are one entrant.
SELECT
    members.comparison_run_id AS report_run_id,
    members.variant AS entrant,
    NULL AS checkpoint_id,
    members.training_seed,
    answered.rollout_id
FROM comparison_members AS members
INNER JOIN evaluated_rollouts AS answered ON members.run_id = answered.run_id;
