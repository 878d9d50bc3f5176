-- Grain: one thing that was odd about answers of one operator at one model in one run.
CREATE OR REPLACE VIEW odd_answers AS
SELECT
    rollouts.run_id,
    invocations.operator,
    calls.request_model,
    remarks.remark,
    list_aggregate(calls.response_finish_reasons, 'first') AS finish_reason,
    count(*) AS answers,
    sum(calls.cost_usd) AS cost_usd
FROM model_calls AS calls
CROSS JOIN unnest(calls.remarks) AS remarks (remark)
INNER JOIN operator_invocations AS invocations USING (invocation_id)
INNER JOIN rollouts USING (rollout_id)
GROUP BY rollouts.run_id, invocations.operator, calls.request_model, remarks.remark, finish_reason;
