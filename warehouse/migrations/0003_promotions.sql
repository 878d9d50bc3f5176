-- Why a checkpoint is or is not the champion: the evidence of each decision, never overwritten.

CREATE TABLE promotions (
    promotion_number BIGINT PRIMARY KEY,
    decision VARCHAR NOT NULL CHECK (decision IN ('promoted', 'rejected', 'rolled_back')),
    checkpoint_id VARCHAR NOT NULL REFERENCES checkpoints (checkpoint_id),
    previous_checkpoint_id VARCHAR REFERENCES checkpoints (checkpoint_id),
    run_id VARCHAR REFERENCES runs (run_id),
    evidence JSON NOT NULL,
    decided_at DOUBLE NOT NULL
);

COMMENT ON TABLE promotions IS 'One decision about a champion, in the order taken';
COMMENT ON COLUMN promotions.promotion_number IS 'Order of the decisions, from 1';
COMMENT ON COLUMN promotions.decision IS
'promoted: became champion; rejected: stayed candidate; rolled_back: an earlier champion returned';
COMMENT ON COLUMN promotions.checkpoint_id IS
'Checkpoint decided about; on a rollback the one that returned';
COMMENT ON COLUMN promotions.previous_checkpoint_id IS
'Champion until then; NULL when there was none';
COMMENT ON COLUMN promotions.run_id IS 'Run that decided; NULL for a decision by hand';
COMMENT ON COLUMN promotions.evidence IS
'JSON object: the figures and the reason the decision rests on';
COMMENT ON COLUMN promotions.decided_at IS 'Seconds since 1970-01-01 UTC';
