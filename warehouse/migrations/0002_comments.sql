-- What each table and column holds, with units; `SELECT comment FROM duckdb_columns()` shows it.

COMMENT ON TABLE runs IS 'One flow run';
COMMENT ON COLUMN runs.run_id IS 'Identifier of the run';
COMMENT ON COLUMN runs.kind IS
'Flow that ran: prepare, collect, credit, update, evaluate, retrain, ask';
COMMENT ON COLUMN runs.config_json IS 'Full resolved configuration, secrets left out';
COMMENT ON COLUMN runs.config_digest IS
'Digest of the part of the configuration that determines results';
COMMENT ON COLUMN runs.code_version IS 'Version of the code that ran';
COMMENT ON COLUMN runs.seed IS 'Root of every random choice of the run';
COMMENT ON COLUMN runs.simulated IS 'True when any answer came from the simulated endpoint';
COMMENT ON COLUMN runs.status IS
'running (also after a kill, until resumed), completed, failed or cancelled';
COMMENT ON COLUMN runs.started_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN runs.ended_at IS 'Seconds since 1970-01-01 UTC; NULL while running';
COMMENT ON COLUMN runs.error IS 'Why it failed, one sentence';
COMMENT ON COLUMN runs.prefect_flow_run_id IS 'Flow run in the Prefect server that watched it';

COMMENT ON TABLE problems IS 'One problem of one benchmark version';
COMMENT ON COLUMN problems.problem_id IS '<benchmark>/<version>/<index>';
COMMENT ON COLUMN problems.benchmark IS 'Name of the benchmark';
COMMENT ON COLUMN problems.version IS 'Digest of the source of the benchmark';
COMMENT ON COLUMN problems.family IS 'Task family: math, code or text';
COMMENT ON COLUMN problems.problem_index IS 'Position in the source, from 0';
COMMENT ON COLUMN problems.split IS 'train or test; drawn once, stored, never recomputed';
COMMENT ON COLUMN problems.question IS 'Prompt: what is asked';
COMMENT ON COLUMN problems.reference IS
'Reference answer; for code the canonical solution (may be empty)';
COMMENT ON COLUMN problems.test_entry_point IS 'Function the tests call; only code';
COMMENT ON COLUMN problems.test_public IS
'Python assertions that an operator may see and run; only code';
COMMENT ON COLUMN problems.test_hidden IS
'Python source that raises when the program is wrong; only the scorer runs it; only code';
COMMENT ON COLUMN problems.metadata IS 'JSON object of strings: whatever else the source says';
COMMENT ON COLUMN problems.embedding IS
'Query embedding e(x) of the frozen encoder, 384 numbers without unit';

COMMENT ON TABLE checkpoints IS 'One saved controller';
COMMENT ON COLUMN checkpoints.checkpoint_id IS
'Name of the controller and the first 16 digits of the digest';
COMMENT ON COLUMN checkpoints.run_id IS 'Run that saved it first';
COMMENT ON COLUMN checkpoints.parent_id IS
'Checkpoint the update started from; NULL for a fresh controller';
COMMENT ON COLUMN checkpoints.controller IS 'Kind of controller';
COMMENT ON COLUMN checkpoints.step IS 'Optimiser steps behind it';
COMMENT ON COLUMN checkpoints.digest IS 'Digest of weights, optimiser, baseline and random state';
COMMENT ON COLUMN checkpoints.path IS 'File that holds it';
COMMENT ON COLUMN checkpoints.status IS 'candidate, champion (at most one) or retired';
COMMENT ON COLUMN checkpoints.created_at IS 'Seconds since 1970-01-01 UTC';

COMMENT ON TABLE rollouts IS 'One problem answered once by one execution graph';
COMMENT ON COLUMN rollouts.rollout_id IS 'Identifier of the rollout';
COMMENT ON COLUMN rollouts.run_id IS 'Run it belongs to';
COMMENT ON COLUMN rollouts.problem_id IS 'Problem it answers';
COMMENT ON COLUMN rollouts.checkpoint_id IS
'Controller that chose the graph; NULL for fixed graphs';
COMMENT ON COLUMN rollouts.policy IS 'Variant that chose the graph';
COMMENT ON COLUMN rollouts.purpose IS 'train, evaluate or ask';
COMMENT ON COLUMN rollouts.mode IS 'How the graph was chosen: sampled, decided or fixed';
COMMENT ON COLUMN rollouts.execution_mode IS
'parallel, or sequential: operators of a layer one after another';
COMMENT ON COLUMN rollouts.step IS
'Update step whose batch it belongs to; for evaluations the step of the checkpoint';
COMMENT ON COLUMN rollouts.sample_index IS 'Distinguishes rollouts of the same problem, from 0';
COMMENT ON COLUMN rollouts.retry IS
'How often the slot failed before and was planned again; failures stay on record';
COMMENT ON COLUMN rollouts.seed IS
'Root of every random choice in it; equal across variants for common random numbers';
COMMENT ON COLUMN rollouts.graph IS 'Execution graph: operators of each layer in catalogue order';
COMMENT ON COLUMN rollouts.gamma IS 'γ: virtual tokens per tool second';
COMMENT ON COLUMN rollouts.answer IS 'Final answer as the model wrote it';
COMMENT ON COLUMN rollouts.extracted_answer IS
'What the scorer compared; NULL when nothing could be read';
COMMENT ON COLUMN rollouts.score IS 'S in [0, 1]; NULL exactly when the rollout failed';
COMMENT ON COLUMN rollouts.cost_usd IS 'C: USD for all attempts of all calls';
COMMENT ON COLUMN rollouts.cp_tokens IS 'CP_len: critical path in tokens, post-processing included';
COMMENT ON COLUMN rollouts.virtual_seconds IS 'T = CP_len / γ in virtual seconds';
COMMENT ON COLUMN rollouts.makespan_seconds IS
'Measured seconds from the first start to the last end of its invocations';
COMMENT ON COLUMN rollouts.replayed_calls IS
'Calls answered from the response store; makespan is a measurement only when 0';
COMMENT ON COLUMN rollouts.status IS 'ok or failed (no usable result: kept out of every update)';
COMMENT ON COLUMN rollouts.error IS 'Why it failed';
COMMENT ON COLUMN rollouts.started_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN rollouts.ended_at IS 'Seconds since 1970-01-01 UTC';
COMMENT ON COLUMN rollouts.trace_started_at IS
'Start of the execution of the graph, seconds since 1970-01-01 UTC';
COMMENT ON COLUMN rollouts.trace_ended_at IS
'End of the execution of the graph, seconds since 1970-01-01 UTC';

COMMENT ON TABLE decisions IS 'One chosen operator of one layer of one rollout';
COMMENT ON COLUMN decisions.rollout_id IS 'Rollout it belongs to';
COMMENT ON COLUMN decisions.layer IS 'Layer ℓ, from 1';
COMMENT ON COLUMN decisions.draw_order IS 'Position in the drawn sequence of the layer, from 0';
COMMENT ON COLUMN decisions.operator IS 'Operator chosen';
COMMENT ON COLUMN decisions.probability IS 'p_ℓ(o) after masking illegal operators, in [0, 1]';
COMMENT ON COLUMN decisions.log_probability IS
'log p(a_i) − log(1 − Σ_{j<i} p(a_j)) in nats; 0 for fixed graphs';
COMMENT ON COLUMN decisions.legal IS 'Operators legal at this layer, in catalogue order';

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
COMMENT ON COLUMN operator_invocations.status IS 'ok or failed';
COMMENT ON COLUMN operator_invocations.error IS 'Why it failed';
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
COMMENT ON COLUMN model_calls.status IS 'ok or error';
COMMENT ON COLUMN model_calls.error IS 'Error class and reason, without keys';
COMMENT ON COLUMN model_calls.replayed IS
'True when the answer came from the response store: nothing was sent or paid again';

COMMENT ON TABLE tool_executions IS 'One sandboxed run of a program that a model wrote';
COMMENT ON COLUMN tool_executions.invocation_id IS 'Invocation that made it';
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
'Seconds that enter CP_len: measured, or modelled under the simulated profile';

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

COMMENT ON TABLE credits IS 'One decision under one credit rule';
COMMENT ON COLUMN credits.rollout_id IS 'Rollout of the decision';
COMMENT ON COLUMN credits.layer IS 'Layer of the decision';
COMMENT ON COLUMN credits.operator IS 'Operator of the decision';
COMMENT ON COLUMN credits.credit_rule IS 'critical_path, uniform, cost_only or marginal';
COMMENT ON COLUMN credits.score_term IS 'S';
COMMENT ON COLUMN credits.cost_term IS '−λ_c·C, or −λ_c times its own cost (reward units)';
COMMENT ON COLUMN credits.latency_term IS
'−λ_t·T, −λ_t times the seconds it added, or 0 (reward units)';
COMMENT ON COLUMN credits.reward IS 'score_term + cost_term + latency_term, added left to right';
COMMENT ON COLUMN credits.baseline IS 'What was subtracted from the reward (reward units)';
COMMENT ON COLUMN credits.scale IS 'What (reward − baseline) was divided by (reward units)';
COMMENT ON COLUMN credits.advantage IS '(reward − baseline) / scale, without unit';

COMMENT ON TABLE updates IS 'One optimiser step';
COMMENT ON COLUMN updates.update_id IS 'Identifier of the step';
COMMENT ON COLUMN updates.run_id IS 'Run it belongs to';
COMMENT ON COLUMN updates.step IS 'Number of the step within the runs training';
COMMENT ON COLUMN updates.rollouts IS 'Rollouts used';
COMMENT ON COLUMN updates.failed_rollouts IS 'Rollouts of the batch that failed and were left out';
COMMENT ON COLUMN updates.decisions IS 'Decisions used';
COMMENT ON COLUMN updates.loss IS '−mean over decisions of advantage × log π(decision)';
COMMENT ON COLUMN updates.gradient_norm IS 'Euclidean norm before clipping';
COMMENT ON COLUMN updates.entropy IS
'Mean entropy of p_ℓ over the layers of the decisions, in nats';
COMMENT ON COLUMN updates.baseline_mean IS 'Baseline after the step (reward units)';
COMMENT ON COLUMN updates.baseline_scale IS 'Scale after the step (reward units)';
COMMENT ON COLUMN updates.learning_rate IS 'Learning rate of the optimiser';
COMMENT ON COLUMN updates.checkpoint_before IS 'Controller that drew the batch';
COMMENT ON COLUMN updates.checkpoint_after IS 'Controller after the step';
COMMENT ON COLUMN updates.seconds IS 'Wall-clock seconds of the step';

COMMENT ON TABLE evaluations IS 'One metric of one evaluation';
COMMENT ON COLUMN evaluations.evaluation_id IS 'Evaluation the metric belongs to';
COMMENT ON COLUMN evaluations.run_id IS 'Run that evaluated';
COMMENT ON COLUMN evaluations.checkpoint_id IS 'Controller evaluated; NULL for fixed graphs';
COMMENT ON COLUMN evaluations.policy IS 'Variant evaluated';
COMMENT ON COLUMN evaluations.split IS 'Split of the problems';
COMMENT ON COLUMN evaluations.metric IS
'What was measured, the unit in its name: score, cost_usd, cp_tokens_mean, makespan_seconds_mean …';
COMMENT ON COLUMN evaluations.value IS 'Value in the unit of the metric';
COMMENT ON COLUMN evaluations.low IS 'Lower end of the 95 % interval';
COMMENT ON COLUMN evaluations.high IS 'Upper end of the 95 % interval';
COMMENT ON COLUMN evaluations.n IS 'Rollouts it was computed from';
COMMENT ON COLUMN evaluations.failed IS 'Rollouts left out because they failed';
COMMENT ON COLUMN evaluations.method IS 'How value and interval were computed';
