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
),

layers AS (
    SELECT DISTINCT
        invocations.rollout_id,
        invocations.layer,
        labels.layer_max_tokens
    FROM operator_invocations AS invocations
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
    WHERE invocations.rollout_id IN (SELECT shown.rollout_id FROM shown)
),

starts AS (
    SELECT
        rollout_id,
        layer,
        coalesce(
            sum(layer_max_tokens) OVER (
                PARTITION BY rollout_id
                ORDER BY layer
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            0.0::DOUBLE
        ) AS start_tokens
    FROM layers
)

SELECT
    shown.variant,
    shown.training_seed,
    shown.example,
    shown.rollout_id,
    shown.problem_id,
    shown.score,
    shown.cp_tokens AS rollout_cp_tokens,
    invocations.layer,
    invocations.position,
    invocations.operator,
    invocations.kind,
    -- In sequential mode the operators of a layer wait for each other.
    starts.start_tokens
    + CASE
        WHEN rollouts.execution_mode = 'sequential'
            THEN
                coalesce(
                    sum(invocations.cp_tokens) OVER (
                        PARTITION BY shown.example, shown.rollout_id, invocations.layer
                        ORDER BY invocations.position
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                    ),
                    0.0::DOUBLE
                )
        ELSE 0.0::DOUBLE
    END AS start_tokens,
    invocations.cp_tokens,
    invocations.output_tokens,
    invocations.tool_seconds,
    labels.is_critical,
    labels.slack_tokens
FROM shown
INNER JOIN rollouts USING (rollout_id)
INNER JOIN operator_invocations AS invocations USING (rollout_id)
INNER JOIN critical_path_labels AS labels USING (invocation_id)
INNER JOIN starts
    ON invocations.rollout_id = starts.rollout_id AND invocations.layer = starts.layer
ORDER BY shown.variant, shown.example, invocations.layer, invocations.position;
