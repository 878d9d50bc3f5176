-- Grain: one answer of a gateway that somebody said something of, with the latest that was said.
CREATE OR REPLACE VIEW answer_feedback AS
SELECT
    feedback.request_id,
    arg_max(feedback.score, feedback.given_at) AS score,
    arg_max(feedback.reference, feedback.given_at) AS reference,
    arg_max(feedback.comment, feedback.given_at) AS comment,
    max(feedback.given_at) AS given_at,
    count(*) AS statements,
    requests.rollout_id,
    requests.checkpoint_id,
    requests.requested_model,
    requests.client
FROM feedback
INNER JOIN served_requests AS requests USING (request_id)
GROUP BY ALL;
