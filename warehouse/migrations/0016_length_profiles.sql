-- Profiles of answers' lengths: how good what a scheduler expects is, on calls it did not see.

CREATE TABLE length_profiles (
    run_id VARCHAR NOT NULL REFERENCES runs (run_id),
    role VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    level DOUBLE NOT NULL CHECK (level > 0 AND level < 1),
    training_calls BIGINT NOT NULL CHECK (training_calls >= 2),
    calls BIGINT NOT NULL CHECK (calls >= 1),
    median_loss DOUBLE NOT NULL CHECK (median_loss >= 0),
    baseline_median_loss DOUBLE NOT NULL CHECK (baseline_median_loss >= 0),
    upper_loss DOUBLE NOT NULL CHECK (upper_loss >= 0),
    baseline_upper_loss DOUBLE NOT NULL CHECK (baseline_upper_loss >= 0),
    coverage DOUBLE NOT NULL CHECK (coverage BETWEEN 0 AND 1),
    baseline_coverage DOUBLE NOT NULL CHECK (baseline_coverage BETWEEN 0 AND 1),
    PRIMARY KEY (run_id, role, model)
);

COMMENT ON TABLE length_profiles IS
'Held-out errors of predicted answer lengths, beside the empirical quantile of the same calls';
COMMENT ON COLUMN length_profiles.run_id IS 'Run that fitted them: a retrain or `lamas profile`';
COMMENT ON COLUMN length_profiles.role IS 'Operator; empty with an empty model: all calls';
COMMENT ON COLUMN length_profiles.model IS 'Model asked';
COMMENT ON COLUMN length_profiles.level IS 'What the upper bound should cover';
COMMENT ON COLUMN length_profiles.training_calls IS 'Calls that everything was fitted to';
COMMENT ON COLUMN length_profiles.calls IS 'Held-out calls behind the errors';
COMMENT ON COLUMN length_profiles.median_loss IS
'Mean distance of the predicted median from the length, in tokens';
COMMENT ON COLUMN length_profiles.baseline_median_loss IS
'The same of the empirical median per operator and model';
COMMENT ON COLUMN length_profiles.upper_loss IS
'Mean pinball loss of the bound at its level, in tokens';
COMMENT ON COLUMN length_profiles.baseline_upper_loss IS
'The same of the empirical quantile per operator and model';
COMMENT ON COLUMN length_profiles.coverage IS 'Share of lengths within the bound';
COMMENT ON COLUMN length_profiles.baseline_coverage IS
'Share of lengths within the empirical quantile';
