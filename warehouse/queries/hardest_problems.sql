-- Which problems stay unsolved whatever graph is tried? The fifty hardest with what they cost.
SELECT
    problems.problem_id,
    problems.split,
    count(*) AS rollouts,
    round(avg(rollouts.score), 3) AS score,
    round(avg(rollouts.cp_tokens), 1) AS cp_tokens,
    round(sum(rollouts.cost_usd), 6) AS cost_usd,
    mode(rollouts.extracted_answer) AS most_frequent_answer,
    any_value(problems.reference) AS reference,
    any_value(left(problems.question, 80)) AS question
FROM rollouts
INNER JOIN problems USING (problem_id)
WHERE rollouts.status = 'ok'
GROUP BY problems.problem_id, problems.split
ORDER BY score ASC, rollouts DESC, problems.problem_id ASC
LIMIT 50;
