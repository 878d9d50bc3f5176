-- Calls whose attempts are not numbered 1, 2, 3 … or go on after one that succeeded.
WITH
-- One attempt numbered 1 is as it should be; so are most calls.
tried_again AS (
    SELECT
        invocation_id,
        call_id
    FROM model_calls
    GROUP BY invocation_id, call_id, stage, branch
    HAVING count(*) > 1 OR any_value(attempt) <> 1
),

attempts AS (
    SELECT model_calls.*
    FROM model_calls
    SEMI JOIN tried_again USING (invocation_id, call_id)
)

SELECT
    invocation_id,
    call_id,
    list(attempt ORDER BY call_index) AS attempts,
    list(status ORDER BY call_index) AS statuses
FROM attempts
GROUP BY invocation_id, call_id, stage, branch
HAVING
    -- The response store keeps the attempt that succeeded, not those before it.
    (NOT bool_or(replayed) AND list(attempt ORDER BY call_index) <> range(1, count(*) + 1))
    OR count_if(status = 'ok') > 1
    OR (count_if(status = 'ok') > 0 AND arg_max(status, call_index) <> 'ok');
