-- The ledger's transparency log: tiles of hashes, how far it has come, and signed checkpoints.
-- One row. The origin names this log for ever; every row of the journal up to `sequence` is leaf
-- 0 to `size` - 1, in the order of sequences.
CREATE TABLE ledger.log_head (
    only_one boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (only_one),
    origin   text    NOT NULL CHECK (origin ~ '^[!-*,-~]{1,128}$'),
    size     bigint  NOT NULL DEFAULT 0 CHECK (size >= 0),
    sequence bigint  NOT NULL DEFAULT 0 CHECK (sequence >= 0)
);
INSERT INTO ledger.log_head (origin) VALUES ('huitong/ledger/' || replace(gen_random_uuid()::text, '-', ''));

-- Level 0 holds the hashes of leaves, level 1 the roots of full tiles of level 0, and so on:
-- 256 hashes of 32 bytes a tile. Only the last tile of a level has fewer, and it only grows.
CREATE TABLE ledger.log_tiles (
    level          smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    number         bigint   NOT NULL CHECK (number >= 0),
    hashes         bytea    NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    first_sequence bigint   CHECK ((level = 0) = (first_sequence IS NOT NULL)),
    PRIMARY KEY (level, number)
);
-- Hashes don't compress: trying costs time and gains nothing.
ALTER TABLE ledger.log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
-- Finds the tile of a journal row by its sequence.
CREATE UNIQUE INDEX log_tiles_by_sequence ON ledger.log_tiles (first_sequence) INCLUDE (number) WHERE level = 0;

-- What was signed stands: one root for each size, or the log could tell two stories.
CREATE TABLE ledger.log_checkpoints (
    size       bigint      NOT NULL PRIMARY KEY CHECK (size > 0),
    root       bytea       NOT NULL CHECK (length(root) = 32),
    note       text        NOT NULL CHECK (length(note) <= 4096),
    public_key text        NOT NULL CHECK (length(public_key) <= 256),
    signed_at  timestamptz NOT NULL
);

CREATE FUNCTION ledger.keep_log_tile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A full tile cannot grow, so it cannot change.
    IF (NEW.level, NEW.number) <> (OLD.level, OLD.number)
       OR NEW.first_sequence IS DISTINCT FROM OLD.first_sequence
       OR substring(NEW.hashes FOR length(OLD.hashes)) <> OLD.hashes THEN
        RAISE EXCEPTION 'tile % of level % is refused: hashes may be added, not changed', OLD.number, OLD.level
            USING ERRCODE = 'HT002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_grows BEFORE UPDATE ON ledger.log_tiles
    FOR EACH ROW EXECUTE FUNCTION ledger.keep_log_tile();

CREATE FUNCTION ledger.keep_log_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.origin <> OLD.origin OR NEW.size < OLD.size OR NEW.sequence < OLD.sequence THEN
        RAISE EXCEPTION 'the head of the log only moves on' USING ERRCODE = 'HT002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_grows BEFORE UPDATE ON ledger.log_head
    FOR EACH ROW EXECUTE FUNCTION ledger.keep_log_head();

CREATE TRIGGER append_only BEFORE DELETE ON ledger.log_tiles
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON ledger.log_tiles
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only BEFORE DELETE ON ledger.log_head
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON ledger.log_head
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.log_checkpoints
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON ledger.log_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
