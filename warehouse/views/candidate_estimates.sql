-- Grain: one metric of a candidate, of the champion it was tried beside, or of their difference.
-- Doubly robust: lamas.evaluation.doubly_robust repeats it, and says what each column is.
CREATE OR REPLACE VIEW candidate_estimates AS
WITH
-- Without a share the candidate decided nothing that the champion would not have decided.
figures AS (
    SELECT
        champion_id,
        candidate_id,
        by_candidate,
        champion_graph,
        candidate_graph,
        agreed,
        propensity,
        if(by_candidate, candidate_graph, champion_graph) AS graph,
        unnest(['score', 'cp_tokens', 'cost_usd', 'makespan_seconds']) AS metric,
        unnest([score, cp_tokens, cost_usd, makespan_seconds]) AS value
    FROM trial_outcomes
    WHERE answered AND candidate_share > 0
),

measured AS (
    SELECT * FROM figures
    WHERE value IS NOT NULL
),

graphs AS (
    SELECT
        champion_id,
        candidate_id,
        metric,
        graph,
        count(*) AS requests,
        sum(value) AS total
    FROM measured
    GROUP BY ALL
),

wholes AS (
    SELECT
        champion_id,
        candidate_id,
        metric,
        sum(requests) AS requests,
        sum(total) AS total
    FROM graphs
    GROUP BY ALL
),

-- What the other requests say of each graph: of those that ran it, and of all as one more.
predicted AS (
    SELECT
        measured.*,
        (wholes.total - measured.value) / (wholes.requests - 1) AS elsewhere,
        ran.total - measured.value AS others_total,
        ran.requests - 1 AS others,
        coalesce(unrun.total, 0.0) AS unrun_total,
        coalesce(unrun.requests, 0) AS unrun_requests
    FROM measured
    INNER JOIN wholes USING (champion_id, candidate_id, metric)
    INNER JOIN graphs AS ran USING (champion_id, candidate_id, metric, graph)
    LEFT JOIN graphs AS unrun
        ON
            measured.champion_id = unrun.champion_id
            AND measured.candidate_id = unrun.candidate_id
            AND measured.metric = unrun.metric
            AND if(measured.by_candidate, measured.champion_graph, measured.candidate_graph)
            = unrun.graph
    WHERE wholes.requests > 1
),

expected AS (
    SELECT
        *,
        (others_total + elsewhere) / (others + 1) AS of_the_run,
        (unrun_total + elsewhere) / (unrun_requests + 1) AS of_the_other
    FROM predicted
),

terms AS (
    SELECT
        *,
        of_the_run + (value - of_the_run) / propensity AS ran_term,
        if(agreed, of_the_run + (value - of_the_run) / propensity, of_the_other) AS other_term
    FROM expected
),

both_terms AS (
    SELECT
        *,
        if(by_candidate, ran_term, other_term) AS candidate_term,
        if(by_candidate, other_term, ran_term) AS champion_term
    FROM terms
),

policies AS (
    SELECT
        *,
        unnest(['champion', 'candidate', 'difference']) AS policy,
        unnest([champion_term, candidate_term, candidate_term - champion_term]) AS term
    FROM both_terms
),

estimates AS (
    SELECT
        champion_id,
        candidate_id,
        metric,
        policy,
        avg(term) AS value,
        stddev_samp(term) / sqrt(count(*)) AS standard_error,
        count(*) AS requests,
        count(*) FILTER (WHERE agreed) AS agreed,
        count(*) FILTER (WHERE NOT agreed AND by_candidate) AS by_candidate,
        count(*) FILTER (WHERE NOT agreed AND NOT by_candidate) AS by_champion
    FROM policies
    GROUP BY ALL
),

supported AS (
    SELECT
        *,
        requests = agreed OR CASE policy
            WHEN 'champion' THEN by_champion
            WHEN 'candidate' THEN by_candidate
            ELSE least(by_champion, by_candidate)
        END >= 20 AS enough
    FROM estimates
)

SELECT
    champion_id,
    candidate_id,
    metric,
    policy,
    value,
    standard_error,
    if(enough, value - 1.959963984540054 * standard_error, NULL) AS low,
    if(enough, value + 1.959963984540054 * standard_error, NULL) AS high,
    requests,
    agreed,
    by_candidate,
    by_champion
FROM supported;
