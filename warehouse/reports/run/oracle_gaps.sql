-- Is there anything to learn per query? The best fixed operator of the run's outcome table against
-- the best for each problem, in all and by category.
SELECT
    category,
    best_fixed,
    problems,
    fixed_score,
    oracle_score,
    fixed_cp_tokens,
    oracle_cp_tokens,
    oracle_seconds
FROM oracle_gap
WHERE run_id = getvariable('run_id')
ORDER BY scope ASC, category ASC;
