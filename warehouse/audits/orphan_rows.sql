-- Rows that refer to a row which is not there.
WITH
links AS (
    SELECT
        'checkpoints' AS relation,
        checkpoint_id AS row_id,
        'runs' AS refers_to,
        run_id AS missing_id
    FROM checkpoints
    UNION ALL
    SELECT
        'checkpoints' AS relation,
        checkpoint_id AS row_id,
        'checkpoints' AS refers_to,
        parent_id AS missing_id
    FROM checkpoints
    UNION ALL
    SELECT
        'rollouts' AS relation,
        rollout_id AS row_id,
        'runs' AS refers_to,
        run_id AS missing_id
    FROM rollouts
    UNION ALL
    SELECT
        'rollouts' AS relation,
        rollout_id AS row_id,
        'problems' AS refers_to,
        problem_id AS missing_id
    FROM rollouts
    UNION ALL
    SELECT
        'rollouts' AS relation,
        rollout_id AS row_id,
        'checkpoints' AS refers_to,
        checkpoint_id AS missing_id
    FROM rollouts
    UNION ALL
    SELECT
        'decisions' AS relation,
        concat_ws('/', rollout_id, layer, operator) AS row_id,
        'rollouts' AS refers_to,
        rollout_id AS missing_id
    FROM decisions
    UNION ALL
    SELECT
        'operator_invocations' AS relation,
        invocation_id AS row_id,
        'rollouts' AS refers_to,
        rollout_id AS missing_id
    FROM operator_invocations
    UNION ALL
    SELECT
        'model_calls' AS relation,
        concat_ws('/', invocation_id, call_index) AS row_id,
        'operator_invocations' AS refers_to,
        invocation_id AS missing_id
    FROM model_calls
    UNION ALL
    SELECT
        'tool_executions' AS relation,
        concat_ws('/', invocation_id, tool_index) AS row_id,
        'operator_invocations' AS refers_to,
        invocation_id AS missing_id
    FROM tool_executions
    UNION ALL
    SELECT
        'critical_path_labels' AS relation,
        invocation_id AS row_id,
        'operator_invocations' AS refers_to,
        invocation_id AS missing_id
    FROM critical_path_labels
    UNION ALL
    SELECT
        'credits' AS relation,
        concat_ws('/', rollout_id, layer, operator, credit_rule) AS row_id,
        'decisions' AS refers_to,
        concat_ws('/', rollout_id, layer, operator) AS missing_id
    FROM credits
    UNION ALL
    SELECT
        'updates' AS relation,
        update_id AS row_id,
        'runs' AS refers_to,
        run_id AS missing_id
    FROM updates
    UNION ALL
    SELECT
        'updates' AS relation,
        update_id AS row_id,
        'checkpoints' AS refers_to,
        checkpoint_before AS missing_id
    FROM updates
    UNION ALL
    SELECT
        'updates' AS relation,
        update_id AS row_id,
        'checkpoints' AS refers_to,
        checkpoint_after AS missing_id
    FROM updates
    UNION ALL
    SELECT
        'evaluations' AS relation,
        concat_ws('/', evaluation_id, policy, split, metric) AS row_id,
        'runs' AS refers_to,
        run_id AS missing_id
    FROM evaluations
    UNION ALL
    SELECT
        'evaluations' AS relation,
        concat_ws('/', evaluation_id, policy, split, metric) AS row_id,
        'checkpoints' AS refers_to,
        checkpoint_id AS missing_id
    FROM evaluations
    UNION ALL
    SELECT
        'promotions' AS relation,
        promotion_number::VARCHAR AS row_id,
        'checkpoints' AS refers_to,
        checkpoint_id AS missing_id
    FROM promotions
    UNION ALL
    SELECT
        'promotions' AS relation,
        promotion_number::VARCHAR AS row_id,
        'checkpoints' AS refers_to,
        previous_checkpoint_id AS missing_id
    FROM promotions
    UNION ALL
    SELECT
        'promotions' AS relation,
        promotion_number::VARCHAR AS row_id,
        'runs' AS refers_to,
        run_id AS missing_id
    FROM promotions
    UNION ALL
    SELECT
        'credits' AS relation,
        concat_ws('/', rollout_id, layer, operator) AS row_id,
        'latency_models' AS refers_to,
        latency_model_id AS missing_id
    FROM credits
    UNION ALL
    SELECT
        'latency_models' AS relation,
        latency_model_id AS row_id,
        'runs' AS refers_to,
        run_id AS missing_id
    FROM latency_models
    UNION ALL
    SELECT
        'predicted_seconds' AS relation,
        invocation_id AS row_id,
        'operator_invocations' AS refers_to,
        invocation_id AS missing_id
    FROM predicted_seconds
    UNION ALL
    SELECT
        'predicted_seconds' AS relation,
        invocation_id AS row_id,
        'latency_models' AS refers_to,
        latency_model_id AS missing_id
    FROM predicted_seconds
    UNION ALL
    SELECT
        'served_requests' AS relation,
        request_id AS row_id,
        'runs' AS refers_to,
        run_id AS missing_id
    FROM served_requests
    UNION ALL
    SELECT
        'served_requests' AS relation,
        request_id AS row_id,
        'rollouts' AS refers_to,
        rollout_id AS missing_id
    FROM served_requests
    UNION ALL
    SELECT
        'served_requests' AS relation,
        request_id AS row_id,
        'checkpoints' AS refers_to,
        checkpoint_id AS missing_id
    FROM served_requests
    UNION ALL
    SELECT
        'feedback' AS relation,
        feedback_id AS row_id,
        'served_requests' AS refers_to,
        request_id AS missing_id
    FROM feedback
    UNION ALL
    SELECT
        'trials' AS relation,
        request_id AS row_id,
        'served_requests' AS refers_to,
        request_id AS missing_id
    FROM trials
    UNION ALL
    SELECT
        'trials' AS relation,
        request_id AS row_id,
        'checkpoints' AS refers_to,
        unnest([champion_id, candidate_id]) AS missing_id
    FROM trials
    UNION ALL
    SELECT
        'tagged_champions' AS relation,
        tag AS row_id,
        'checkpoints' AS refers_to,
        checkpoint_id AS missing_id
    FROM tagged_champions
    UNION ALL
    SELECT
        'simulated_cells' AS relation,
        cell_id AS row_id,
        'runs' AS refers_to,
        run_id AS missing_id
    FROM simulated_cells
    UNION ALL
    SELECT
        'simulated_workflows' AS relation,
        concat_ws('/', cell_id, workflow) AS row_id,
        'simulated_cells' AS refers_to,
        cell_id AS missing_id
    FROM simulated_workflows
    UNION ALL
    SELECT
        'simulated_calls' AS relation,
        concat_ws('/', cell_id, call) AS row_id,
        'simulated_cells' AS refers_to,
        cell_id AS missing_id
    FROM simulated_calls
),

stored AS (
    SELECT
        'runs' AS refers_to,
        run_id AS missing_id
    FROM runs
    UNION ALL
    SELECT
        'problems' AS refers_to,
        problem_id AS missing_id
    FROM problems
    UNION ALL
    SELECT
        'checkpoints' AS refers_to,
        checkpoint_id AS missing_id
    FROM checkpoints
    UNION ALL
    SELECT
        'rollouts' AS refers_to,
        rollout_id AS missing_id
    FROM rollouts
    UNION ALL
    SELECT
        'decisions' AS refers_to,
        concat_ws('/', rollout_id, layer, operator) AS missing_id
    FROM decisions
    UNION ALL
    SELECT
        'operator_invocations' AS refers_to,
        invocation_id AS missing_id
    FROM operator_invocations
    UNION ALL
    SELECT
        'latency_models' AS refers_to,
        latency_model_id AS missing_id
    FROM latency_models
    UNION ALL
    SELECT
        'served_requests' AS refers_to,
        request_id AS missing_id
    FROM served_requests
    UNION ALL
    SELECT
        'simulated_cells' AS refers_to,
        cell_id AS missing_id
    FROM simulated_cells
)

SELECT
    links.relation,
    links.row_id,
    refers_to,
    missing_id
FROM links
ANTI JOIN stored USING (refers_to, missing_id)
WHERE missing_id IS NOT NULL;
