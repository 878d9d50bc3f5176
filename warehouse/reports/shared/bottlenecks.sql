-- Which operators held up each entrant of the report? Share of the summed critical paths of its
-- evaluation.
SELECT
    own.entrant,
    own.checkpoint_id,
    shares.layer,
    shares.operator,
    count(*) AS invocations,
    count_if(shares.is_critical) / count(*) AS critical_share,
    quantile_cont(shares.cp_tokens, 0.5) AS cp_tokens_p50,
    quantile_cont(shares.cp_tokens, 0.9) AS cp_tokens_p90,
    sum(shares.critical_tokens)
    / nullif(
        sum(sum(shares.critical_tokens)) OVER (PARTITION BY own.entrant, own.checkpoint_id), 0
    ) AS critical_path_share
FROM shown_rollouts AS own
INNER JOIN rollouts ON own.rollout_id = rollouts.rollout_id
INNER JOIN critical_shares AS shares ON own.rollout_id = shares.rollout_id
WHERE own.report_run_id = getvariable('run_id') AND rollouts.status = 'ok'
GROUP BY own.entrant, own.checkpoint_id, shares.layer, shares.operator
ORDER BY
    own.entrant ASC,
    own.checkpoint_id ASC,
    critical_path_share DESC,
    shares.layer ASC,
    shares.operator ASC;
