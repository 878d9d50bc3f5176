-- Checkpoints after the first step whose parent is not stored, or is not an earlier step.
SELECT
    checkpoints.checkpoint_id,
    checkpoints.step,
    checkpoints.parent_id,
    parents.step AS parent_step
FROM checkpoints
LEFT JOIN checkpoints AS parents ON checkpoints.parent_id = parents.checkpoint_id
WHERE
    (checkpoints.step > 0 AND parents.checkpoint_id IS NULL)
    OR (checkpoints.parent_id IS NOT NULL AND parents.checkpoint_id IS NULL)
    OR parents.step >= checkpoints.step;
