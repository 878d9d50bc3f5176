-- Grain: one problem; its category and how many options it offers, where its source says so.
-- A category is what the source calls that, or else its data set (generated) or type (MATH).
CREATE OR REPLACE VIEW problem_categories AS
SELECT
    problem_id,
    benchmark,
    version,
    split,
    coalesce(
        json_extract_string(metadata, '$.category'),
        json_extract_string(metadata, '$.dataset'),
        json_extract_string(metadata, '$.type')
    ) AS category,
    try_cast(json_extract_string(metadata, '$.options') AS BIGINT) AS options
FROM problems;
