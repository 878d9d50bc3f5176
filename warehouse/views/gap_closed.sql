-- Grain: one evaluated controller of a run, on all problems or those of one category: how much of
-- the way from the best fixed graph to the oracle over the fixed graphs it went.
-- On problems of which every entrant of the run finished a sample. Both are known only afterwards:
-- the best of the fixed graphs evaluated, and for each problem the best of them. NULL: no way.
CREATE OR REPLACE VIEW gap_closed AS
WITH
-- A fixed graph is one for all problems; what chooses without a controller is none.
one_graph AS (
    SELECT
        run_id,
        policy
    FROM rollouts
    WHERE purpose = 'evaluate' AND mode = 'fixed'
    GROUP BY run_id, policy
    HAVING count(DISTINCT graph) = 1
),

answered AS (
    SELECT
        evaluated.run_id,
        evaluated.policy,
        evaluated.checkpoint_id,
        evaluated.problem_id,
        bool_and(rollouts.mode = 'fixed' AND one_graph.policy IS NOT NULL) AS is_fixed,
        ordered_mean(list(evaluated.score ORDER BY evaluated.sample_index)) AS score,
        ordered_mean(list(evaluated.cp_tokens ORDER BY evaluated.sample_index)) AS cp_tokens
    FROM evaluated_rollouts AS evaluated
    INNER JOIN rollouts ON evaluated.rollout_id = rollouts.rollout_id
    LEFT JOIN one_graph
        ON evaluated.run_id = one_graph.run_id AND evaluated.policy = one_graph.policy
    WHERE evaluated.status = 'ok'
    GROUP BY evaluated.run_id, evaluated.policy, evaluated.checkpoint_id, evaluated.problem_id
),

entrants AS (
    SELECT
        run_id,
        count(DISTINCT row(policy, checkpoint_id)) AS entrants
    FROM evaluated_rollouts
    GROUP BY run_id
),

common AS (
    SELECT
        answered.run_id,
        answered.problem_id,
        max(row(answered.score, -answered.cp_tokens)) FILTER (WHERE answered.is_fixed) AS oracle
    FROM answered
    INNER JOIN entrants ON answered.run_id = entrants.run_id
    GROUP BY answered.run_id, answered.problem_id, entrants.entrants
    HAVING count(*) = entrants.entrants AND bool_or(answered.is_fixed)
),

shared AS (
    SELECT
        answered.run_id,
        answered.problem_id,
        answered.policy,
        answered.checkpoint_id,
        answered.is_fixed,
        answered.score,
        answered.cp_tokens,
        common.oracle[1] AS oracle_score,
        -common.oracle[2] AS oracle_cp_tokens
    FROM answered
    INNER JOIN common
        ON answered.run_id = common.run_id AND answered.problem_id = common.problem_id
),

fixed AS (
    SELECT
        run_id,
        policy
    FROM shared
    WHERE is_fixed
    GROUP BY run_id, policy
    QUALIFY
        row_number() OVER (
            PARTITION BY run_id
            ORDER BY
                ordered_mean(list(score ORDER BY problem_id)) DESC,
                ordered_mean(list(cp_tokens ORDER BY problem_id)) ASC,
                policy ASC
        ) = 1
),

joined AS (
    SELECT
        own.run_id,
        own.policy,
        own.checkpoint_id,
        own.problem_id,
        categories.category,
        best.policy AS best_fixed,
        own.score,
        own.cp_tokens,
        best.score AS fixed_score,
        best.cp_tokens AS fixed_cp_tokens,
        own.oracle_score,
        own.oracle_cp_tokens
    FROM shared AS own
    INNER JOIN fixed ON own.run_id = fixed.run_id
    INNER JOIN shared AS best
        ON
            own.run_id = best.run_id
            AND own.problem_id = best.problem_id
            AND fixed.policy = best.policy
            AND best.is_fixed
    INNER JOIN problem_categories AS categories ON own.problem_id = categories.problem_id
    WHERE NOT own.is_fixed
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
),

means AS (
    SELECT
        run_id,
        policy,
        checkpoint_id,
        scope,
        category,
        best_fixed,
        count(*) AS problems,
        ordered_mean(list(score ORDER BY problem_id)) AS score,
        ordered_mean(list(fixed_score ORDER BY problem_id)) AS fixed_score,
        ordered_mean(list(oracle_score ORDER BY problem_id)) AS oracle_score,
        ordered_mean(list(cp_tokens ORDER BY problem_id)) AS cp_tokens,
        ordered_mean(list(fixed_cp_tokens ORDER BY problem_id)) AS fixed_cp_tokens,
        ordered_mean(list(oracle_cp_tokens ORDER BY problem_id)) AS oracle_cp_tokens
    FROM scoped
    GROUP BY run_id, policy, checkpoint_id, scope, category, best_fixed
)

SELECT
    *,
    CASE
        WHEN oracle_score > fixed_score
            THEN (score - fixed_score) / (oracle_score - fixed_score)
    END AS closed
FROM means;
