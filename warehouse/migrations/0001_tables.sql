-- The twelve tables. What is updated in place (status, end, error) is scalar: DuckDB turns an
-- update of a list or a key into delete and insert, which a referenced row does not survive.

CREATE TABLE runs (
    run_id VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,
    config_json JSON NOT NULL,
    config_digest VARCHAR NOT NULL,
    code_version VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    simulated BOOLEAN NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    started_at DOUBLE NOT NULL,
    ended_at DOUBLE,
    error VARCHAR,
    prefect_flow_run_id VARCHAR
);

CREATE TABLE problems (
    problem_id VARCHAR PRIMARY KEY,
    benchmark VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    family VARCHAR NOT NULL CHECK (family IN ('math', 'code', 'text')),
    problem_index BIGINT NOT NULL,
    split VARCHAR NOT NULL CHECK (split IN ('train', 'test')),
    question VARCHAR NOT NULL,
    reference VARCHAR NOT NULL,
    test_entry_point VARCHAR,
    test_public VARCHAR[],
    test_hidden VARCHAR,
    metadata JSON NOT NULL,
    embedding FLOAT[384] NOT NULL
);

CREATE TABLE checkpoints (
    checkpoint_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    parent_id VARCHAR REFERENCES checkpoints (checkpoint_id),
    controller VARCHAR NOT NULL,
    step BIGINT NOT NULL CHECK (step >= 0),
    digest VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('candidate', 'champion', 'retired')),
    created_at DOUBLE NOT NULL
);

CREATE TABLE rollouts (
    rollout_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    problem_id VARCHAR NOT NULL REFERENCES problems (problem_id),
    checkpoint_id VARCHAR REFERENCES checkpoints (checkpoint_id),
    policy VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL CHECK (purpose IN ('train', 'evaluate', 'ask')),
    mode VARCHAR NOT NULL CHECK (mode IN ('sampled', 'decided', 'fixed')),
    execution_mode VARCHAR NOT NULL CHECK (execution_mode IN ('parallel', 'sequential')),
    step BIGINT NOT NULL,
    sample_index BIGINT NOT NULL,
    retry BIGINT NOT NULL CHECK (retry >= 0),
    seed BIGINT NOT NULL,
    graph VARCHAR[][] NOT NULL,
    gamma DOUBLE NOT NULL,
    answer VARCHAR,
    extracted_answer VARCHAR,
    score DOUBLE CHECK (score BETWEEN 0 AND 1),
    cost_usd DOUBLE NOT NULL,
    cp_tokens DOUBLE NOT NULL,
    virtual_seconds DOUBLE NOT NULL,
    makespan_seconds DOUBLE NOT NULL,
    replayed_calls BIGINT NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('ok', 'failed')),
    error VARCHAR,
    started_at DOUBLE NOT NULL,
    ended_at DOUBLE NOT NULL,
    trace_started_at DOUBLE NOT NULL,
    trace_ended_at DOUBLE NOT NULL,
    CHECK ((status = 'failed') = (score IS NULL))
);

CREATE TABLE decisions (
    rollout_id VARCHAR NOT NULL REFERENCES rollouts (rollout_id),
    layer BIGINT NOT NULL CHECK (layer >= 1),
    draw_order BIGINT NOT NULL CHECK (draw_order >= 0),
    operator VARCHAR NOT NULL,
    probability DOUBLE NOT NULL,
    log_probability DOUBLE NOT NULL,
    legal VARCHAR[] NOT NULL,
    PRIMARY KEY (rollout_id, layer, operator)
);

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
    status VARCHAR NOT NULL CHECK (status IN ('ok', 'failed')),
    error VARCHAR,
    candidates VARCHAR[] NOT NULL
);

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
    status VARCHAR NOT NULL CHECK (status IN ('ok', 'error')),
    error VARCHAR,
    replayed BOOLEAN NOT NULL,
    PRIMARY KEY (invocation_id, call_index)
);

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
    PRIMARY KEY (invocation_id, tool_index)
);

CREATE TABLE critical_path_labels (
    invocation_id VARCHAR PRIMARY KEY REFERENCES operator_invocations (invocation_id),
    is_critical BOOLEAN NOT NULL,
    slack_tokens DOUBLE NOT NULL,
    layer_max_tokens DOUBLE NOT NULL,
    layer_second_tokens DOUBLE NOT NULL
);

CREATE TABLE credits (
    rollout_id VARCHAR NOT NULL,
    layer BIGINT NOT NULL,
    operator VARCHAR NOT NULL,
    credit_rule VARCHAR NOT NULL,
    score_term DOUBLE NOT NULL,
    cost_term DOUBLE NOT NULL,
    latency_term DOUBLE NOT NULL,
    reward DOUBLE NOT NULL,
    baseline DOUBLE NOT NULL,
    scale DOUBLE NOT NULL,
    advantage DOUBLE NOT NULL,
    PRIMARY KEY (rollout_id, layer, operator, credit_rule),
    FOREIGN KEY (rollout_id, layer, operator) REFERENCES decisions (rollout_id, layer, operator)
);

CREATE TABLE updates (
    update_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    step BIGINT NOT NULL,
    rollouts BIGINT NOT NULL CHECK (rollouts >= 0),
    failed_rollouts BIGINT NOT NULL CHECK (failed_rollouts >= 0),
    decisions BIGINT NOT NULL CHECK (decisions >= 0),
    loss DOUBLE NOT NULL,
    gradient_norm DOUBLE NOT NULL,
    entropy DOUBLE NOT NULL,
    baseline_mean DOUBLE NOT NULL,
    baseline_scale DOUBLE NOT NULL,
    learning_rate DOUBLE NOT NULL,
    checkpoint_before VARCHAR NOT NULL REFERENCES checkpoints (checkpoint_id),
    checkpoint_after VARCHAR NOT NULL REFERENCES checkpoints (checkpoint_id),
    seconds DOUBLE NOT NULL
);

CREATE TABLE evaluations (
    evaluation_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    checkpoint_id VARCHAR REFERENCES checkpoints (checkpoint_id),
    policy VARCHAR NOT NULL,
    split VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    low DOUBLE,
    high DOUBLE,
    n BIGINT NOT NULL CHECK (n >= 0),
    failed BIGINT NOT NULL CHECK (failed >= 0),
    method VARCHAR NOT NULL,
    PRIMARY KEY (evaluation_id, policy, split, metric)
);
