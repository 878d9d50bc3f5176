-- What of the input the endpoint took from its prompt cache, and what was odd about an answer.
-- Without NOT NULL, as 0004: rows older than these columns have the defaults.

ALTER TABLE model_calls ADD COLUMN usage_cached_tokens BIGINT DEFAULT 0;
COMMENT ON COLUMN model_calls.usage_cached_tokens IS
'Input tokens that the endpoint took from its prompt cache; part of usage_input_tokens';

ALTER TABLE model_calls ADD COLUMN remarks VARCHAR[] DEFAULT [];
COMMENT ON COLUMN model_calls.remarks IS
'What was odd: usage_incomplete, usage_impossible, text_mended, no_text, only_reasoning';
