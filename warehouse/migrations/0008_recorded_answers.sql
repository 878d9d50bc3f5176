-- Where the seconds of a call are from, since answers may be given again without waiting; which
-- encoder made an embedding, since there are two.
-- Without NOT NULL: DuckDB adds none to a table that others refer to.

ALTER TABLE model_calls ADD COLUMN seconds_from VARCHAR DEFAULT 'measured';
COMMENT ON COLUMN model_calls.seconds_from IS
'measured: by a clock; recorded: with an answer given again; assumed: from a declared speed';

ALTER TABLE problems ADD COLUMN encoder VARCHAR DEFAULT 'float32';
COMMENT ON COLUMN problems.encoder IS
'Kind of encoder that made the embedding: float32, or int8 for the faster one';
