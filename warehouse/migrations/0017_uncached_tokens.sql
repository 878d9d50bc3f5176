-- Latency models that count prompt tokens without those from the endpoint's cache.
-- Without NOT NULL: DuckDB adds none to a table that others refer to.

ALTER TABLE latency_models ADD COLUMN uncached BOOLEAN DEFAULT false;
COMMENT ON COLUMN latency_models.uncached IS
'Whether b counts the prompt tokens that did not come from the endpoint''s cache, or all of them';
