-- Does the choice depend on the query? Shares of the graphs that each evaluated controller picked,
-- by category and over all.
SELECT
    run_id,
    policy,
    checkpoint_id,
    coalesce(category, '(none)') AS category,
    graph,
    picks,
    round(100 * share, 1) AS percent_of_category,
    round(100 * share_of_all, 1) AS percent_of_all
FROM picks_by_category
ORDER BY
    run_id ASC,
    policy ASC,
    checkpoint_id ASC,
    category ASC,
    share DESC,
    graph ASC;
