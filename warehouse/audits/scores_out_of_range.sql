-- Scores outside [0, 1], failed rollouts with a score, and rollouts that succeeded without one
-- where somebody knew the right answer.
SELECT
    rollout_id,
    status,
    score
FROM rollouts
WHERE
    (status = 'failed' AND score IS NOT NULL)
    OR (status = 'ok' AND score IS NULL AND purpose <> 'serve')
    OR NOT coalesce(score BETWEEN 0 AND 1, TRUE);
