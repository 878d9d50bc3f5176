-- How near predictions come to what was measured, over the rows of a group: in per cent, and as R².
CREATE OR REPLACE MACRO median_percentage_error(predicted, measured) AS
100 * median(abs(predicted - measured) / nullif(measured, 0));

CREATE OR REPLACE MACRO explained(predicted, measured, mean_measured) AS
1 - sum((measured - predicted) ** 2) / sum((measured - mean_measured) ** 2);

-- By more than rounding, as lamas.evaluation.latency.LEAST_SPREAD.
CREATE OR REPLACE MACRO varies(value) AS
max(value) - min(value) > 1e-9 * greatest(abs(max(value)), abs(min(value)));
