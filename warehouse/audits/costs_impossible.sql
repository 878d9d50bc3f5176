-- Attempts with a negative cost or token count, a cost without any token, too much cached, or a
-- second request that cost more than both or is counted where none was sent.
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
    OR NOT coalesce(hedge_cost_usd BETWEEN 0 AND cost_usd, FALSE)
    OR (hedge IS NULL AND hedge_input_tokens + hedge_output_tokens + hedge_cost_usd <> 0)
    OR NOT coalesce(usage_cached_tokens BETWEEN 0 AND usage_input_tokens, FALSE)
    OR (cost_usd > hedge_cost_usd AND usage_input_tokens = 0 AND usage_output_tokens = 0);
