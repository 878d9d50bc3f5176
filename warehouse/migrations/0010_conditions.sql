-- What a controller was asked for when it chose a graph.

ALTER TABLE rollouts ADD COLUMN multiplier DOUBLE;
COMMENT ON COLUMN rollouts.multiplier IS
'Price of a unit of waiting, in score, that the graph was chosen at; NULL where none is known';

ALTER TABLE rollouts ADD COLUMN deadline DOUBLE;
COMMENT ON COLUMN rollouts.deadline IS
'Mean waiting asked for, in the unit of the controller; NULL where none was asked';
