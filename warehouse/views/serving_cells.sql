-- Grain: one set of policies under one load with one seed of one run of `lamas simulate`.
CREATE OR REPLACE VIEW serving_cells AS
WITH
jobs AS (
    SELECT
        cell_id,
        count(*) AS workflows,
        avg(ended_at - arrived_at) AS completion_mean,
        quantile_cont(ended_at - arrived_at, [0.5, 0.95, 0.99]) AS completion,
        avg((ended_at - arrived_at <= 2 * idle_seconds)::INT) AS slo_2,
        avg((ended_at - arrived_at <= 3 * idle_seconds)::INT) AS slo_3,
        avg((ended_at - arrived_at <= 5 * idle_seconds)::INT) AS slo_5
    FROM simulated_workflows
    GROUP BY cell_id
),

-- A call overtook when one that was ready before it started at its node only later.
ordered AS (
    SELECT
        cell_id,
        call,
        key,
        ready_at,
        started_at,
        preemptions,
        growths,
        output_tokens,
        upper_tokens,
        cached_tokens,
        input_tokens,
        reserved_byte_seconds,
        used_byte_seconds,
        min(call) OVER (
            PARTITION BY cell_id, node
            ORDER BY started_at DESC, call DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS earliest_later
    FROM simulated_calls
),

served AS (
    SELECT
        cell_id,
        count(*) AS calls,
        avg(started_at - ready_at) AS wait_mean,
        quantile_cont(started_at - ready_at, 0.95) AS wait_p95,
        avg((preemptions > 0)::INT) AS overflow_rate,
        avg((growths > 0)::INT) AS growth_rate,
        avg((output_tokens <= upper_tokens)::INT) AS bound_coverage,
        avg(coalesce(earliest_later < call, FALSE)::INT) AS overtaking_share,
        count(DISTINCT key) AS distinct_keys,
        sum(cached_tokens) / sum(input_tokens) AS prefix_hit_rate,
        sum(reserved_byte_seconds) AS reserved_byte_seconds,
        sum(used_byte_seconds) AS used_byte_seconds
    FROM ordered
    GROUP BY cell_id
),

loads AS (
    SELECT
        cell_id,
        count(*) AS cold_starts
    FROM simulated_cold_starts
    GROUP BY cell_id
)

SELECT
    cell_id,
    cells.run_id,
    cells.policies,
    cells.priority,
    cells.reservation,
    cells.routing,
    cells.weights,
    cells.retention,
    cells.scaling,
    cells.workload,
    cells.load,
    cells.seed,
    cells.nodes,
    cells.ended_at,
    cells.open_node_seconds,
    jobs.workflows,
    served.calls,
    jobs.completion_mean AS completion_mean_seconds,
    jobs.completion[1] AS completion_p50_seconds,
    jobs.completion[2] AS completion_p95_seconds,
    jobs.completion[3] AS completion_p99_seconds,
    jobs.slo_2,
    jobs.slo_3,
    jobs.slo_5,
    jobs.workflows / cells.ended_at AS workflows_per_second,
    served.wait_mean AS wait_mean_seconds,
    served.wait_p95 AS wait_p95_seconds,
    served.reserved_byte_seconds,
    served.used_byte_seconds,
    served.used_byte_seconds / served.reserved_byte_seconds AS used_share,
    served.overflow_rate,
    served.growth_rate,
    served.bound_coverage,
    coalesce(loads.cold_starts, 0) AS cold_starts,
    served.prefix_hit_rate,
    served.overtaking_share,
    served.distinct_keys
FROM simulated_cells AS cells
INNER JOIN jobs USING (cell_id)
INNER JOIN served USING (cell_id)
LEFT JOIN loads USING (cell_id);
