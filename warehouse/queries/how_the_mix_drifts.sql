-- How does the choice of operators move from checkpoint to checkpoint?
SELECT
    run_id,
    policy,
    purpose,
    step,
    checkpoint_id,
    operator,
    round(100 * share, 1) AS percent,
    round(100 * change, 1) AS percent_change,
    round(mix_distance, 3) AS mix_distance
FROM operator_mix_drift
ORDER BY run_id ASC, policy ASC, purpose ASC, step ASC, share DESC, operator ASC;
