-- How did the run's candidate differ from its reference? Problem by problem; intervals as stored.
WITH
decided AS (
    SELECT
        checkpoint_id AS candidate,
        decision,
        evidence,
        json_extract_string(evidence, '$.reference') AS reference,
        json_extract(evidence, '$.margin')::DOUBLE AS margin,
        json_extract(evidence, '$.holds')::BOOLEAN AS holds,
        json_extract_string(evidence, '$.reason') AS reason
    FROM promotions
    WHERE run_id = getvariable('run_id')
    ORDER BY promotion_number DESC
    LIMIT 1
),

-- Several rollouts of a problem are averaged first, so that every problem counts once. A fixed
-- graph goes by its name; a controller may also stand under conditions, which are not weighed.
answered AS (
    SELECT
        coalesce(given.checkpoint_id, given.policy) AS entrant,
        given.problem_id,
        bool_and(given.replayed_calls = 0) AS measured,
        ordered_mean(list(given.score ORDER BY given.sample_index)) AS score,
        ordered_mean(list(given.cp_tokens ORDER BY given.sample_index)) AS cp_tokens,
        ordered_mean(list(given.cost_usd ORDER BY given.sample_index)) AS cost_usd,
        ordered_mean(list(given.makespan_seconds ORDER BY given.sample_index))
            AS makespan_seconds
    FROM evaluated_rollouts AS given
    LEFT JOIN checkpoints ON given.checkpoint_id = checkpoints.checkpoint_id
    WHERE
        given.run_id = getvariable('run_id')
        AND given.status = 'ok'
        AND given.policy = coalesce(checkpoints.controller, given.policy)
    GROUP BY ALL
),

pairs AS (
    SELECT
        new.problem_id,
        new.measured AND old.measured AS measured,
        new.score - old.score AS score_change,
        new.cp_tokens AS new_cp_tokens,
        old.cp_tokens AS old_cp_tokens,
        new.cost_usd AS new_cost_usd,
        old.cost_usd AS old_cost_usd,
        new.makespan_seconds AS new_makespan_seconds,
        old.makespan_seconds AS old_makespan_seconds
    FROM decided
    INNER JOIN answered AS new ON decided.candidate = new.entrant
    INNER JOIN answered AS old
        ON decided.reference = old.entrant AND new.problem_id = old.problem_id
),

means AS (
    SELECT
        count(*) AS problems,
        bool_and(measured) AS measured,
        ordered_mean(list(score_change ORDER BY problem_id)) AS score_difference,
        ordered_mean(list(new_cp_tokens ORDER BY problem_id))
        / nullif(ordered_mean(list(old_cp_tokens ORDER BY problem_id)), 0) AS cp_tokens_ratio,
        ordered_mean(list(new_cost_usd ORDER BY problem_id))
        / nullif(ordered_mean(list(old_cost_usd ORDER BY problem_id)), 0) AS cost_usd_ratio,
        ordered_mean(list(new_makespan_seconds ORDER BY problem_id))
        / nullif(ordered_mean(list(old_makespan_seconds ORDER BY problem_id)), 0)
            AS makespan_ratio
    FROM pairs
),

-- A log-ratio is left out where a mean is 0 (a free model), that of makespans where calls were
-- replayed.
differences AS (
    SELECT
        1 AS place,
        problems,
        'score_difference' AS metric,
        score_difference AS value
    FROM means
    UNION ALL
    SELECT
        2 AS place,
        problems,
        'cp_tokens_log_ratio' AS metric,
        ln(nullif(cp_tokens_ratio, 0)) AS value
    FROM means
    UNION ALL
    SELECT
        3 AS place,
        problems,
        'cost_usd_log_ratio' AS metric,
        ln(nullif(cost_usd_ratio, 0)) AS value
    FROM means
    UNION ALL
    SELECT
        4 AS place,
        problems,
        'makespan_seconds_log_ratio' AS metric,
        ln(nullif(makespan_ratio, 0)) AS value
    FROM means
    WHERE measured
)

SELECT
    decided.candidate,
    decided.reference,
    decided.decision,
    decided.margin,
    decided.holds,
    decided.reason,
    differences.problems,
    differences.metric,
    differences.value,
    json_extract(decided.evidence, concat('$.differences.', differences.metric, '.low'))::DOUBLE
        AS low,
    json_extract(decided.evidence, concat('$.differences.', differences.metric, '.high'))::DOUBLE
        AS high
FROM decided
CROSS JOIN differences
WHERE differences.value IS NOT NULL
ORDER BY differences.place;
