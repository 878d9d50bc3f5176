-- Grain: one policy at one checkpoint, evaluated on one split of one benchmark in one run.
CREATE OR REPLACE VIEW frontier AS
WITH
measured AS (
    SELECT
        rollouts.run_id,
        problems.benchmark,
        problems.version,
        problems.split,
        rollouts.policy,
        rollouts.checkpoint_id,
        count_if(rollouts.status = 'ok') AS rollouts,
        count_if(rollouts.status = 'failed') AS failed_rollouts,
        ordered_mean(
            list(
                rollouts.score
                ORDER BY
                    rollouts.step, rollouts.problem_id, rollouts.sample_index, rollouts.rollout_id
            ) FILTER (WHERE rollouts.status = 'ok')
        ) AS score,
        ordered_mean(
            list(
                rollouts.cost_usd
                ORDER BY
                    rollouts.step, rollouts.problem_id, rollouts.sample_index, rollouts.rollout_id
            ) FILTER (WHERE rollouts.status = 'ok')
        ) AS cost_usd,
        ordered_mean(
            list(
                rollouts.cp_tokens
                ORDER BY
                    rollouts.step, rollouts.problem_id, rollouts.sample_index, rollouts.rollout_id
            ) FILTER (WHERE rollouts.status = 'ok')
        ) AS cp_tokens,
        avg(rollouts.makespan_seconds) FILTER (
            WHERE rollouts.status = 'ok' AND rollouts.replayed_calls = 0
        ) AS makespan_seconds
    FROM rollouts
    INNER JOIN problems USING (problem_id)
    WHERE rollouts.purpose = 'evaluate'
    GROUP BY ALL
)

SELECT
    measured.*,
    -- Another one of the comparison is nowhere worse and somewhere better.
    count(better.policy) > 0 AS dominated
FROM measured
LEFT JOIN measured AS better
    ON
        measured.run_id = better.run_id
        AND measured.benchmark = better.benchmark
        AND measured.version = better.version
        AND measured.split = better.split
        AND measured.score <= better.score
        AND measured.cost_usd >= better.cost_usd
        AND measured.cp_tokens >= better.cp_tokens
        AND (
            measured.score < better.score
            OR measured.cost_usd > better.cost_usd
            OR measured.cp_tokens > better.cp_tokens
        )
GROUP BY ALL;
