-- How far did each evaluated controller come from the best fixed graph towards the oracle? Both are
-- over the fixed graphs that the same run evaluated, and known only afterwards.
SELECT
    run_id,
    policy,
    checkpoint_id,
    coalesce(category, '(all)') AS category,
    problems,
    best_fixed,
    round(100 * fixed_score, 1) AS fixed_percent,
    round(100 * score, 1) AS score_percent,
    round(100 * oracle_score, 1) AS oracle_percent,
    round(100 * closed, 1) AS percent_closed,
    round(fixed_cp_tokens, 1) AS fixed_cp_tokens,
    round(cp_tokens, 1) AS cp_tokens,
    round(oracle_cp_tokens, 1) AS oracle_cp_tokens
FROM gap_closed
ORDER BY run_id ASC, policy ASC, checkpoint_id ASC, scope ASC, category ASC;
