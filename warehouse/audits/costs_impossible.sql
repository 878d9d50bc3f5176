-- Attempts with a negative cost or token count, a cost without any token, or too much cached.
SELECT
    invocation_id,
    call_index,
    cost_usd,
    usage_input_tokens,
    usage_cached_tokens,
    usage_output_tokens
FROM model_calls
WHERE
    NOT coalesce(cost_usd >= 0, FALSE)
    OR usage_input_tokens < 0
    OR usage_output_tokens < 0
    OR NOT coalesce(usage_cached_tokens BETWEEN 0 AND usage_input_tokens, FALSE)
    OR (cost_usd > 0 AND usage_input_tokens = 0 AND usage_output_tokens = 0);
