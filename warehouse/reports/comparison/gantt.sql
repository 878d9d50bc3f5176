-- What runs when in a typical and in the worst evaluation rollout of each variant, over all seeds?
-- Times are virtual: a layer starts where the slowest invocation of the layer before ended.
WITH
ranked AS (
    SELECT
        members.variant,
        members.training_seed,
        answered.*,
        row_number() OVER (variants ORDER BY answered.cp_tokens, answered.rollout_id) AS place,
        count(*) OVER variants AS rollouts
    FROM comparison_members AS members
    INNER JOIN evaluated_rollouts AS answered ON members.run_id = answered.run_id
    WHERE members.comparison_run_id = getvariable('run_id') AND answered.status = 'ok'
    WINDOW variants AS (PARTITION BY members.variant)
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
    shown.variant,
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
ORDER BY shown.variant, shown.example, timeline.layer, timeline.position;
