-- Invocations whose tokens, tool seconds or cost do not follow, to the last bit, from their calls.
SELECT
    stated.invocation_id,
    stated.output_tokens,
    recomputed.output_tokens AS recomputed_output_tokens,
    stated.tool_seconds,
    recomputed.tool_seconds AS recomputed_tool_seconds,
    stated.cp_tokens,
    recomputed.cp_tokens AS recomputed_cp_tokens,
    stated.total_input_tokens,
    recomputed.total_input_tokens AS recomputed_total_input_tokens,
    stated.total_output_tokens,
    recomputed.total_output_tokens AS recomputed_total_output_tokens,
    stated.cost_usd,
    recomputed.cost_usd AS recomputed_cost_usd
FROM operator_invocations AS stated
INNER JOIN invocation_recomputed AS recomputed USING (invocation_id)
WHERE
    stated.output_tokens IS DISTINCT FROM recomputed.output_tokens
    OR stated.tool_seconds IS DISTINCT FROM recomputed.tool_seconds
    OR stated.cp_tokens IS DISTINCT FROM recomputed.cp_tokens
    OR stated.total_input_tokens IS DISTINCT FROM recomputed.total_input_tokens
    OR stated.total_output_tokens IS DISTINCT FROM recomputed.total_output_tokens
    OR stated.cost_usd IS DISTINCT FROM recomputed.cost_usd;
