-- Grain: one outcome table, all of its problems or those of one category: the best fixed operator
-- against the oracle, which takes for each problem the operator of the highest score, at a tie the
-- shortest. The best fixed operator is that of the whole table, in every category the same.
CREATE OR REPLACE VIEW oracle_gap AS
WITH
answered AS (
    SELECT
        run_id,
        benchmark,
        category,
        problem_id,
        operator,
        ordered_mean(list(score ORDER BY sample)) AS score,
        ordered_mean(list(cp_tokens ORDER BY sample)) AS cp_tokens,
        ordered_mean(list(seconds ORDER BY sample)) AS seconds
    FROM tabulated_outcomes
    WHERE whole
    GROUP BY run_id, benchmark, category, problem_id, operator
),

fixed AS (
    SELECT
        run_id,
        operator
    FROM answered
    GROUP BY run_id, operator
    QUALIFY
        row_number() OVER (
            PARTITION BY run_id
            ORDER BY
                ordered_mean(list(score ORDER BY problem_id)) DESC,
                ordered_mean(list(cp_tokens ORDER BY problem_id)) ASC,
                operator ASC
        ) = 1
),

oracles AS (
    SELECT
        run_id,
        problem_id,
        max(row(score, -cp_tokens, -seconds)) AS figures
    FROM answered
    GROUP BY run_id, problem_id
),

joined AS (
    SELECT
        answered.run_id,
        answered.benchmark,
        answered.category,
        answered.problem_id,
        answered.operator,
        answered.score,
        answered.cp_tokens,
        answered.seconds,
        oracles.figures[1] AS oracle_score,
        -oracles.figures[2] AS oracle_cp_tokens,
        -oracles.figures[3] AS oracle_seconds
    FROM answered
    INNER JOIN fixed ON answered.run_id = fixed.run_id AND answered.operator = fixed.operator
    INNER JOIN oracles
        ON answered.run_id = oracles.run_id AND answered.problem_id = oracles.problem_id
),

scoped AS (
    SELECT
        'all' AS scope,
        NULL AS category,
        * EXCLUDE (category)
    FROM joined
    UNION ALL BY NAME
    SELECT
        'category' AS scope,
        *
    FROM joined
    WHERE category IS NOT NULL
)

SELECT
    run_id,
    benchmark,
    scope,
    category,
    operator AS best_fixed,
    count(*) AS problems,
    ordered_mean(list(score ORDER BY problem_id)) AS fixed_score,
    ordered_mean(list(oracle_score ORDER BY problem_id)) AS oracle_score,
    ordered_mean(list(oracle_score ORDER BY problem_id))
    - ordered_mean(list(score ORDER BY problem_id)) AS score_gap,
    ordered_mean(list(cp_tokens ORDER BY problem_id)) AS fixed_cp_tokens,
    ordered_mean(list(oracle_cp_tokens ORDER BY problem_id)) AS oracle_cp_tokens,
    ordered_mean(list(seconds ORDER BY problem_id)) AS fixed_seconds,
    ordered_mean(list(oracle_seconds ORDER BY problem_id)) AS oracle_seconds
FROM scoped
GROUP BY run_id, benchmark, scope, category, operator;
