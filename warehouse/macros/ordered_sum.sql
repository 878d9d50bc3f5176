-- Left-to-right floating-point sum of a list from 0.0: rounds as lamas.domain.ordered_sum does.
CREATE OR REPLACE MACRO ordered_sum(addends) AS
list_reduce(addends, lambda a, b: a + b, 0.0::DOUBLE);

-- Mean of a list whose sum is an ordered_sum; NULL for no elements.
CREATE OR REPLACE MACRO ordered_mean(addends) AS
list_reduce(addends, lambda a, b: a + b, 0.0::DOUBLE) / nullif(len(addends), 0);

-- The same of the rows of a group that count, in the order of their places.
CREATE OR REPLACE MACRO mean_in_order(value, place, counted) AS
ordered_mean(list(value ORDER BY place) FILTER (WHERE counted));
