-- The audit trail's chain: each committed record becomes a leaf of a Merkle tree, which is signed.
-- Records that have no place yet. Put in by a trigger in the record's own transaction, so that a
-- record that is rolled back never waits and one that commits late is never passed over.
CREATE TABLE kernel.audit_unsealed (
    audit_id uuid NOT NULL PRIMARY KEY
);
COMMENT ON TABLE kernel.audit_unsealed IS 'Audit records that wait for the sealer.';

CREATE TABLE kernel.audit_leaves (
    position  bigint NOT NULL PRIMARY KEY CHECK (position >= 0),
    audit_id  uuid   NOT NULL UNIQUE,
    leaf_hash bytea  NOT NULL CHECK (length(leaf_hash) = 32)
);
COMMENT ON TABLE kernel.audit_leaves IS 'The place of each sealed audit record, and the hash of what it said then.';

-- One row. The origin names this chain for ever; roots are those of the perfect subtrees, largest
-- first, from which the next leaf goes on.
CREATE TABLE kernel.audit_head (
    only_one boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (only_one),
    origin   text    NOT NULL CHECK (origin ~ '^[!-*,-~]{1,128}$'),
    size     bigint  NOT NULL DEFAULT 0 CHECK (size >= 0),
    roots    bytea   NOT NULL DEFAULT '',
    CHECK (length(roots) = 32 * bit_count(int8send(size)))
);
INSERT INTO kernel.audit_head (origin) VALUES ('huitong/audit/' || replace(gen_random_uuid()::text, '-', ''));

CREATE TABLE kernel.audit_checkpoints (
    size       bigint      NOT NULL PRIMARY KEY CHECK (size > 0),
    root       bytea       NOT NULL CHECK (length(root) = 32),
    note       text        NOT NULL CHECK (length(note) <= 4096),
    public_key text        NOT NULL CHECK (length(public_key) <= 256),
    signed_at  timestamptz NOT NULL
);

CREATE FUNCTION kernel.queue_audit_record() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO kernel.audit_unsealed (audit_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION kernel.queue_audit_record() FROM PUBLIC;
CREATE TRIGGER queue_for_sealing AFTER INSERT ON kernel.audit
    FOR EACH ROW EXECUTE FUNCTION kernel.queue_audit_record();
INSERT INTO kernel.audit_unsealed (audit_id) SELECT id FROM kernel.audit;

CREATE FUNCTION kernel.keep_audit_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.origin <> OLD.origin OR NEW.size < OLD.size THEN
        RAISE EXCEPTION 'the head of the audit chain only moves on' USING ERRCODE = 'HT002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_grows BEFORE UPDATE ON kernel.audit_head
    FOR EACH ROW EXECUTE FUNCTION kernel.keep_audit_head();
CREATE TRIGGER append_only BEFORE DELETE ON kernel.audit_head
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON kernel.audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON kernel.audit_leaves
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON kernel.audit_leaves
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON kernel.audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON kernel.audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

-- The sealer takes records off the queue; only the trigger puts them there.
GRANT SELECT, DELETE ON kernel.audit_unsealed TO huitong_app;
GRANT SELECT, INSERT ON kernel.audit_leaves, kernel.audit_checkpoints TO huitong_app;
GRANT SELECT, UPDATE (size, roots) ON kernel.audit_head TO huitong_app;
