-- What a controller was asked for when it chose a graph.

ALTER TABLE rollouts ADD COLUMN multiplier DOUBLE;
COMMENT ON COLUMN rollouts.multiplier IS
'Price of a unit of waiting, in score, that the graph was chosen at; NULL where none is known';

ALTER TABLE rollouts ADD COLUMN deadline DOUBLE;
COMMENT ON COLUMN rollouts.deadline IS
'Mean waiting asked for, in the unit of the controller; NULL where none was asked';

-- What learning from an outcome table came to.
CREATE TABLE table_fits (
    run_id VARCHAR PRIMARY KEY REFERENCES runs (run_id),
    checkpoint_id VARCHAR NOT NULL REFERENCES checkpoints (checkpoint_id),
    clock VARCHAR NOT NULL CHECK (clock IN ('tokens', 'seconds')),
    margin DOUBLE NOT NULL CHECK (margin >= 0),
    problems BIGINT NOT NULL CHECK (problems >= 1),
    samples BIGINT NOT NULL CHECK (samples >= 1),
    best_graph VARCHAR[][] NOT NULL,
    best_score DOUBLE NOT NULL CHECK (best_score BETWEEN 0 AND 1),
    best_time DOUBLE NOT NULL,
    multiplier DOUBLE NOT NULL CHECK (multiplier > 0),
    score DOUBLE NOT NULL,
    time DOUBLE NOT NULL,
    score_unit DOUBLE NOT NULL CHECK (score_unit > 0),
    time_unit DOUBLE NOT NULL CHECK (time_unit > 0)
);
COMMENT ON TABLE table_fits IS 'One controller that was fitted to the outcome table of its run';
COMMENT ON COLUMN table_fits.run_id IS 'Run that filled the table and learned from it';
COMMENT ON COLUMN table_fits.checkpoint_id IS 'The controller';
COMMENT ON COLUMN table_fits.clock IS
'What waiting is counted in: tokens of CP_len, or seconds of the critical path';
COMMENT ON COLUMN table_fits.margin IS 'How far below the best fixed graph the score may lie';
COMMENT ON COLUMN table_fits.problems IS 'Training problems of the table';
COMMENT ON COLUMN table_fits.samples IS 'Samples of each cell';
COMMENT ON COLUMN table_fits.best_graph IS
'Fixed graph of the highest mean score on the table: operators of each layer';
COMMENT ON COLUMN table_fits.best_score IS 'Its mean score on the table';
COMMENT ON COLUMN table_fits.best_time IS 'Its mean waiting, in the unit of the clock';
COMMENT ON COLUMN table_fits.multiplier IS
'μ: the controllers own price of a unit of waiting, in score';
COMMENT ON COLUMN table_fits.score IS 'Mean score at μ on problems that the fits did not see';
COMMENT ON COLUMN table_fits.time IS 'Mean waiting likewise, in the unit of the clock';
COMMENT ON COLUMN table_fits.score_unit IS
'a: what a score varies by from graph to graph; advantages are divided by a + μ·b';
COMMENT ON COLUMN table_fits.time_unit IS 'b: what waiting varies by, in the unit of the clock';

CREATE TABLE operating_points (
    checkpoint_id VARCHAR NOT NULL REFERENCES checkpoints (checkpoint_id),
    multiplier DOUBLE NOT NULL CHECK (multiplier > 0),
    score DOUBLE NOT NULL,
    time DOUBLE NOT NULL,
    PRIMARY KEY (checkpoint_id, multiplier)
);
COMMENT ON TABLE operating_points IS
'What a controller reached at one price of waiting, on problems that its fits did not see';
COMMENT ON COLUMN operating_points.checkpoint_id IS 'The controller';
COMMENT ON COLUMN operating_points.multiplier IS 'Price of a unit of waiting, in score';
COMMENT ON COLUMN operating_points.score IS 'Mean score';
COMMENT ON COLUMN operating_points.time IS 'Mean waiting, in the unit of the controllers clock';
