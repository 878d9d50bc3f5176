-- Why is the champion the champion? Every decision in order, with its evidence.
SELECT
    promotions.promotion_number,
    to_timestamp(promotions.decided_at) AS decided,
    promotions.decision,
    promotions.checkpoint_id,
    promotions.previous_checkpoint_id,
    checkpoints.step,
    checkpoints.status AS status_now,
    promotions.evidence
FROM promotions
INNER JOIN checkpoints USING (checkpoint_id)
ORDER BY promotions.promotion_number;
