-- Which graphs does each evaluated controller pick for problems of which category?
SELECT
    policy,
    checkpoint_id,
    category,
    graph,
    picks,
    share,
    share_of_all
FROM picks_by_category
WHERE run_id = getvariable('run_id')
ORDER BY
    policy ASC,
    checkpoint_id ASC,
    category ASC,
    share_of_all DESC,
    graph ASC;
