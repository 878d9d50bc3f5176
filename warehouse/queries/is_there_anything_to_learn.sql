-- Is there anything to learn per query? The best fixed operator of each outcome table against the
-- best for each problem, in all and by category.
SELECT
    run_id,
    coalesce(category, '(all)') AS category,
    problems,
    best_fixed,
    round(100 * fixed_score, 1) AS fixed_percent,
    round(100 * oracle_score, 1) AS oracle_percent,
    round(100 * score_gap, 1) AS gap_points,
    round(fixed_cp_tokens, 1) AS fixed_cp_tokens,
    round(oracle_cp_tokens, 1) AS oracle_cp_tokens
FROM oracle_gap
ORDER BY run_id ASC, scope ASC, gap_points DESC, category ASC;
