-- Risk: what became known of a decision afterwards. A later word replaces an earlier one and both stay.
CREATE TABLE risk.labels (
    id          uuid        NOT NULL PRIMARY KEY,
    decision_id uuid        NOT NULL,
    is_fraud    boolean     NOT NULL,
    source      text        NOT NULL CHECK (source IN ('case', 'dispute', 'customer', 'import')),
    labelled_by text        NOT NULL CHECK (length(labelled_by) BETWEEN 1 AND 200),
    labelled_at timestamptz NOT NULL
);
CREATE INDEX labels_by_decision ON risk.labels (decision_id, id);
CREATE INDEX labels_by_time ON risk.labels (labelled_at);
COMMENT ON TABLE risk.labels IS 'Whether what was decided about was fraud, as it became known. Append-only: the newest of a decision holds.';
COMMENT ON COLUMN risk.labels.labelled_by IS 'Who said so: an actor as in the audit trail.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON risk.labels
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON risk.labels
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
GRANT SELECT, INSERT ON risk.labels TO huitong_app;
