-- What runs when in a typical and in the worst rollout of each evaluated policy of the run?
-- Times are virtual: a layer starts where the slowest invocation of the layer before ended.
WITH
ranked AS (
    SELECT
        *,
        row_number() OVER (policies ORDER BY cp_tokens, rollout_id) AS place,
        count(*) OVER policies AS rollouts
    FROM evaluated_rollouts
    WHERE run_id = getvariable('run_id') AND status = 'ok'
    WINDOW policies AS (PARTITION BY policy, checkpoint_id)
),

shown AS (
    SELECT
        ranked.*,
        which.example
    FROM ranked
    CROSS JOIN (VALUES ('typical'), ('worst')) AS which (example)
    WHERE
        (which.example = 'typical' AND ranked.place = (ranked.rollouts + 1) // 2)
        OR (which.example = 'worst' AND ranked.place = ranked.rollouts)
)

SELECT
    shown.policy,
    shown.checkpoint_id,
    shown.example,
    shown.rollout_id,
    shown.problem_id,
    shown.score,
    shown.cp_tokens AS rollout_cp_tokens,
    timeline.layer,
    timeline.position,
    timeline.operator,
    timeline.kind,
    timeline.start_tokens,
    timeline.cp_tokens,
    timeline.output_tokens,
    timeline.tool_seconds,
    timeline.is_critical,
    timeline.slack_tokens
FROM shown
INNER JOIN timeline ON shown.run_id = timeline.run_id AND shown.rollout_id = timeline.rollout_id
WHERE timeline.run_id = getvariable('run_id')
ORDER BY
    shown.policy,
    shown.checkpoint_id,
    shown.example,
    timeline.layer,
    timeline.position;
