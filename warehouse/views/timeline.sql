-- Grain: one labelled operator invocation: when it starts on the critical path of its rollout.
-- Times are virtual: a layer starts where the slowest invocation of the layer before ended.
CREATE OR REPLACE VIEW timeline AS
WITH
labelled AS (
    SELECT
        rollouts.run_id,
        rollouts.execution_mode,
        invocations.*,
        labels.is_critical,
        labels.slack_tokens,
        labels.layer_max_tokens
    FROM operator_invocations AS invocations
    INNER JOIN rollouts USING (rollout_id)
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
),

layers AS (
    SELECT
        run_id,
        rollout_id,
        layer,
        any_value(layer_max_tokens) AS tokens
    FROM labelled
    GROUP BY run_id, rollout_id, layer
),

layer_starts AS (
    SELECT
        run_id,
        rollout_id,
        layer,
        sum(tokens) OVER (
            PARTITION BY run_id, rollout_id
            ORDER BY layer
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS start_tokens
    FROM layers
),

-- In sequential mode the operators of a layer wait for each other.
waits AS (
    SELECT
        invocation_id,
        sum(cp_tokens) OVER (
            PARTITION BY run_id, rollout_id, layer
            ORDER BY position
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS tokens
    FROM labelled
    WHERE execution_mode = 'sequential'
)

SELECT
    labelled.run_id,
    labelled.rollout_id,
    labelled.layer,
    labelled.position,
    labelled.invocation_id,
    labelled.operator,
    labelled.kind,
    coalesce(layer_starts.start_tokens, 0.0::DOUBLE)
    + coalesce(waits.tokens, 0.0::DOUBLE) AS start_tokens,
    labelled.cp_tokens,
    labelled.output_tokens,
    labelled.tool_seconds,
    labelled.is_critical,
    labelled.slack_tokens
FROM labelled
INNER JOIN layer_starts
    ON labelled.rollout_id = layer_starts.rollout_id AND labelled.layer = layer_starts.layer
LEFT JOIN waits ON labelled.invocation_id = waits.invocation_id;
