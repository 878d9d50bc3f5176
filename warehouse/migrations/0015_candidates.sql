-- A candidate beside the champion of a gateway, and champions that are called by a tag.

CREATE TABLE trials (
    request_id VARCHAR PRIMARY KEY REFERENCES served_requests (request_id),
    champion_id VARCHAR NOT NULL REFERENCES checkpoints (checkpoint_id),
    candidate_id VARCHAR NOT NULL REFERENCES checkpoints (checkpoint_id),
    candidate_share DOUBLE NOT NULL CHECK (candidate_share BETWEEN 0 AND 1),
    champion_graph VARCHAR NOT NULL,
    candidate_graph VARCHAR NOT NULL,
    champion_log_probability DOUBLE NOT NULL CHECK (champion_log_probability <= 0),
    candidate_log_probability DOUBLE NOT NULL CHECK (candidate_log_probability <= 0)
);

CREATE TABLE tagged_champions (
    decision_number BIGINT PRIMARY KEY,
    tag VARCHAR NOT NULL,
    checkpoint_id VARCHAR NOT NULL REFERENCES checkpoints (checkpoint_id),
    reason VARCHAR NOT NULL,
    decided_at DOUBLE NOT NULL
);

COMMENT ON TABLE trials IS
'One request of a gateway on which the champion and a candidate both decided';
COMMENT ON COLUMN trials.request_id IS
'Request; its checkpoint_id is the one of the two whose graph ran';
COMMENT ON COLUMN trials.champion_id IS 'Champion at that moment';
COMMENT ON COLUMN trials.candidate_id IS 'Checkpoint that was tried beside it';
COMMENT ON COLUMN trials.candidate_share IS
'Probability with which the candidate was drawn to decide; 0: it ran in shadow';
COMMENT ON COLUMN trials.champion_graph IS
'Graph that the champion decided on, with widths and quorums';
COMMENT ON COLUMN trials.candidate_graph IS 'Graph that the candidate decided on, as well';
COMMENT ON COLUMN trials.champion_log_probability IS
'What drawing that graph from the champion has as logarithm of its probability';
COMMENT ON COLUMN trials.candidate_log_probability IS
'What drawing that graph from the candidate has as logarithm of its probability';

COMMENT ON TABLE tagged_champions IS
'One decision about which checkpoint answers under a tag; the latest of a tag stands';
COMMENT ON COLUMN tagged_champions.decision_number IS 'Order of the decisions, from 1';
COMMENT ON COLUMN tagged_champions.tag IS 'Name after the colon of the model name `lamas:TAG`';
COMMENT ON COLUMN tagged_champions.checkpoint_id IS 'Checkpoint that decides under it';
COMMENT ON COLUMN tagged_champions.reason IS 'Why, in words';
COMMENT ON COLUMN tagged_champions.decided_at IS 'Seconds since 1970-01-01 UTC';
