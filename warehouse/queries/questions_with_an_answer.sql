-- Which questions did people ask the gateway, to which somebody said the right answer? The latest
-- reference of a question stands, a judge's where no person said one; the columns are those that
-- benchmark=traffic reads.
SELECT
    problems.question,
    arg_max(
        answer_feedback.reference,
        row(NOT answer_feedback.judged, answer_feedback.given_at)
    ) AS reference,
    count(*) AS asked
FROM answer_feedback
INNER JOIN rollouts USING (rollout_id)
INNER JOIN problems USING (problem_id)
WHERE
    answer_feedback.reference IS NOT NULL
    -- A question that was not kept is none.
    AND is_kept(problems.question)
GROUP BY problems.question
ORDER BY problems.question;
