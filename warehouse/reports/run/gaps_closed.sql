-- How far did each evaluated controller come from the best fixed graph towards the oracle, in all
-- and by category?
SELECT
    policy,
    checkpoint_id,
    category,
    problems,
    best_fixed,
    score,
    fixed_score,
    oracle_score,
    cp_tokens,
    fixed_cp_tokens,
    oracle_cp_tokens,
    closed
FROM gap_closed
WHERE run_id = getvariable('run_id')
ORDER BY policy ASC, checkpoint_id ASC, scope ASC, category ASC;
