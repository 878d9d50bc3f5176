-- What does each set of policies reach under each load, over its seeds?
SELECT
    policies,
    load,
    count(*) AS seeds,
    avg(slo_2) AS slo_2,
    avg(slo_3) AS slo_3,
    avg(slo_5) AS slo_5,
    avg(completion_mean_seconds) AS completion_mean_seconds,
    avg(workflows_per_second) AS workflows_per_second,
    avg(overflow_rate) AS overflow_rate,
    avg(prefix_hit_rate) AS prefix_hit_rate,
    avg(cold_starts) AS cold_starts,
    avg(open_node_seconds) / 3600 AS node_hours
FROM serving_cells
WHERE run_id = getvariable('run_id')
GROUP BY policies, load
ORDER BY policies, load;
