-- Predicted seconds that do not follow, to the last bit, from the calls and the latency model.
SELECT
    stated.invocation_id,
    stated.latency_model_id,
    stated.seconds,
    recomputed.seconds AS recomputed_seconds
FROM predicted_seconds AS stated
LEFT JOIN predicted_recomputed AS recomputed USING (invocation_id, latency_model_id)
WHERE stated.seconds IS DISTINCT FROM recomputed.seconds;
