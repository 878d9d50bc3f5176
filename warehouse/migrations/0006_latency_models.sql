-- Latency models: what they were fitted on, what they predict, and the credits that used them.

CREATE TABLE latency_models (
    latency_model_id VARCHAR PRIMARY KEY,
    request_model VARCHAR NOT NULL,
    first_token_seconds DOUBLE NOT NULL CHECK (first_token_seconds >= 0),
    first_token_seconds_per_input_token DOUBLE NOT NULL
    CHECK (first_token_seconds_per_input_token >= 0),
    first_token_seconds_per_load DOUBLE NOT NULL CHECK (first_token_seconds_per_load >= 0),
    seconds_per_output_token DOUBLE NOT NULL CHECK (seconds_per_output_token >= 0),
    seconds_per_output_token_per_load DOUBLE NOT NULL
    CHECK (seconds_per_output_token_per_load >= 0),
    reference_load DOUBLE NOT NULL CHECK (reference_load >= 0),
    run_id VARCHAR REFERENCES runs (run_id),
    seed BIGINT NOT NULL,
    held_out_fraction DOUBLE NOT NULL CHECK (held_out_fraction BETWEEN 0 AND 1),
    calls BIGINT NOT NULL CHECK (calls >= 1),
    streamed_calls BIGINT NOT NULL CHECK (streamed_calls BETWEEN 0 AND calls),
    first_chunk_seconds DOUBLE,
    rollouts BIGINT NOT NULL CHECK (rollouts >= 1),
    proxy_seconds_at_zero DOUBLE NOT NULL,
    proxy_seconds_per_token DOUBLE NOT NULL,
    held_out_rollouts BIGINT NOT NULL CHECK (held_out_rollouts >= 0),
    median_absolute_percentage_error DOUBLE,
    r_squared DOUBLE,
    pearson DOUBLE CHECK (pearson BETWEEN -1 AND 1),
    spearman DOUBLE CHECK (spearman BETWEEN -1 AND 1),
    proxy_median_absolute_percentage_error DOUBLE,
    proxy_r_squared DOUBLE,
    proxy_pearson DOUBLE CHECK (proxy_pearson BETWEEN -1 AND 1),
    proxy_spearman DOUBLE CHECK (proxy_spearman BETWEEN -1 AND 1),
    fitted_at DOUBLE NOT NULL
);

CREATE TABLE predicted_seconds (
    invocation_id VARCHAR NOT NULL REFERENCES operator_invocations (invocation_id),
    latency_model_id VARCHAR NOT NULL REFERENCES latency_models (latency_model_id),
    seconds DOUBLE NOT NULL CHECK (seconds >= 0),
    held_out BOOLEAN NOT NULL,
    PRIMARY KEY (invocation_id, latency_model_id)
);

ALTER TABLE credits ADD COLUMN latency_model_id VARCHAR;
COMMENT ON COLUMN credits.latency_model_id IS
'Latency model whose predicted seconds the latency term charges; NULL: T = CP_len / γ';

COMMENT ON TABLE latency_models IS
'One fitted latency model: seconds of a call = (a + e·load) + b·input + (c + d·load)·output';
COMMENT ON COLUMN latency_models.latency_model_id IS 'Digest of model name and coefficients';
COMMENT ON COLUMN latency_models.request_model IS 'Model whose calls it is of';
COMMENT ON COLUMN latency_models.first_token_seconds IS 'a: seconds to the first token';
COMMENT ON COLUMN latency_models.first_token_seconds_per_input_token IS
'b: seconds to the first token per token of the prompt';
COMMENT ON COLUMN latency_models.first_token_seconds_per_load IS
'e: seconds to the first token per other call in flight';
COMMENT ON COLUMN latency_models.seconds_per_output_token IS 'c: seconds per token of the answer';
COMMENT ON COLUMN latency_models.seconds_per_output_token_per_load IS
'd: seconds per token of the answer and other call in flight';
COMMENT ON COLUMN latency_models.reference_load IS
'Other calls in flight that predictions assume: the median of the calls fitted on';
COMMENT ON COLUMN latency_models.run_id IS
'Run whose calls it was fitted on; NULL for all runs of the warehouse';
COMMENT ON COLUMN latency_models.seed IS 'Seed of the split by rollout';
COMMENT ON COLUMN latency_models.held_out_fraction IS 'Share of the rollouts kept from the fit';
COMMENT ON COLUMN latency_models.calls IS 'Calls it was fitted on: really sent and answered';
COMMENT ON COLUMN latency_models.streamed_calls IS 'Those with a time to the first chunk';
COMMENT ON COLUMN latency_models.first_chunk_seconds IS
'Seconds from the first token to the end of the first chunk; NULL without streamed calls';
COMMENT ON COLUMN latency_models.rollouts IS 'Rollouts that the calls belong to';
COMMENT ON COLUMN latency_models.proxy_seconds_at_zero IS
'Makespan at CP_len 0 on the least-squares line through those rollouts, in seconds';
COMMENT ON COLUMN latency_models.proxy_seconds_per_token IS
'Slope of that line, in seconds per token of CP_len';
COMMENT ON COLUMN latency_models.held_out_rollouts IS
'Rollouts that the figures below are of: kept from the fit, finished, without replayed calls';
COMMENT ON COLUMN latency_models.median_absolute_percentage_error IS
'Median of |predicted − measured| / measured makespan, in per cent';
COMMENT ON COLUMN latency_models.r_squared IS
'Share of the variance of the makespan that the prediction explains; below 0, worse than the mean';
COMMENT ON COLUMN latency_models.pearson IS 'Correlation of predicted with measured makespan';
COMMENT ON COLUMN latency_models.spearman IS 'The same of average ranks';
COMMENT ON COLUMN latency_models.proxy_median_absolute_percentage_error IS
'As above, of the line through CP_len';
COMMENT ON COLUMN latency_models.proxy_r_squared IS 'As above, of the line through CP_len';
COMMENT ON COLUMN latency_models.proxy_pearson IS 'Correlation of CP_len with measured makespan';
COMMENT ON COLUMN latency_models.proxy_spearman IS 'The same of average ranks';
COMMENT ON COLUMN latency_models.fitted_at IS 'Seconds since 1970-01-01 UTC';

COMMENT ON TABLE predicted_seconds IS 'What one latency model says of one operator invocation';
COMMENT ON COLUMN predicted_seconds.invocation_id IS 'Invocation predicted';
COMMENT ON COLUMN predicted_seconds.latency_model_id IS 'Latency model that predicts';
COMMENT ON COLUMN predicted_seconds.seconds IS
'Predicted seconds at the reference load: per stage the slowest branch, summed over stages';
COMMENT ON COLUMN predicted_seconds.held_out IS
'True when its rollout was kept from the fit and the figures of the latency model rest on it';
