-- Credits of rollouts that failed: a failure is no reward of 0 and belongs in no update.
SELECT
    credits.rollout_id,
    credits.layer,
    credits.operator,
    credits.credit_rule,
    rollouts.error
FROM credits
INNER JOIN rollouts USING (rollout_id)
WHERE rollouts.status = 'failed';
