-- Scores outside [0, 1], failed rollouts with a score, and rollouts that succeeded without one.
SELECT
    rollout_id,
    status,
    score
FROM rollouts
WHERE
    (status = 'failed') <> (score IS NULL)
    OR NOT coalesce(score BETWEEN 0 AND 1, TRUE);
