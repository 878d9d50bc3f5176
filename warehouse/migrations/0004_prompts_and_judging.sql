-- What makes runs comparable, and the sandboxed runs in which answers were judged.
-- Without NOT NULL: DuckDB adds none to a table that others refer to.

ALTER TABLE runs ADD COLUMN prompts_digest VARCHAR DEFAULT '';
COMMENT ON COLUMN runs.prompts_digest IS
'Digest of every prompt file; empty for runs older than this column';

ALTER TABLE tool_executions ADD COLUMN role VARCHAR DEFAULT 'operator';
COMMENT ON COLUMN tool_executions.role IS
'operator: run by the operator; candidate and checker: the two runs that judged the answer';
COMMENT ON COLUMN tool_executions.invocation_id IS
'Invocation that ran it; of a judging run the last one of the rollout';
COMMENT ON COLUMN tool_executions.charged_seconds IS
'Seconds that count as t_tool; 0 for judging, which is no part of the answer';
