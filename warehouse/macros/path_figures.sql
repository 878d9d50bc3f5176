-- The figures of a rollout from its invocations, a list of structs in order of layer and position.
CREATE OR REPLACE MACRO path_cost_usd(parts) AS
ordered_sum(list_transform(parts, lambda part: part.cost_usd));

-- CP_len: the largest length of each layer, or in sequence the sum of each, summed over the layers.
CREATE OR REPLACE MACRO path_length(parts, in_sequence) AS
ordered_sum(
    list_transform(
        list_sort(list_distinct(list_transform(parts, lambda part: part.layer))),
        lambda layer: CASE
            WHEN in_sequence
                THEN
                    ordered_sum(
                        list_transform(
                            list_filter(parts, lambda part: part.layer = layer),
                            lambda part: part.length
                        )
                    )
            ELSE
                list_max(
                    list_transform(
                        list_filter(parts, lambda part: part.layer = layer),
                        lambda part: part.length
                    )
                )
        END
    )
);
