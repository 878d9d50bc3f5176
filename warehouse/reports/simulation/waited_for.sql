-- Who waited while whose calls ran at the same node? (The most crowded load, first seed.)
WITH
crowded AS (
    SELECT
        cell_id,
        policies
    FROM simulated_cells
    WHERE run_id = getvariable('run_id')
    QUALIFY row_number() OVER (PARTITION BY policies ORDER BY load DESC, seed ASC) = 1
),

calls AS (
    SELECT
        simulated_calls.cell_id,
        crowded.policies,
        simulated_calls.node,
        simulated_calls.call,
        simulated_calls.role,
        simulated_calls.model,
        simulated_calls.ready_at,
        simulated_calls.started_at,
        simulated_calls.ended_at
    FROM simulated_calls
    INNER JOIN crowded USING (cell_id)
)

SELECT
    waiting.policies,
    waiting.role AS waiting_role,
    waiting.model AS waiting_model,
    running.role AS running_role,
    running.model AS running_model,
    count(DISTINCT waiting.call) AS calls,
    sum(
        least(waiting.started_at, running.ended_at)
        - greatest(waiting.ready_at, running.started_at)
    ) AS call_seconds
FROM calls AS waiting
INNER JOIN calls AS running
    ON
        waiting.cell_id = running.cell_id
        AND waiting.node = running.node
        AND waiting.ready_at < running.ended_at
        AND waiting.started_at > running.started_at
        AND waiting.call <> running.call
WHERE waiting.started_at > waiting.ready_at
GROUP BY ALL
ORDER BY
    waiting.policies ASC,
    call_seconds DESC,
    waiting_role ASC,
    waiting_model ASC,
    running_role ASC,
    running_model ASC;
