-- Grain: one problem; its category and how many options it offers, where its source says so.
CREATE OR REPLACE VIEW problem_categories AS
SELECT
    problem_id,
    benchmark,
    version,
    split,
    json_extract_string(metadata, '$.category') AS category,
    try_cast(json_extract_string(metadata, '$.options') AS BIGINT) AS options
FROM problems;
