-- Output limits that a run took from history, and second requests for calls that were slow.
-- Without NOT NULL: DuckDB adds none to a table that others refer to.

CREATE TABLE token_limits (
    run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    operator VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    configured BIGINT NOT NULL CHECK (configured >= 1),
    max_tokens BIGINT NOT NULL CHECK (max_tokens BETWEEN 1 AND configured),
    calls BIGINT NOT NULL CHECK (calls >= 0),
    quantile_tokens DOUBLE CHECK (quantile_tokens >= 0),
    PRIMARY KEY (run_id, operator)
);

COMMENT ON TABLE token_limits IS
'Output tokens that one call of a run may use, by operators.max_tokens_from=history';
COMMENT ON COLUMN token_limits.run_id IS
'Run that began with them; it keeps them when it is gone on with';
COMMENT ON COLUMN token_limits.operator IS 'Operator, with the model it is bound to, if any';
COMMENT ON COLUMN token_limits.model IS 'Model asked';
COMMENT ON COLUMN token_limits.configured IS 'What the configuration allows, which none exceeds';
COMMENT ON COLUMN token_limits.max_tokens IS 'What is sent with each call';
COMMENT ON COLUMN token_limits.calls IS 'Earlier calls of that operator and model, in other runs';
COMMENT ON COLUMN token_limits.quantile_tokens IS
'Quantile of their output tokens; null without any';

ALTER TABLE model_calls ADD COLUMN hedge VARCHAR;
ALTER TABLE model_calls ADD COLUMN hedge_input_tokens BIGINT DEFAULT 0;
ALTER TABLE model_calls ADD COLUMN hedge_output_tokens BIGINT DEFAULT 0;
ALTER TABLE model_calls ADD COLUMN hedge_cost_usd DOUBLE DEFAULT 0.0;
COMMENT ON COLUMN model_calls.hedge IS
'Whose answer it is where a second equal request was sent (first, second); null where none was';
COMMENT ON COLUMN model_calls.hedge_input_tokens IS
'Prompt tokens of the other request, in no other count';
COMMENT ON COLUMN model_calls.hedge_output_tokens IS
'Output tokens of the other request up to its end, in no other count';
COMMENT ON COLUMN model_calls.hedge_cost_usd IS 'What the other request cost; part of cost_usd';
