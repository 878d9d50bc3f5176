-- Comparisons over training seeds: which runs belong to one, and what it found.

CREATE TABLE comparison_members (
    comparison_run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    variant VARCHAR NOT NULL,
    training_seed BIGINT NOT NULL,
    run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    learned BOOLEAN NOT NULL,
    PRIMARY KEY (comparison_run_id, variant, training_seed)
);

CREATE TABLE comparison_estimates (
    comparison_run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    variant VARCHAR NOT NULL,
    reference VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    low DOUBLE,
    high DOUBLE,
    standard_error DOUBLE,
    degrees DOUBLE,
    p_value DOUBLE CHECK (p_value BETWEEN 0 AND 1),
    seeds BIGINT NOT NULL CHECK (seeds >= 1),
    problems BIGINT NOT NULL CHECK (problems >= 1),
    pairs BIGINT NOT NULL CHECK (pairs >= 1),
    method VARCHAR NOT NULL,
    margin DOUBLE CHECK (margin > 0),
    verdict VARCHAR CHECK (verdict IN ('superior', 'non-inferior', 'inconclusive', 'inferior')),
    margin_p_value DOUBLE CHECK (margin_p_value BETWEEN 0 AND 1),
    PRIMARY KEY (comparison_run_id, variant, reference, metric)
);

COMMENT ON TABLE comparison_members IS
'One run of a comparison: a variant trained with one seed and evaluated, or a graph nobody learns';
COMMENT ON COLUMN comparison_members.comparison_run_id IS 'The comparison, a run of kind compare';
COMMENT ON COLUMN comparison_members.variant IS 'Name of the variant in the configuration';
COMMENT ON COLUMN comparison_members.training_seed IS
'Seed of weights, batches and sampled graphs; for a variant that learns nothing, of its evaluation';
COMMENT ON COLUMN comparison_members.run_id IS 'The run that holds its rollouts';
COMMENT ON COLUMN comparison_members.learned IS 'Whether the variant was trained';
COMMENT ON TABLE comparison_estimates IS
'One difference between two variants, over training seeds and problems';
COMMENT ON COLUMN comparison_estimates.comparison_run_id IS 'The comparison, a run of kind compare';
COMMENT ON COLUMN comparison_estimates.variant IS 'Variant A';
COMMENT ON COLUMN comparison_estimates.reference IS 'Variant B, against which A is set';
COMMENT ON COLUMN comparison_estimates.metric IS
'score_difference (A − B) or …_log_ratio (natural logarithm of the mean of A over that of B)';
COMMENT ON COLUMN comparison_estimates.value IS 'The estimate';
COMMENT ON COLUMN comparison_estimates.low IS 'Lower end of the 95 % interval';
COMMENT ON COLUMN comparison_estimates.high IS 'Upper end of the 95 % interval';
COMMENT ON COLUMN comparison_estimates.standard_error IS
'Of the estimate; NULL, like the interval, where the data do not vary';
COMMENT ON COLUMN comparison_estimates.degrees IS
'Degrees of freedom of the t distribution behind interval and p-value';
COMMENT ON COLUMN comparison_estimates.p_value IS
'Two-sided, of the hypothesis that the true value is 0';
COMMENT ON COLUMN comparison_estimates.seeds IS 'Training seeds that both variants have';
COMMENT ON COLUMN comparison_estimates.problems IS 'Problems that both variants finished';
COMMENT ON COLUMN comparison_estimates.pairs IS '(training seed, problem) pairs that both finished';
COMMENT ON COLUMN comparison_estimates.method IS 'How value and interval were computed';
COMMENT ON COLUMN comparison_estimates.margin IS
'Non-inferiority margin of the score difference, as configured before the run';
COMMENT ON COLUMN comparison_estimates.verdict IS
'Of the score difference by its interval: superior, non-inferior, inconclusive or inferior';
COMMENT ON COLUMN comparison_estimates.margin_p_value IS
'One-sided, of the hypothesis that A is worse than B by at least the margin';
