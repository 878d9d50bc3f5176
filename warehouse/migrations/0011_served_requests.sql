-- What the gateway knows of a request besides its rollout, and what people said of answers.

CREATE TABLE served_requests (
    request_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    rollout_id VARCHAR REFERENCES rollouts (rollout_id),
    checkpoint_id VARCHAR REFERENCES checkpoints (checkpoint_id),
    client VARCHAR NOT NULL,
    client_user VARCHAR,
    requested_model VARCHAR NOT NULL,
    multiplier DOUBLE,
    deadline_seconds DOUBLE,
    messages BIGINT NOT NULL CHECK (messages >= 1),
    streamed BOOLEAN NOT NULL,
    metadata JSON NOT NULL,
    status BIGINT NOT NULL CHECK (status BETWEEN 200 AND 599),
    received_at DOUBLE NOT NULL,
    decided_at DOUBLE,
    answered_at DOUBLE NOT NULL
);

CREATE TABLE feedback (
    feedback_id VARCHAR PRIMARY KEY,
    request_id VARCHAR NOT NULL REFERENCES served_requests (request_id),
    client VARCHAR NOT NULL,
    score DOUBLE CHECK (score BETWEEN 0 AND 1),
    reference VARCHAR,
    comment VARCHAR,
    given_at DOUBLE NOT NULL,
    CHECK (score IS NOT NULL OR reference IS NOT NULL)
);

COMMENT ON TABLE served_requests IS 'One request that the gateway took on';
COMMENT ON COLUMN served_requests.request_id IS 'Identifier that the client was given';
COMMENT ON COLUMN served_requests.run_id IS
'Start of the gateway that took it on, a run of kind serve';
COMMENT ON COLUMN served_requests.rollout_id IS
'Its rollout; NULL where it was cancelled, or a cap or its time ended it';
COMMENT ON COLUMN served_requests.checkpoint_id IS
'Controller that decided; NULL where a plain model was asked for';
COMMENT ON COLUMN served_requests.client IS 'Name of the key it came with; local without keys';
COMMENT ON COLUMN served_requests.client_user IS 'SHA-256 of what the client sent as user';
COMMENT ON COLUMN served_requests.requested_model IS 'Model name that was asked for';
COMMENT ON COLUMN served_requests.multiplier IS
'Price of a unit of waiting in score that held for it; NULL: the controller has one trade-off';
COMMENT ON COLUMN served_requests.deadline_seconds IS 'Mean seconds of waiting that were asked for';
COMMENT ON COLUMN served_requests.messages IS 'Messages of the conversation';
COMMENT ON COLUMN served_requests.streamed IS 'Whether the answer was streamed';
COMMENT ON COLUMN served_requests.metadata IS
'JSON object that the client sent along; empty unless texts are kept';
COMMENT ON COLUMN served_requests.status IS
'HTTP status; 499: the client left before the answer was ready';
COMMENT ON COLUMN served_requests.received_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN served_requests.decided_at IS
'When the graph was decided, seconds since 1970-01-01 UTC; NULL where it never was';
COMMENT ON COLUMN served_requests.answered_at IS
'When the answer was ready to be sent, seconds since 1970-01-01 UTC';

COMMENT ON TABLE feedback IS 'What somebody said of one answer; the latest of a request stands';
COMMENT ON COLUMN feedback.feedback_id IS 'Identifier of the statement';
COMMENT ON COLUMN feedback.request_id IS 'Request it is about';
COMMENT ON COLUMN feedback.client IS 'Name of the key it came with; local without keys';
COMMENT ON COLUMN feedback.score IS 'How good the answer was, in [0, 1]';
COMMENT ON COLUMN feedback.reference IS 'What the right answer would have been';
COMMENT ON COLUMN feedback.comment IS 'Why, in words';
COMMENT ON COLUMN feedback.given_at IS 'Seconds since 1970-01-01 UTC';

COMMENT ON COLUMN rollouts.policy IS
'Variant that chose the graph; when tabulating the operator; `model` where a plain model was asked';
COMMENT ON COLUMN rollouts.purpose IS
'train, evaluate, ask; tabulate: one operator alone; serve: a request that the gateway answered';
COMMENT ON COLUMN rollouts.score IS
'S in [0, 1]; NULL when the rollout failed, or was served: nobody knows the right answer then';
