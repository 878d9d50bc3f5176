-- What runs when in a typical and in the worst evaluated rollout of each entrant of the report?
-- Times are virtual: a layer starts where the slowest invocation of the layer before ended.
WITH
ranked AS (
    SELECT
        own.entrant,
        own.checkpoint_id,
        own.training_seed,
        rollouts.run_id,
        rollouts.rollout_id,
        rollouts.problem_id,
        rollouts.score,
        rollouts.cp_tokens,
        row_number() OVER (entrants ORDER BY rollouts.cp_tokens, rollouts.rollout_id) AS place,
        count(*) OVER entrants AS rollouts
    FROM shown_rollouts AS own
    INNER JOIN rollouts ON own.rollout_id = rollouts.rollout_id
    WHERE own.report_run_id = getvariable('run_id') AND rollouts.status = 'ok'
    WINDOW entrants AS (PARTITION BY own.entrant, own.checkpoint_id)
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
    shown.entrant,
    shown.checkpoint_id,
    shown.training_seed,
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
ORDER BY
    shown.entrant,
    shown.checkpoint_id,
    shown.example,
    timeline.layer,
    timeline.position;
