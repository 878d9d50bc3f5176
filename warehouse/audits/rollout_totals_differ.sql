-- Rollouts whose cost, CP_len, T or makespan do not follow, to the last bit, from their parts.
SELECT
    stated.rollout_id,
    stated.cost_usd,
    recomputed.cost_usd AS recomputed_cost_usd,
    stated.cp_tokens,
    recomputed.cp_tokens AS recomputed_cp_tokens,
    stated.virtual_seconds,
    recomputed.virtual_seconds AS recomputed_virtual_seconds,
    stated.makespan_seconds,
    recomputed.makespan_seconds AS recomputed_makespan_seconds,
    stated.replayed_calls,
    recomputed.replayed_calls AS recomputed_replayed_calls
FROM rollouts AS stated
INNER JOIN rollout_recomputed AS recomputed USING (rollout_id)
WHERE
    stated.cost_usd IS DISTINCT FROM recomputed.cost_usd
    OR stated.cp_tokens IS DISTINCT FROM recomputed.cp_tokens
    OR stated.virtual_seconds IS DISTINCT FROM recomputed.virtual_seconds
    OR stated.makespan_seconds IS DISTINCT FROM recomputed.makespan_seconds
    OR stated.replayed_calls IS DISTINCT FROM recomputed.replayed_calls;
