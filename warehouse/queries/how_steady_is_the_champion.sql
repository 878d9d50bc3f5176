-- Does the champion still do what it did? Its evaluations in order, a row for each metric.
WITH
worked_on AS (
    SELECT
        rollouts.run_id,
        min(problems.benchmark) AS benchmark,
        min(problems.version) AS benchmark_version
    FROM rollouts
    INNER JOIN problems ON rollouts.problem_id = problems.problem_id
    GROUP BY rollouts.run_id
)

SELECT
    runs.run_id,
    to_timestamp(runs.started_at) AS started,
    evaluations.checkpoint_id,
    worked_on.benchmark,
    worked_on.benchmark_version,
    evaluations.split,
    runs.config_json ->> '$.llm.model' AS model,
    runs.config_json ->> '$.evaluation.mode' AS evaluation_mode,
    runs.simulated,
    evaluations.metric,
    evaluations.value,
    evaluations.low,
    evaluations.high,
    evaluations.n
FROM evaluations
INNER JOIN checkpoints
    ON evaluations.checkpoint_id = checkpoints.checkpoint_id AND checkpoints.status = 'champion'
INNER JOIN runs ON evaluations.run_id = runs.run_id
INNER JOIN worked_on ON evaluations.run_id = worked_on.run_id
WHERE evaluations.metric IN ('score', 'cost_usd', 'cp_tokens_mean')
ORDER BY runs.started_at, runs.run_id, evaluations.metric;
