-- Whether a text is one, not what stands where `recording.texts` kept none.
CREATE OR REPLACE MACRO is_kept(given) AS
NOT regexp_matches(given, '^(\(not kept\)|sha256:[0-9a-f]{64})$');
