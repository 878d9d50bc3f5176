-- Champions beyond the first, and a champion that the last decision did not make one.
WITH
decided AS (
    SELECT arg_max(checkpoint_id, promotion_number) AS checkpoint_id
    FROM promotions
    WHERE decision IN ('promoted', 'rolled_back')
)

SELECT
    checkpoints.checkpoint_id,
    checkpoints.status,
    decided.checkpoint_id AS decided_checkpoint_id
FROM checkpoints
CROSS JOIN decided
WHERE
    (checkpoints.status = 'champion')
    IS DISTINCT FROM (checkpoints.checkpoint_id IS NOT DISTINCT FROM decided.checkpoint_id);
