-- What is each operator of the run's outcome table worth, in all and by category?
SELECT
    category,
    operator,
    problems,
    score,
    cp_tokens,
    seconds,
    cost_usd
FROM operator_values
WHERE run_id = getvariable('run_id')
ORDER BY scope ASC, category ASC, score DESC, cp_tokens ASC, operator ASC;
