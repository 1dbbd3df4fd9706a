-- Room privacy, revision 0002: see docs/people.md.
CREATE SCHEMA privacy;

CREATE TABLE privacy.subject_keys (
    subject_id   uuid        NOT NULL PRIMARY KEY,
    wrapped      bytea       CHECK (length(wrapped) BETWEEN 34 AND 256),
    master_key   integer     CHECK (master_key >= 1),
    seals        bigint      NOT NULL CHECK (seals >= 0),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK ((wrapped IS NULL) = (master_key IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX subject_keys_by_master_key ON privacy.subject_keys (master_key, subject_id) WHERE destroyed_at IS NULL;
COMMENT ON TABLE privacy.subject_keys IS 'The data key of everybody whose data we keep. Destroying it makes all their sealed fields unreadable for good.';
COMMENT ON COLUMN privacy.subject_keys.subject_id IS 'A customer''s or a staff member''s id.';
COMMENT ON COLUMN privacy.subject_keys.wrapped IS 'The data key, sealed with a master key that is in no database; gone once destroyed.';
COMMENT ON COLUMN privacy.subject_keys.master_key IS 'The number of the master key that wraps it.';
COMMENT ON COLUMN privacy.subject_keys.seals IS 'How many values were sealed with it; random nonces allow 2^32.';
COMMENT ON COLUMN privacy.subject_keys.destroyed_at IS 'When it was destroyed; the row stays, so that nobody seals for this subject again.';

-- A destroyed key never comes back, and a row never goes: without it a new key would be made.
CREATE TRIGGER destroyed_for_good BEFORE UPDATE ON privacy.subject_keys
    FOR EACH ROW WHEN (OLD.destroyed_at IS NOT NULL) EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON privacy.subject_keys
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON privacy.subject_keys
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE privacy.secrets_in_use (
    name         text        NOT NULL PRIMARY KEY CHECK (name ~ '^(master_key_[0-9]{1,10}|index_secret)$'),
    fingerprint  bytea       NOT NULL CHECK (length(fingerprint) = 8),
    first_used_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE privacy.secrets_in_use IS 'Which master keys and index secret this database was sealed with, by fingerprint, so that a wrong key file is noticed before it seals anything. Append-only.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON privacy.secrets_in_use
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON privacy.secrets_in_use
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE privacy.disclosures (
    id           uuid        NOT NULL PRIMARY KEY,
    viewer       text        NOT NULL CHECK (length(viewer) BETWEEN 1 AND 128),
    role         text        NOT NULL CHECK (length(role) BETWEEN 1 AND 64),
    subject_id   uuid        NOT NULL,
    fields       text[]      NOT NULL CHECK (cardinality(fields) BETWEEN 1 AND 64),
    purpose      text        NOT NULL CHECK (length(purpose) BETWEEN 1 AND 64),
    reason       text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500 AND reason ~ '\S'),
    request_id   text        CHECK (length(request_id) <= 64),
    disclosed_at timestamptz NOT NULL
);
CREATE INDEX disclosures_by_subject ON privacy.disclosures (subject_id, id);
CREATE INDEX disclosures_by_viewer ON privacy.disclosures (viewer, id);
CREATE INDEX disclosures_by_time ON privacy.disclosures USING brin (disclosed_at);
COMMENT ON TABLE privacy.disclosures IS 'Who saw which of somebody''s fields unmasked, when, what for and why; never the values. Append-only.';
COMMENT ON COLUMN privacy.disclosures.viewer IS 'Who looked: the actor of the request.';
COMMENT ON COLUMN privacy.disclosures.role IS 'The role that permitted it.';
COMMENT ON COLUMN privacy.disclosures.fields IS 'Names of the fields that were shown in full, like room.table.column.';
COMMENT ON COLUMN privacy.disclosures.reason IS 'What the viewer wrote, in their own words.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON privacy.disclosures
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON privacy.disclosures
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

GRANT USAGE ON SCHEMA privacy TO huitong_app;
GRANT SELECT, INSERT ON privacy.subject_keys, privacy.secrets_in_use, privacy.disclosures TO huitong_app;
GRANT UPDATE (wrapped, master_key, seals, destroyed_at) ON privacy.subject_keys TO huitong_app;
