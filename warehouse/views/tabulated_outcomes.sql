-- Grain: one cell (run, problem, operator, sample) of an outcome table: its last try.
-- A problem is whole when every operator finished every sample of it: only such are compared.
CREATE OR REPLACE VIEW tabulated_outcomes AS
WITH
latest AS (
    SELECT
        run_id,
        problem_id,
        policy AS operator,
        sample_index AS sample,
        rollout_id,
        status,
        score,
        cp_tokens,
        cost_usd
    FROM rollouts
    WHERE purpose = 'tabulate'
    QUALIFY
        row_number() OVER (
            PARTITION BY run_id, problem_id, policy, sample_index
            ORDER BY retry DESC, rollout_id DESC
        ) = 1
),

sizes AS (
    SELECT
        run_id,
        count(DISTINCT operator) * count(DISTINCT sample) AS cells
    FROM latest
    GROUP BY run_id
),

-- Chains run side by side: the operator ends with its last one.
ended AS (
    SELECT
        rollouts.run_id,
        chain_outcomes.rollout_id,
        max(chain_outcomes.seconds) AS seconds,
        count(*) AS chains
    FROM chain_outcomes
    INNER JOIN rollouts USING (rollout_id)
    GROUP BY rollouts.run_id, chain_outcomes.rollout_id
)

SELECT
    latest.run_id,
    latest.problem_id,
    categories.benchmark,
    categories.version,
    categories.split,
    categories.category,
    latest.operator,
    latest.sample,
    latest.rollout_id,
    latest.status,
    ended.chains,
    latest.score,
    latest.cp_tokens,
    ended.seconds,
    latest.cost_usd,
    count_if(latest.status = 'ok') OVER (PARTITION BY latest.run_id, latest.problem_id)
    = sizes.cells AS whole
FROM latest
INNER JOIN sizes ON latest.run_id = sizes.run_id
INNER JOIN problem_categories AS categories ON latest.problem_id = categories.problem_id
LEFT JOIN ended ON latest.run_id = ended.run_id AND latest.rollout_id = ended.rollout_id;
