-- Which operators held up each evaluated policy of the run? Share of its summed critical paths.
SELECT
    answered.policy,
    answered.checkpoint_id,
    shares.layer,
    shares.operator,
    count(*) AS invocations,
    count_if(shares.is_critical) / count(*) AS critical_share,
    quantile_cont(shares.cp_tokens, 0.5) AS cp_tokens_p50,
    quantile_cont(shares.cp_tokens, 0.9) AS cp_tokens_p90,
    sum(shares.critical_tokens)
    / nullif(
        sum(sum(shares.critical_tokens)) OVER (
            PARTITION BY answered.policy, answered.checkpoint_id
        ),
        0
    ) AS critical_path_share
FROM evaluated_rollouts AS answered
INNER JOIN critical_shares AS shares ON answered.rollout_id = shares.rollout_id
WHERE answered.run_id = getvariable('run_id') AND answered.status = 'ok'
GROUP BY answered.policy, answered.checkpoint_id, shares.layer, shares.operator
ORDER BY
    answered.policy ASC,
    answered.checkpoint_id ASC,
    critical_path_share DESC,
    shares.layer ASC,
    shares.operator ASC;
