-- On how many problems was one variant right and the other wrong? For McNemar's test: the first
-- training seed and the first evaluation run of each; p-values as stored.
WITH
seeded AS (
    SELECT
        members.variant,
        members.run_id
    FROM comparison_members AS members
    WHERE members.comparison_run_id = getvariable('run_id')
    QUALIFY
        row_number() OVER (PARTITION BY members.variant ORDER BY members.training_seed) = 1
),

answered AS (
    SELECT
        seeded.variant,
        evaluated_rollouts.problem_id,
        evaluated_rollouts.status,
        evaluated_rollouts.score >= 0.5 AS is_right
    FROM evaluated_rollouts
    INNER JOIN seeded USING (run_id)
    QUALIFY
        evaluated_rollouts.sample_index
        = min(evaluated_rollouts.sample_index) OVER (PARTITION BY seeded.variant)
),

counted AS (
    SELECT
        stored.variant,
        stored.reference,
        any_value(stored.p_value) AS p_value,
        any_value(stored.value) AS stored_value,
        count(*) AS problems,
        count_if(own.is_right AND NOT other.is_right)::BIGINT AS only_variant,
        count_if(other.is_right AND NOT own.is_right)::BIGINT AS only_reference,
        count_if(own.is_right AND other.is_right)::BIGINT AS both_right
    FROM comparison_estimates AS stored
    INNER JOIN answered AS own ON stored.variant = own.variant
    INNER JOIN answered AS other
        ON stored.reference = other.variant AND own.problem_id = other.problem_id
    WHERE
        stored.comparison_run_id = getvariable('run_id')
        AND stored.metric = 'mcnemar'
        AND own.status = 'ok'
        AND other.status = 'ok'
    GROUP BY stored.variant, stored.reference
)

SELECT
    variant,
    reference,
    problems,
    only_variant,
    only_reference,
    both_right,
    problems - only_variant - only_reference - both_right AS both_wrong,
    (only_variant - only_reference) / problems AS value,
    p_value
FROM counted
ORDER BY variant, reference;
