-- Grain: one reason why attempts of one operator at one model failed in one run.
CREATE OR REPLACE VIEW failed_calls AS
WITH
failing AS (
    SELECT DISTINCT
        invocation_id,
        call_id
    FROM model_calls
    WHERE status = 'error'
),

attempts AS (
    SELECT
        rollouts.run_id,
        invocations.operator,
        calls.*,
        concat_ws('/', calls.invocation_id, calls.call_id) AS call_key,
        -- A call is recovered when a later attempt of it succeeded.
        bool_or(calls.status = 'ok') OVER (
            PARTITION BY calls.invocation_id, calls.call_id
        ) AS recovered,
        -- Nobody waited for it any more.
        bool_or(calls.status = 'cancelled') OVER (
            PARTITION BY calls.invocation_id, calls.call_id
        ) AS given_up
    FROM model_calls AS calls
    SEMI JOIN failing
        ON calls.invocation_id = failing.invocation_id AND calls.call_id = failing.call_id
    INNER JOIN operator_invocations AS invocations USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
)

SELECT
    run_id,
    operator,
    request_model,
    coalesce(error, 'no reason recorded') AS reason,
    count(*) AS failed_attempts,
    count(DISTINCT call_key) AS calls,
    count(DISTINCT call_key) FILTER (WHERE recovered) AS recovered_calls,
    count(DISTINCT call_key) FILTER (WHERE NOT recovered AND NOT given_up) AS lost_calls,
    max(attempt) AS highest_attempt,
    sum(ended_at - started_at) AS seconds_lost,
    sum(cost_usd) AS cost_usd
FROM attempts
WHERE status = 'error'
GROUP BY run_id, operator, request_model, reason;
