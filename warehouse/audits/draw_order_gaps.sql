-- Layers whose draws are not numbered 0, 1, 2 … without gap or repetition.
SELECT
    rollout_id,
    layer,
    list(draw_order ORDER BY draw_order) AS draw_orders
FROM decisions
GROUP BY rollout_id, layer
HAVING list(draw_order ORDER BY draw_order) <> range(count(*));
