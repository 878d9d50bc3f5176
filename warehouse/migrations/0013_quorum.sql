-- A layer may end at a quorum: what still runs is cancelled, and keeps what it had come to. A
-- policy may see what a layer came to before it goes on.
-- DuckDB alters no constraint, and no table that others refer to: what hangs on invocations is
-- written anew, row by row as it was.

CREATE TEMP TABLE kept_operator_invocations AS FROM operator_invocations;
CREATE TEMP TABLE kept_model_calls AS FROM model_calls;
CREATE TEMP TABLE kept_tool_executions AS FROM tool_executions;
CREATE TEMP TABLE kept_critical_path_labels AS FROM critical_path_labels;
CREATE TEMP TABLE kept_predicted_seconds AS FROM predicted_seconds;

DROP TABLE predicted_seconds;
DROP TABLE critical_path_labels;
DROP TABLE tool_executions;
DROP TABLE model_calls;
DROP TABLE operator_invocations;

CREATE TABLE operator_invocations (
    invocation_id VARCHAR PRIMARY KEY,
    rollout_id VARCHAR NOT NULL REFERENCES rollouts (rollout_id),
    layer BIGINT NOT NULL CHECK (layer >= 1),
    position BIGINT NOT NULL CHECK (position >= 0),
    operator VARCHAR NOT NULL,
    kind VARCHAR NOT NULL CHECK (kind IN ('graph', 'post')),
    started_at DOUBLE NOT NULL,
    ended_at DOUBLE NOT NULL,
    output_tokens BIGINT NOT NULL,
    tool_seconds DOUBLE NOT NULL,
    cp_tokens DOUBLE NOT NULL,
    total_input_tokens BIGINT NOT NULL,
    total_output_tokens BIGINT NOT NULL,
    cost_usd DOUBLE NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('ok', 'failed', 'cancelled')),
    error VARCHAR,
    candidates VARCHAR[] NOT NULL
);
INSERT INTO operator_invocations FROM kept_operator_invocations;
DROP TABLE kept_operator_invocations;

CREATE TABLE model_calls (
    invocation_id VARCHAR NOT NULL REFERENCES operator_invocations (invocation_id),
    call_index BIGINT NOT NULL CHECK (call_index >= 0),
    call_id VARCHAR NOT NULL,
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    stage BIGINT NOT NULL CHECK (stage >= 0),
    branch BIGINT NOT NULL CHECK (branch >= 0),
    request_model VARCHAR NOT NULL,
    request_temperature DOUBLE NOT NULL,
    request_max_tokens BIGINT NOT NULL,
    request_seed BIGINT NOT NULL,
    request_messages STRUCT("role" VARCHAR, content VARCHAR)[] NOT NULL,
    response_id VARCHAR,
    response_model VARCHAR,
    response_text VARCHAR,
    response_finish_reasons VARCHAR[] NOT NULL,
    usage_input_tokens BIGINT NOT NULL,
    usage_output_tokens BIGINT NOT NULL,
    usage_estimated BOOLEAN NOT NULL,
    started_at DOUBLE NOT NULL,
    ended_at DOUBLE NOT NULL,
    time_to_first_chunk_seconds DOUBLE,
    cost_usd DOUBLE NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('ok', 'error', 'cancelled')),
    error VARCHAR,
    replayed BOOLEAN NOT NULL,
    usage_cached_tokens BIGINT DEFAULT 0,
    remarks VARCHAR[] DEFAULT [],
    seconds_from VARCHAR DEFAULT 'measured',
    PRIMARY KEY (invocation_id, call_index)
);
INSERT INTO model_calls FROM kept_model_calls;
DROP TABLE kept_model_calls;

CREATE TABLE tool_executions (
    invocation_id VARCHAR NOT NULL REFERENCES operator_invocations (invocation_id),
    tool_index BIGINT NOT NULL CHECK (tool_index >= 0),
    tool_execution_id VARCHAR NOT NULL,
    stage BIGINT NOT NULL CHECK (stage >= 0),
    branch BIGINT NOT NULL CHECK (branch >= 0),
    program VARCHAR NOT NULL,
    stdout VARCHAR NOT NULL,
    stderr VARCHAR NOT NULL,
    exit_code BIGINT,
    status VARCHAR NOT NULL CHECK (status IN ('ok', 'error', 'limit')),
    limits_hit VARCHAR[] NOT NULL,
    started_at DOUBLE NOT NULL,
    ended_at DOUBLE NOT NULL,
    wall_seconds DOUBLE NOT NULL,
    charged_seconds DOUBLE NOT NULL,
    role VARCHAR DEFAULT 'operator',
    PRIMARY KEY (invocation_id, tool_index)
);
INSERT INTO tool_executions FROM kept_tool_executions;
DROP TABLE kept_tool_executions;

CREATE TABLE critical_path_labels (
    invocation_id VARCHAR PRIMARY KEY REFERENCES operator_invocations (invocation_id),
    is_critical BOOLEAN NOT NULL,
    slack_tokens DOUBLE NOT NULL,
    layer_max_tokens DOUBLE NOT NULL,
    layer_second_tokens DOUBLE NOT NULL
);
INSERT INTO critical_path_labels FROM kept_critical_path_labels;
DROP TABLE kept_critical_path_labels;

CREATE TABLE predicted_seconds (
    invocation_id VARCHAR NOT NULL REFERENCES operator_invocations (invocation_id),
    latency_model_id VARCHAR NOT NULL REFERENCES latency_models (latency_model_id),
    seconds DOUBLE NOT NULL CHECK (seconds >= 0),
    held_out BOOLEAN NOT NULL,
    PRIMARY KEY (invocation_id, latency_model_id)
);
INSERT INTO predicted_seconds FROM kept_predicted_seconds;
DROP TABLE kept_predicted_seconds;

COMMENT ON TABLE operator_invocations IS 'One run of one operator in one rollout';
COMMENT ON COLUMN operator_invocations.invocation_id IS 'Identifier of the invocation';
COMMENT ON COLUMN operator_invocations.rollout_id IS 'Rollout it belongs to';
COMMENT ON COLUMN operator_invocations.layer IS
'Layer, from 1; post-processing continues the count';
COMMENT ON COLUMN operator_invocations.position IS
'Place within the layer in catalogue order, from 0';
COMMENT ON COLUMN operator_invocations.operator IS 'Operator that ran';
COMMENT ON COLUMN operator_invocations.kind IS
'graph: chosen by the policy; post: appended after the last layer';
COMMENT ON COLUMN operator_invocations.started_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN operator_invocations.ended_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN operator_invocations.output_tokens IS
'N_out: output tokens along its own longest chain of calls';
COMMENT ON COLUMN operator_invocations.tool_seconds IS 't_tool: charged tool seconds on that chain';
COMMENT ON COLUMN operator_invocations.cp_tokens IS 'N_out + γ·t_tool in tokens';
COMMENT ON COLUMN operator_invocations.total_input_tokens IS 'Input tokens of every attempt';
COMMENT ON COLUMN operator_invocations.total_output_tokens IS
'Output tokens of every attempt, on the longest chain or not';
COMMENT ON COLUMN operator_invocations.cost_usd IS 'USD for all its attempts';
COMMENT ON COLUMN operator_invocations.status IS
'ok, failed, or cancelled because its layer ended at a quorum before any chain of it';
COMMENT ON COLUMN operator_invocations.error IS 'Why it failed or was cancelled';
COMMENT ON COLUMN operator_invocations.candidates IS 'Solutions it produced, in order';
COMMENT ON TABLE model_calls IS 'One attempt of one chat completion, in OpenTelemetry GenAI names';
COMMENT ON COLUMN model_calls.invocation_id IS 'Invocation that made it';
COMMENT ON COLUMN model_calls.call_index IS 'Position among the attempts of the invocation, from 0';
COMMENT ON COLUMN model_calls.call_id IS
'Digest of everything that determines the sample; attempts of one call share it';
COMMENT ON COLUMN model_calls.attempt IS 'Attempt of the call, from 1';
COMMENT ON COLUMN model_calls.stage IS
'Position in the invocations sequence of calls and tool runs, from 0';
COMMENT ON COLUMN model_calls.branch IS 'Parallel branch within the stage, from 0';
COMMENT ON COLUMN model_calls.request_model IS 'Model asked for';
COMMENT ON COLUMN model_calls.request_temperature IS 'Sampling temperature';
COMMENT ON COLUMN model_calls.request_max_tokens IS 'Limit on output tokens';
COMMENT ON COLUMN model_calls.request_seed IS 'Seed sent to the endpoint';
COMMENT ON COLUMN model_calls.request_messages IS 'Messages sent, in order';
COMMENT ON COLUMN model_calls.response_id IS 'Identifier the endpoint gave';
COMMENT ON COLUMN model_calls.response_model IS 'Model that answered';
COMMENT ON COLUMN model_calls.response_text IS 'Text of the answer';
COMMENT ON COLUMN model_calls.response_finish_reasons IS
'Why generation ended, one for each choice';
COMMENT ON COLUMN model_calls.usage_input_tokens IS 'Input tokens';
COMMENT ON COLUMN model_calls.usage_output_tokens IS 'Output tokens';
COMMENT ON COLUMN model_calls.usage_estimated IS
'True when the endpoint reported no usage and tokens were counted from the text';
COMMENT ON COLUMN model_calls.started_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN model_calls.ended_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN model_calls.time_to_first_chunk_seconds IS
'Seconds from the request to the first chunk';
COMMENT ON COLUMN model_calls.cost_usd IS 'USD by the price list';
COMMENT ON COLUMN model_calls.status IS
'ok, error, or cancelled because its layer had ended at a quorum';
COMMENT ON COLUMN model_calls.error IS
'Error class and reason, without keys; of a cancelled one why';
COMMENT ON COLUMN model_calls.replayed IS
'True when the answer came from the response store: nothing was sent or paid again';
COMMENT ON COLUMN model_calls.usage_cached_tokens IS
'Input tokens that the endpoint took from its prompt cache; part of usage_input_tokens';
COMMENT ON COLUMN model_calls.remarks IS
'What was odd: usage_incomplete, usage_impossible, text_mended, no_text, only_reasoning';
COMMENT ON COLUMN model_calls.seconds_from IS
'measured: by a clock; recorded: with an answer given again; assumed: from a declared speed';
COMMENT ON TABLE tool_executions IS 'One sandboxed run of a program that a model wrote';
COMMENT ON COLUMN tool_executions.invocation_id IS
'Invocation that ran it; of a judging run the last one of the rollout';
COMMENT ON COLUMN tool_executions.tool_index IS
'Position among the tool runs of the invocation, from 0';
COMMENT ON COLUMN tool_executions.tool_execution_id IS 'Identifier the sandbox gave';
COMMENT ON COLUMN tool_executions.stage IS
'Position in the invocations sequence of calls and tool runs, from 0';
COMMENT ON COLUMN tool_executions.branch IS 'Parallel branch within the stage, from 0';
COMMENT ON COLUMN tool_executions.program IS 'Python source';
COMMENT ON COLUMN tool_executions.stdout IS 'Standard output, cut at the limit';
COMMENT ON COLUMN tool_executions.stderr IS 'Standard error, cut at the limit';
COMMENT ON COLUMN tool_executions.exit_code IS 'NULL when it was killed';
COMMENT ON COLUMN tool_executions.status IS
'ok, error (failed by itself) or limit (a limit was hit)';
COMMENT ON COLUMN tool_executions.limits_hit IS 'Names of the limits hit';
COMMENT ON COLUMN tool_executions.started_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN tool_executions.ended_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN tool_executions.wall_seconds IS
'Measured seconds from handing the program over to its end';
COMMENT ON COLUMN tool_executions.charged_seconds IS
'Seconds that count as t_tool; 0 for judging, which is no part of the answer';
COMMENT ON COLUMN tool_executions.role IS
'operator: run by the operator; candidate and checker: the two runs that judged the answer';
COMMENT ON TABLE critical_path_labels IS
'Where one invocation stands on the critical path of its rollout';
COMMENT ON COLUMN critical_path_labels.invocation_id IS 'Invocation labelled';
COMMENT ON COLUMN critical_path_labels.is_critical IS
'True when it reaches the maximum of its layer; always true in sequential mode';
COMMENT ON COLUMN critical_path_labels.slack_tokens IS
'Tokens it could grow before it changed the maximum of its layer';
COMMENT ON COLUMN critical_path_labels.layer_max_tokens IS
'Largest cp_tokens of its layer; in sequential mode the sum of the layer';
COMMENT ON COLUMN critical_path_labels.layer_second_tokens IS
'Largest cp_tokens of its layer without it (sequential: the sum without it); 0 when alone';
COMMENT ON TABLE predicted_seconds IS 'What one latency model says of one operator invocation';
COMMENT ON COLUMN predicted_seconds.invocation_id IS 'Invocation predicted';
COMMENT ON COLUMN predicted_seconds.latency_model_id IS 'Latency model that predicts';
COMMENT ON COLUMN predicted_seconds.seconds IS
'Predicted seconds at the reference load: per stage the slowest branch, summed over stages';
COMMENT ON COLUMN predicted_seconds.held_out IS
'True when its rollout was kept from the fit and the figures of the latency model rest on it';

ALTER TABLE decisions ADD COLUMN quorum BIGINT;
COMMENT ON COLUMN decisions.quorum IS
'Chains that have to agree for its layer to end; NULL where it waits for all';
ALTER TABLE decisions ADD COLUMN width BIGINT;
COMMENT ON COLUMN decisions.width IS
'Chains that operators of its layer draw which may draw any number; NULL is as configured';

CREATE TABLE observations (
    rollout_id VARCHAR NOT NULL REFERENCES rollouts (rollout_id),
    layer BIGINT NOT NULL CHECK (layer >= 1),
    candidates BIGINT NOT NULL CHECK (candidates >= 0),
    agreeing BIGINT NOT NULL CHECK (agreeing BETWEEN 0 AND candidates),
    failed_programs BIGINT NOT NULL CHECK (failed_programs >= 0),
    cp_tokens DOUBLE NOT NULL CHECK (cp_tokens >= 0),
    seconds DOUBLE NOT NULL CHECK (seconds >= 0),
    stopped BOOLEAN NOT NULL,
    log_probability DOUBLE NOT NULL CHECK (log_probability <= 0),
    PRIMARY KEY (rollout_id, layer)
);
COMMENT ON TABLE observations IS
'What a policy saw when a layer had ended, and whether it went on';
COMMENT ON COLUMN observations.rollout_id IS 'Rollout whose graph it was choosing';
COMMENT ON COLUMN observations.layer IS 'Layer that had ended, from 1';
COMMENT ON COLUMN observations.candidates IS 'Candidates that there were';
COMMENT ON COLUMN observations.agreeing IS
'Those of the largest group with one normalised answer; 0 where none could be read';
COMMENT ON COLUMN observations.failed_programs IS
'Programs so far that ended in an error or a limit';
COMMENT ON COLUMN observations.cp_tokens IS 'CP_len so far, in tokens';
COMMENT ON COLUMN observations.seconds IS
'Seconds so far: model seconds where answers carry them, measured ones otherwise';
COMMENT ON COLUMN observations.stopped IS 'Whether the graph ended there';
COMMENT ON COLUMN observations.log_probability IS
'Of stopping, or of going on; what was gone on with stands in decisions';
