-- Quantile by linear interpolation, rounded as lamas.evaluation.quantile does; NULL for no elements.
-- quantile_cont may differ in the last bit: its build fuses the multiplication with the addition.
CREATE OR REPLACE MACRO ordered_quantile(sample, q) AS
list_sort(sample)[floor((len(sample) - 1) * q::DOUBLE)::BIGINT + 1]
+ (
    list_sort(sample)[ceil((len(sample) - 1) * q::DOUBLE)::BIGINT + 1]
    - list_sort(sample)[floor((len(sample) - 1) * q::DOUBLE)::BIGINT + 1]
)
* ((len(sample) - 1) * q::DOUBLE - floor((len(sample) - 1) * q::DOUBLE));
