-- How much of score × CP_len, and of score × cost, does each group of variants reach? The area that
-- its means dominate up to score 0 and the greatest mean expense of any variant, and its share.
WITH
means AS (
    SELECT
        variant,
        CASE
            WHEN bool_and(fixed) THEN 'fixed graphs'
            WHEN bool_or(learned) THEN 'trained'
            ELSE 'untrained'
        END AS policies,
        ordered_mean(list(score ORDER BY training_seed, problem_id)) AS score,
        ordered_mean(list(cp_tokens ORDER BY training_seed, problem_id)) AS cp_tokens,
        ordered_mean(list(cost_usd ORDER BY training_seed, problem_id)) AS cost_usd
    FROM comparison_cells
    WHERE comparison_run_id = getvariable('run_id')
    GROUP BY variant
),

points AS (
    SELECT
        means.policies,
        means.variant,
        means.score,
        expenses.expense,
        CASE expenses.expense
            WHEN 'cp_tokens' THEN means.cp_tokens
            ELSE means.cost_usd
        END AS amount
    FROM means
    CROSS JOIN (VALUES ('cp_tokens'), ('cost_usd')) AS expenses (expense)
),

corners AS (
    SELECT
        expense,
        max(amount) AS worst_expense
    FROM points
    GROUP BY expense
),

grouped AS (
    SELECT * FROM points
    UNION ALL
    SELECT * REPLACE ('all' AS policies)
    FROM points
),

steps AS (
    SELECT
        grouped.policies,
        grouped.expense,
        corners.worst_expense,
        grouped.variant,
        grouped.amount,
        -- What the point adds to the best score that nobody dearer had reached.
        greatest(
            grouped.score - coalesce(
                max(grouped.score) OVER (
                    PARTITION BY grouped.policies, grouped.expense
                    ORDER BY grouped.amount ASC, grouped.score DESC, grouped.variant ASC
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ),
                0.0::DOUBLE
            ),
            0.0::DOUBLE
        ) AS gained
    FROM grouped
    INNER JOIN corners USING (expense)
)

SELECT
    policies,
    expense,
    count(*) AS variants,
    worst_expense,
    ordered_sum(list((worst_expense - amount) * gained ORDER BY amount ASC, gained DESC))
        AS hypervolume,
    ordered_sum(list((worst_expense - amount) * gained ORDER BY amount ASC, gained DESC))
    / nullif(worst_expense, 0) AS share
FROM steps
GROUP BY policies, expense, worst_expense
ORDER BY expense DESC, policies ASC;
