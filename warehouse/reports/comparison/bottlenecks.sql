-- Which operators held up each variant? Share of the summed critical paths of its evaluation.
SELECT
    members.variant,
    shares.layer,
    shares.operator,
    count(*) AS invocations,
    count_if(shares.is_critical) / count(*) AS critical_share,
    quantile_cont(shares.cp_tokens, 0.5) AS cp_tokens_p50,
    quantile_cont(shares.cp_tokens, 0.9) AS cp_tokens_p90,
    sum(shares.critical_tokens)
    / nullif(sum(sum(shares.critical_tokens)) OVER (PARTITION BY members.variant), 0)
        AS critical_path_share
FROM comparison_members AS members
INNER JOIN evaluated_rollouts AS answered ON members.run_id = answered.run_id
INNER JOIN critical_shares AS shares ON answered.rollout_id = shares.rollout_id
WHERE members.comparison_run_id = getvariable('run_id') AND answered.status = 'ok'
GROUP BY members.variant, shares.layer, shares.operator
ORDER BY
    members.variant ASC, critical_path_share DESC, shares.layer ASC, shares.operator ASC;
