-- Grain: one answer of a gateway that somebody said something of, with the latest that was said.
-- What a judge said (lamas judge) stands where no person said otherwise.
CREATE OR REPLACE VIEW answer_feedback AS
SELECT
    feedback.request_id,
    arg_max(
        feedback.score,
        row(feedback.client NOT LIKE 'judge:%', feedback.given_at)
    ) AS score,
    arg_max(
        feedback.reference,
        row(feedback.client NOT LIKE 'judge:%', feedback.given_at)
    ) AS reference,
    arg_max(
        feedback.comment,
        row(feedback.client NOT LIKE 'judge:%', feedback.given_at)
    ) AS comment,
    max(feedback.given_at) AS given_at,
    count(*) AS statements,
    bool_and(feedback.client LIKE 'judge:%') AS judged,
    requests.rollout_id,
    requests.checkpoint_id,
    requests.requested_model,
    requests.client
FROM feedback
INNER JOIN served_requests AS requests USING (request_id)
GROUP BY ALL;
