-- Grain: one role of one model in one cell of a run of `lamas simulate`.
CREATE OR REPLACE VIEW serving_waits AS
SELECT
    cell_id,
    role,
    model,
    count(*) AS calls,
    avg(started_at - ready_at) AS wait_mean_seconds,
    quantile_cont(started_at - ready_at, 0.95) AS wait_p95_seconds,
    avg(first_token_at - started_at) AS prefill_mean_seconds,
    avg(ended_at - first_token_at) AS decode_mean_seconds
FROM simulated_calls
GROUP BY cell_id, role, model;
