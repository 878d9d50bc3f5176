-- How often does a judge agree with people on the same answer? Answers of which both said
-- something, by judge: how many, with the mean of either's score and the share of equal ones.
SELECT
    judges.client AS judge,
    count(*) AS answers,
    avg(judges.score) AS judge_score,
    avg(people.score) AS people_score,
    avg((judges.score = people.score)::DOUBLE) AS equal_share
FROM feedback AS judges
INNER JOIN feedback AS people USING (request_id)
WHERE
    judges.client LIKE 'judge:%'
    AND people.client NOT LIKE 'judge:%'
    AND people.score IS NOT NULL
GROUP BY judges.client
ORDER BY judges.client;
