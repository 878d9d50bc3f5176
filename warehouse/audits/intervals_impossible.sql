-- Metrics outside their own 95 % interval, or with only one end of it.
SELECT
    evaluations.evaluation_id,
    evaluations.policy,
    evaluations.split,
    evaluations.metric,
    evaluations.value,
    evaluations.low,
    evaluations.high,
    evaluations.n
FROM evaluations
WHERE
    (evaluations.low IS NULL) <> (evaluations.high IS NULL)
    OR NOT coalesce(evaluations.low <= evaluations.value, TRUE)
    OR NOT coalesce(evaluations.value <= evaluations.high, TRUE);
