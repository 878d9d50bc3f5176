-- Which answers could be given again, and to what? The columns are those that llm=recorded reads.
-- An answer that several rollouts got is one row; texts that were not kept are none. What was
-- assumed or estimated is left empty, so that nobody takes it for a record.
WITH given AS (
    SELECT
        problems.question,
        split_part(invocations.operator, '@', 1) AS operator,
        calls.request_model AS model,
        prompt_digest(calls.request_messages) AS prompt_digest,
        calls.response_text AS text,
        CASE WHEN NOT calls.usage_estimated THEN calls.usage_input_tokens END AS input_tokens,
        CASE WHEN NOT calls.usage_estimated THEN calls.usage_output_tokens END AS output_tokens,
        CASE WHEN calls.seconds_from <> 'assumed' THEN calls.ended_at - calls.started_at END
            AS seconds,
        CASE WHEN calls.seconds_from <> 'assumed' THEN calls.time_to_first_chunk_seconds END
            AS time_to_first_token_seconds,
        calls.response_finish_reasons[1] AS finish_reason,
        -- A stored answer that is used again keeps its times; one given again keeps its call.
        CASE
            WHEN calls.seconds_from = 'measured'
                THEN concat_ws(' ', calls.started_at, calls.ended_at)
            ELSE calls.call_id
        END AS answer_id,
        rollouts.sample_index,
        invocations.layer,
        calls.stage,
        calls.branch,
        rollouts.rollout_id,
        calls.call_index
    FROM model_calls AS calls
    INNER JOIN operator_invocations AS invocations USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
    INNER JOIN problems USING (problem_id)
    WHERE
        calls.status = 'ok'
        AND calls.response_text IS NOT NULL
        AND NOT starts_with(calls.response_text, 'sha256:')
        AND coalesce(rollouts.run_id = getvariable('run_id'), TRUE)
),

once AS (
    SELECT *
    FROM given
    QUALIFY
        row_number() OVER (
            PARTITION BY question, operator, model, prompt_digest, answer_id, text
            ORDER BY sample_index, layer, stage, branch, rollout_id, call_index
        ) = 1
)

SELECT
    question,
    operator,
    model,
    prompt_digest,
    row_number() OVER (
        PARTITION BY question, operator, model, prompt_digest
        ORDER BY sample_index, layer, stage, branch, rollout_id, call_index
    ) - 1 AS sample,
    text,
    input_tokens,
    output_tokens,
    seconds,
    time_to_first_token_seconds,
    finish_reason
FROM once
ORDER BY question, operator, model, prompt_digest, sample;
