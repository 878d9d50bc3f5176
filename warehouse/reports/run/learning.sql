-- What did each training step of the run see? Means of its batch; reward is S − λ_c·C − λ_t·T.
SELECT
    step,
    rollouts,
    failed_rollouts,
    score,
    cp_tokens,
    cost_usd,
    entropy,
    reward
FROM learning_curve
WHERE run_id = getvariable('run_id')
ORDER BY step;
