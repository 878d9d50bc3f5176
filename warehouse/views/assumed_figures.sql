-- Grain: one run; how many of its answers rest on figures that were assumed or recorded.
CREATE OR REPLACE VIEW assumed_figures AS
SELECT
    rollouts.run_id,
    count(*) AS attempts,
    count_if(calls.seconds_from = 'assumed') AS assumed_seconds,
    count_if(calls.seconds_from = 'recorded') AS recorded_seconds,
    count_if(calls.usage_estimated) AS estimated_tokens
FROM model_calls AS calls
INNER JOIN operator_invocations USING (invocation_id)
INNER JOIN rollouts USING (rollout_id)
GROUP BY rollouts.run_id;
