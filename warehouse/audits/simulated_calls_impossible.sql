-- Simulated calls out of order in time, with more used than reserved, or of no ended workflow.
SELECT
    calls.cell_id,
    calls.call,
    calls.ready_at,
    calls.started_at,
    calls.first_token_at,
    calls.ended_at
FROM simulated_calls AS calls
LEFT JOIN simulated_workflows AS workflows USING (cell_id, workflow)
WHERE
    NOT calls.ready_at <= calls.started_at
    OR NOT calls.started_at <= calls.first_token_at
    OR NOT calls.first_token_at <= calls.ended_at
    OR calls.used_byte_seconds > calls.reserved_byte_seconds * (1 + 1e-9) + 1
    OR calls.cached_tokens NOT BETWEEN 0 AND calls.input_tokens
    OR NOT coalesce(calls.ended_at <= workflows.ended_at, FALSE);
