-- Simulated clusters: which policies ran under which load, and what each call and workflow met.

CREATE TABLE simulated_cells (
    cell_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    policies VARCHAR NOT NULL,
    priority VARCHAR NOT NULL,
    reservation VARCHAR NOT NULL,
    routing VARCHAR NOT NULL,
    weights VARCHAR NOT NULL,
    retention VARCHAR NOT NULL,
    scaling VARCHAR NOT NULL,
    workload VARCHAR NOT NULL,
    load DOUBLE NOT NULL CHECK (load > 0),
    seed BIGINT NOT NULL,
    nodes BIGINT NOT NULL CHECK (nodes >= 1),
    ended_at DOUBLE NOT NULL CHECK (ended_at >= 0),
    open_node_seconds DOUBLE NOT NULL CHECK (open_node_seconds >= 0)
);

CREATE TABLE simulated_workflows (
    cell_id VARCHAR NOT NULL REFERENCES simulated_cells (cell_id),
    workflow BIGINT NOT NULL,
    workflow_type VARCHAR NOT NULL,
    tenant VARCHAR NOT NULL,
    arrived_at DOUBLE NOT NULL,
    ended_at DOUBLE NOT NULL,
    calls BIGINT NOT NULL CHECK (calls >= 1),
    idle_seconds DOUBLE NOT NULL CHECK (idle_seconds > 0),
    PRIMARY KEY (cell_id, workflow)
);

CREATE TABLE simulated_calls (
    cell_id VARCHAR NOT NULL REFERENCES simulated_cells (cell_id),
    call BIGINT NOT NULL,
    workflow BIGINT NOT NULL,
    role VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    layer BIGINT NOT NULL CHECK (layer >= 0),
    tenant VARCHAR NOT NULL,
    node VARCHAR NOT NULL,
    key DOUBLE NOT NULL,
    ready_at DOUBLE NOT NULL,
    started_at DOUBLE NOT NULL,
    first_token_at DOUBLE NOT NULL,
    ended_at DOUBLE NOT NULL,
    input_tokens BIGINT NOT NULL CHECK (input_tokens >= 0),
    cached_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL CHECK (output_tokens >= 1),
    max_tokens BIGINT NOT NULL,
    upper_tokens BIGINT NOT NULL,
    first_reserved_tokens BIGINT NOT NULL,
    preemptions BIGINT NOT NULL CHECK (preemptions >= 0),
    growths BIGINT NOT NULL CHECK (growths >= 0),
    reserved_byte_seconds DOUBLE NOT NULL,
    used_byte_seconds DOUBLE NOT NULL,
    PRIMARY KEY (cell_id, call)
);

CREATE TABLE simulated_node_samples (
    cell_id VARCHAR NOT NULL REFERENCES simulated_cells (cell_id),
    node VARCHAR NOT NULL,
    seen_at DOUBLE NOT NULL,
    open BOOLEAN NOT NULL,
    weight_bytes DOUBLE NOT NULL,
    reserved_bytes DOUBLE NOT NULL,
    pinned_bytes DOUBLE NOT NULL,
    cached_bytes DOUBLE NOT NULL,
    running BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    PRIMARY KEY (cell_id, node, seen_at)
);

CREATE TABLE simulated_cold_starts (
    cell_id VARCHAR NOT NULL REFERENCES simulated_cells (cell_id),
    node VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    began_at DOUBLE NOT NULL,
    seconds DOUBLE NOT NULL CHECK (seconds >= 0),
    tier VARCHAR NOT NULL,
    PRIMARY KEY (cell_id, node, model, began_at)
);

COMMENT ON TABLE simulated_cells IS
'One set of policies under one load with one seed; everything simulated_… is simulated';
COMMENT ON COLUMN simulated_cells.cell_id IS 'run_id/policies/load/seed';
COMMENT ON COLUMN simulated_cells.run_id IS 'Run of `lamas simulate`';
COMMENT ON COLUMN simulated_cells.policies IS 'Name of the set of policies';
COMMENT ON COLUMN simulated_cells.priority IS 'Order of waiting calls';
COMMENT ON COLUMN simulated_cells.reservation IS 'How much memory an answer gets';
COMMENT ON COLUMN simulated_cells.routing IS 'Which node a call waits at';
COMMENT ON COLUMN simulated_cells.weights IS 'Which weights lie in memory';
COMMENT ON COLUMN simulated_cells.retention IS 'Which prompts stay in memory';
COMMENT ON COLUMN simulated_cells.scaling IS 'How many nodes are open';
COMMENT ON COLUMN simulated_cells.workload IS 'Where the workflows are from';
COMMENT ON COLUMN simulated_cells.load IS
'Share of the nominal capacity that arrives; the factor on its pace for a trace';
COMMENT ON COLUMN simulated_cells.seed IS 'Seed of the arrivals';
COMMENT ON COLUMN simulated_cells.nodes IS 'Nodes of the cluster';
COMMENT ON COLUMN simulated_cells.ended_at IS 'Simulated seconds to the end of the last workflow';
COMMENT ON COLUMN simulated_cells.open_node_seconds IS
'Sum over nodes of the seconds in which they were open';

COMMENT ON TABLE simulated_workflows IS 'One workflow that a simulated cluster ended';
COMMENT ON COLUMN simulated_workflows.cell_id IS 'Cell it ran in';
COMMENT ON COLUMN simulated_workflows.workflow IS 'Number by arrival, from 0';
COMMENT ON COLUMN simulated_workflows.workflow_type IS 'Kind of work that profiles are kept by';
COMMENT ON COLUMN simulated_workflows.tenant IS 'Whose it is; empty where there is one';
COMMENT ON COLUMN simulated_workflows.arrived_at IS 'Seconds from the begin of the simulation';
COMMENT ON COLUMN simulated_workflows.ended_at IS 'Seconds from the begin of the simulation';
COMMENT ON COLUMN simulated_workflows.calls IS 'Calls it made';
COMMENT ON COLUMN simulated_workflows.idle_seconds IS
'Seconds it takes on an idle cluster that has cached nothing';

COMMENT ON TABLE simulated_calls IS 'One call that a simulated cluster ended';
COMMENT ON COLUMN simulated_calls.cell_id IS 'Cell it ran in';
COMMENT ON COLUMN simulated_calls.call IS 'Number by readiness, from 0';
COMMENT ON COLUMN simulated_calls.workflow IS 'Workflow it belongs to';
COMMENT ON COLUMN simulated_calls.role IS 'Operator or agent role';
COMMENT ON COLUMN simulated_calls.model IS 'Model asked';
COMMENT ON COLUMN simulated_calls.layer IS 'Layer of the graph, from 0';
COMMENT ON COLUMN simulated_calls.tenant IS 'Whose workflow it is';
COMMENT ON COLUMN simulated_calls.node IS 'Node it ended on';
COMMENT ON COLUMN simulated_calls.key IS 'What its order was decided by, lower first';
COMMENT ON COLUMN simulated_calls.ready_at IS 'When nothing but the cluster kept it waiting';
COMMENT ON COLUMN simulated_calls.started_at IS 'When it first got memory';
COMMENT ON COLUMN simulated_calls.first_token_at IS 'When its prompt was computed';
COMMENT ON COLUMN simulated_calls.ended_at IS 'When it had its answer';
COMMENT ON COLUMN simulated_calls.input_tokens IS 'Tokens of its prompt';
COMMENT ON COLUMN simulated_calls.cached_tokens IS 'Those that a cache held at its first start';
COMMENT ON COLUMN simulated_calls.output_tokens IS 'Tokens of its answer';
COMMENT ON COLUMN simulated_calls.max_tokens IS 'Most tokens its answer might have had';
COMMENT ON COLUMN simulated_calls.upper_tokens IS 'Predicted upper bound of its answer';
COMMENT ON COLUMN simulated_calls.first_reserved_tokens IS 'Tokens reserved for it at first';
COMMENT ON COLUMN simulated_calls.preemptions IS
'How often it lost its memory because an answer outgrew its reservation';
COMMENT ON COLUMN simulated_calls.growths IS 'How often it was given more';
COMMENT ON COLUMN simulated_calls.reserved_byte_seconds IS
'Reserved keys and values over time: the uncached prompt and what was kept for the answer';
COMMENT ON COLUMN simulated_calls.used_byte_seconds IS 'The same of tokens that were there';

COMMENT ON TABLE simulated_node_samples IS 'A simulated node''s memory at one time';
COMMENT ON COLUMN simulated_node_samples.cell_id IS 'Cell it ran in';
COMMENT ON COLUMN simulated_node_samples.node IS 'Name of the node';
COMMENT ON COLUMN simulated_node_samples.seen_at IS 'Seconds from the begin of the simulation';
COMMENT ON COLUMN simulated_node_samples.open IS 'Whether it took calls';
COMMENT ON COLUMN simulated_node_samples.weight_bytes IS 'Bytes of weights';
COMMENT ON COLUMN simulated_node_samples.reserved_bytes IS 'Bytes reserved for answers';
COMMENT ON COLUMN simulated_node_samples.pinned_bytes IS 'Bytes of prompts in use';
COMMENT ON COLUMN simulated_node_samples.cached_bytes IS 'Bytes of prompts that nobody uses';
COMMENT ON COLUMN simulated_node_samples.running IS 'Calls that run';
COMMENT ON COLUMN simulated_node_samples.waiting IS 'Calls that wait';

COMMENT ON TABLE simulated_cold_starts IS 'Weights that were loaded because a call waited for them';
COMMENT ON COLUMN simulated_cold_starts.cell_id IS 'Cell it ran in';
COMMENT ON COLUMN simulated_cold_starts.node IS 'Name of the node';
COMMENT ON COLUMN simulated_cold_starts.model IS 'Model loaded';
COMMENT ON COLUMN simulated_cold_starts.began_at IS 'When loading began';
COMMENT ON COLUMN simulated_cold_starts.seconds IS 'How long it took';
COMMENT ON COLUMN simulated_cold_starts.tier IS 'Where the weights came from: host or disk';
