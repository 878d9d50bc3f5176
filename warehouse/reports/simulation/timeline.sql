-- What lay in the memory of the busiest node? (The most crowded cell, first seed.)
WITH
looked AS (
    SELECT
        samples.*,
        cells.policies,
        cells.load,
        cells.seed
    FROM simulated_node_samples AS samples
    INNER JOIN simulated_cells AS cells USING (cell_id)
    WHERE cells.run_id = getvariable('run_id')
),

busiest AS (
    SELECT
        cell_id,
        node
    FROM looked
    GROUP BY cell_id, node, policies, load, seed
    ORDER BY load DESC, policies ASC, seed ASC, avg(reserved_bytes) DESC, node ASC
    LIMIT 1
)

SELECT
    looked.policies,
    looked.load,
    looked.seed,
    looked.node,
    looked.seen_at,
    looked.weight_bytes,
    looked.pinned_bytes,
    looked.reserved_bytes,
    looked.cached_bytes,
    looked.running,
    looked.waiting
FROM looked
INNER JOIN busiest USING (cell_id, node)
ORDER BY looked.seen_at;
