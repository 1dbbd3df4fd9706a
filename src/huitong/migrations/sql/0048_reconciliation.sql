-- Reconciliation: orders, ledger and channels compared; what does not agree, who cures it, and suspense.
CREATE TABLE payments.recon_files (
    id          uuid        NOT NULL PRIMARY KEY,
    number      integer     NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    channel     text        NOT NULL REFERENCES payments.channels (name),
    day         date        NOT NULL,
    format      text        NOT NULL CHECK (format IN ('csv', 'camt.053')),
    digest      bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    size        bigint      NOT NULL CHECK (size > 0),
    line_count  integer     NOT NULL CHECK (line_count BETWEEN 0 AND 5000000),
    loaded      integer     NOT NULL DEFAULT 0 CHECK (loaded BETWEEN 0 AND line_count),
    state       text        NOT NULL CHECK (state IN ('loading', 'loaded', 'matched', 'refused')),
    matched     integer     NOT NULL DEFAULT 0 CHECK (matched BETWEEN 0 AND line_count),
    tolerated   integer     NOT NULL DEFAULT 0 CHECK (tolerated >= 0),
    received_at timestamptz NOT NULL,
    matched_at  timestamptz CHECK (matched_at >= received_at),
    CONSTRAINT recon_files_whole_before_matched CHECK (state = 'loading' OR loaded = line_count),
    CONSTRAINT recon_files_matched_has_time CHECK ((state = 'matched') = (matched_at IS NOT NULL)),
    CONSTRAINT recon_files_counts_when_matched CHECK (state = 'matched' OR (matched = 0 AND tolerated = 0))
);
CREATE UNIQUE INDEX recon_files_one_a_day ON payments.recon_files (channel, day) WHERE state <> 'refused';
COMMENT ON TABLE payments.recon_files IS 'Files in which channels say what they carried on a day. A file with other bytes for the same day is refused.';
COMMENT ON COLUMN payments.recon_files.state IS 'refused: next to nothing of it agrees, so that it is of another day or house; its lines are gone.';
COMMENT ON COLUMN payments.recon_files.number IS 'Stands for the file in its lines, which are many.';
COMMENT ON COLUMN payments.recon_files.matched IS 'Lines that agree with us in everything, in their own day.';
COMMENT ON COLUMN payments.recon_files.tolerated IS 'Lines that were matched otherwise: see recon_pairs.';

CREATE TABLE payments.recon_ranges (
    file_number integer     NOT NULL REFERENCES payments.recon_files (number),
    first_line  integer     NOT NULL CHECK (first_line > 0),
    line_count  integer     NOT NULL CHECK (line_count > 0),
    digest      bytea       NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (file_number, first_line)
);
COMMENT ON TABLE payments.recon_ranges IS 'SHA-256 of each range of lines as it was read: proves for years what a file said after its lines are gone.';

CREATE TABLE payments.recon_lines (
    file_number integer     NOT NULL,
    number      integer     NOT NULL,
    attempt_id  uuid,
    reference   text        NOT NULL CHECK (length(reference) BETWEEN 1 AND 64),
    direction   text        NOT NULL CHECK (direction IN ('in', 'out')),
    amount      bigint      NOT NULL CHECK (amount > 0),
    currency    char(3)     NOT NULL,
    fee         bigint      CHECK (fee >= 0),
    state       text        NOT NULL CHECK (state IN ('succeeded', 'failed')),
    booked_at   timestamptz NOT NULL,
    PRIMARY KEY (file_number, number)
);
COMMENT ON TABLE payments.recon_lines IS 'Lines of files for as long as they are worked with; what does not agree is copied to its break.';

CREATE TABLE payments.recon_pairs (
    file_number integer     NOT NULL REFERENCES payments.recon_files (number),
    line        integer     NOT NULL CHECK (line > 0),
    attempt_id  uuid        NOT NULL UNIQUE REFERENCES payments.channel_orders (id),
    rule        text        NOT NULL CHECK (rule IN ('reference', 'amount_and_time', 'other_day')),
    PRIMARY KEY (file_number, line)
);
COMMENT ON TABLE payments.recon_pairs IS 'Lines that belong to an attempt by another rule than its id on its own day.';

CREATE TABLE payments.recon_breaks (
    id          uuid        NOT NULL PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind ~ '^[a-z_]{1,32}$'),
    key         text        NOT NULL CHECK (length(key) BETWEEN 1 AND 80),
    channel     text        REFERENCES payments.channels (name),
    day         date        NOT NULL,
    attempt_id  uuid        REFERENCES payments.channel_orders (id),
    order_id    uuid        REFERENCES payments.orders (id),
    transfer_id uuid,
    file_number integer     REFERENCES payments.recon_files (number),
    line        integer     CHECK (line > 0),
    reference   text        CHECK (length(reference) <= 64),
    amount      bigint      NOT NULL CHECK (amount >= 0),
    currency    char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    differs     text[]      NOT NULL DEFAULT '{}',
    ours        jsonb,
    theirs      jsonb,
    proposed    text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('timing', 'open', 'cured', 'matched')),
    owner_id    uuid,
    found_at    timestamptz NOT NULL,
    due_at      timestamptz,
    ended_at    timestamptz CHECK (ended_at >= found_at),
    cure        text        CHECK (cure IN ('replay', 'reverse', 'suspense', 'accept_fee', 'accept')),
    approval_id uuid        UNIQUE,
    CONSTRAINT recon_breaks_once UNIQUE (kind, key),
    CONSTRAINT recon_breaks_has_a_side CHECK (ours IS NOT NULL OR theirs IS NOT NULL),
    CONSTRAINT recon_breaks_line_of_file CHECK ((file_number IS NULL) = (line IS NULL)),
    CONSTRAINT recon_breaks_timing_ends CHECK ((state = 'timing') = (due_at IS NOT NULL)),
    CONSTRAINT recon_breaks_ended_has_time CHECK ((state IN ('cured', 'matched')) = (ended_at IS NOT NULL)),
    CONSTRAINT recon_breaks_cured_by_two CHECK ((state = 'cured') = (cure IS NOT NULL)
        AND (cure IS NULL) = (approval_id IS NULL))
);
CREATE INDEX recon_breaks_queue ON payments.recon_breaks (id) WHERE state IN ('timing', 'open');
CREATE INDEX recon_breaks_of_attempt ON payments.recon_breaks (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX recon_breaks_of_day ON payments.recon_breaks (day, channel);
COMMENT ON COLUMN payments.recon_breaks.key IS 'What it is about, so that it is found once: an attempt, a line of a file, a transfer.';
COMMENT ON COLUMN payments.recon_breaks.amount IS 'What is at stake, in minor units: what the two sides differ by.';
COMMENT ON COLUMN payments.recon_breaks.due_at IS 'Until when it may still be only a matter of time.';
COMMENT ON COLUMN payments.recon_breaks.approval_id IS 'The request of two members of staff that cured it; the ids of its transfers follow from it.';

CREATE FUNCTION payments.keep_break_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'break % has ended', OLD.id USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER recon_breaks_end_once BEFORE UPDATE ON payments.recon_breaks
    FOR EACH ROW WHEN (OLD.state IN ('cured', 'matched')) EXECUTE FUNCTION payments.keep_break_ended();

CREATE TABLE payments.recon_history (
    break_id    uuid        NOT NULL REFERENCES payments.recon_breaks (id),
    number      integer     NOT NULL GENERATED ALWAYS AS IDENTITY,
    act         text        NOT NULL CHECK (act ~ '^[a-z_]{1,32}$'),
    actor       text        NOT NULL CHECK (length(actor) BETWEEN 1 AND 128),
    at          timestamptz NOT NULL,
    details     jsonb,
    PRIMARY KEY (break_id, number)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON payments.recon_history
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE payments.recon_suspense (
    id          uuid        NOT NULL PRIMARY KEY,
    break_id    uuid        NOT NULL REFERENCES payments.recon_breaks (id),
    account_id  bigint      NOT NULL REFERENCES ledger.accounts (id),
    side        text        NOT NULL CHECK (side IN ('payable', 'receivable')),
    amount      bigint      NOT NULL CHECK (amount > 0),
    currency    char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    opened_at   timestamptz NOT NULL,
    cleared_id  uuid        UNIQUE,
    cleared_to  text        CHECK (cleared_to IN ('customer', 'channel', 'result')),
    cleared_at  timestamptz CHECK (cleared_at >= opened_at),
    CONSTRAINT recon_suspense_cleared_whole CHECK ((cleared_id IS NULL) = (cleared_at IS NULL)
        AND (cleared_id IS NULL) = (cleared_to IS NULL))
);
CREATE INDEX recon_suspense_open ON payments.recon_suspense (opened_at, id) WHERE cleared_id IS NULL;
CREATE INDEX recon_suspense_of_break ON payments.recon_suspense (break_id);
COMMENT ON TABLE payments.recon_suspense IS 'Money in suspense: its id is that of the transfer which put it there, cleared_id of the one which took it out.';
CREATE TRIGGER recon_suspense_cleared_once BEFORE UPDATE ON payments.recon_suspense
    FOR EACH ROW WHEN (OLD.cleared_id IS NOT NULL) EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE payments.recon_marks (
    name        text        NOT NULL PRIMARY KEY CHECK (length(name) <= 64),
    at          timestamptz,
    id          uuid,
    line        bigint      NOT NULL DEFAULT 0
);
COMMENT ON TABLE payments.recon_marks IS 'How far books were compared: attempts by end and id, accounts of channels by line.';

-- The order of the watermark, and the attempts of a day.
CREATE INDEX channel_orders_ended ON payments.channel_orders (updated_at, id) WHERE state IN ('succeeded', 'failed');

GRANT SELECT, INSERT ON payments.recon_files, payments.recon_ranges, payments.recon_pairs, payments.recon_breaks,
    payments.recon_history, payments.recon_suspense, payments.recon_marks TO huitong_app;
GRANT SELECT, INSERT, DELETE ON payments.recon_lines TO huitong_app;
GRANT UPDATE (loaded, state, matched, tolerated, matched_at) ON payments.recon_files TO huitong_app;
GRANT UPDATE (state, owner_id, due_at, ended_at, cure, approval_id) ON payments.recon_breaks TO huitong_app;
GRANT UPDATE (cleared_id, cleared_to, cleared_at) ON payments.recon_suspense TO huitong_app;
GRANT UPDATE (at, id, line) ON payments.recon_marks TO huitong_app;
