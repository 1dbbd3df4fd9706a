-- Files of payments: who of a business may submit and approve them, their lines, what is wrong with them.
CREATE TABLE payments.business_users (
    merchant_id uuid        NOT NULL REFERENCES customers.merchants (id),
    customer_id uuid        NOT NULL REFERENCES customers.customers (id),
    role        text        NOT NULL CHECK (role IN ('submitter', 'approver')),
    amount_max  bigint      NOT NULL CHECK (amount_max > 0),
    currency    char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    named_at    timestamptz NOT NULL,
    ended_at    timestamptz CHECK (ended_at >= named_at),
    PRIMARY KEY (merchant_id, customer_id, role)
);
COMMENT ON TABLE payments.business_users IS 'People who act for a business, each in a role and up to an amount for each file.';

CREATE TABLE payments.bulk_files (
    id               uuid        NOT NULL PRIMARY KEY,
    merchant_id      uuid        NOT NULL REFERENCES customers.merchants (id),
    payer_account_id bigint      NOT NULL REFERENCES ledger.accounts (id),
    digest           bytea       NOT NULL CHECK (length(digest) = 32),
    lines_digest     bytea       NOT NULL CHECK (length(lines_digest) = 32),
    purpose          text        NOT NULL CHECK (purpose IN ('payroll', 'suppliers')),
    currency         char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    line_count       integer     NOT NULL CHECK (line_count BETWEEN 1 AND 100000),
    total            bigint      NOT NULL CHECK (total >= 0),
    state            text        NOT NULL CHECK (state IN ('invalid', 'submitted', 'rejected', 'approved', 'paying', 'done', 'stopped')),
    repeat_reason    text        CHECK (length(repeat_reason) BETWEEN 1 AND 200),
    submitted_by     uuid        NOT NULL REFERENCES customers.customers (id),
    submitted_at     timestamptz NOT NULL,
    decided_by       uuid        REFERENCES customers.customers (id),
    decided_at       timestamptz CHECK (decided_at >= submitted_at),
    pay_id           uuid        UNIQUE,
    next_number      integer     NOT NULL DEFAULT 1 CHECK (next_number BETWEEN 1 AND line_count + 1),
    paid_count       integer     NOT NULL DEFAULT 0 CHECK (paid_count >= 0),
    paid             bigint      NOT NULL DEFAULT 0 CHECK (paid >= 0),
    failed_count     integer     NOT NULL DEFAULT 0 CHECK (failed_count >= 0),
    failed           bigint      NOT NULL DEFAULT 0 CHECK (failed >= 0),
    stop_reason      text        CHECK (stop_reason ~ '^[a-z_]{1,32}$'),
    done_at          timestamptz,
    CONSTRAINT bulk_files_two_people CHECK (decided_by <> submitted_by),
    CONSTRAINT bulk_files_decided_by_somebody CHECK ((decided_by IS NULL) = (decided_at IS NULL)
        AND (decided_by IS NULL) = (state IN ('invalid', 'submitted'))),
    CONSTRAINT bulk_files_approved_has_hold CHECK ((pay_id IS NOT NULL) = (state IN ('approved', 'paying', 'done', 'stopped'))),
    CONSTRAINT bulk_files_counts_what_is_next CHECK (paid_count + failed_count = next_number - 1),
    CONSTRAINT bulk_files_pays_no_more_than_total CHECK (paid + failed <= total OR state = 'invalid'),
    CONSTRAINT bulk_files_done_is_whole CHECK (state <> 'done' OR (paid + failed = total AND next_number = line_count + 1)),
    CONSTRAINT bulk_files_moves_only_while_paying CHECK (next_number = 1 OR state IN ('paying', 'done')),
    CONSTRAINT bulk_files_over_has_time CHECK ((done_at IS NOT NULL) = (state IN ('done', 'stopped'))),
    CONSTRAINT bulk_files_stopped_says_why CHECK ((stop_reason IS NOT NULL) = (state = 'stopped'))
);
CREATE UNIQUE INDEX bulk_files_once ON payments.bulk_files (merchant_id, digest)
    WHERE repeat_reason IS NULL AND state NOT IN ('invalid', 'rejected');
CREATE INDEX bulk_files_to_pay ON payments.bulk_files (decided_at) WHERE state IN ('approved', 'paying');
CREATE INDEX bulk_files_of_merchant ON payments.bulk_files (merchant_id, id);
COMMENT ON COLUMN payments.bulk_files.digest IS 'SHA-256 of the bytes as they were submitted: the identity of the file.';
COMMENT ON COLUMN payments.bulk_files.lines_digest IS 'SHA-256 of the lines as they were read: compared again before anything is paid.';
COMMENT ON COLUMN payments.bulk_files.pay_id IS 'The hold; the identifiers of all other movements follow from it.';
COMMENT ON COLUMN payments.bulk_files.next_number IS 'The first line that nothing was decided about.';

CREATE FUNCTION payments.refuse_bulk_step_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bulk file %: % does not become %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER bulk_files_go_forward BEFORE UPDATE OF state ON payments.bulk_files
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN
        (('submitted', 'rejected'), ('submitted', 'approved'), ('approved', 'paying'), ('approved', 'stopped'),
         ('paying', 'done')))
    EXECUTE FUNCTION payments.refuse_bulk_step_back();

CREATE TABLE payments.bulk_lines (
    file_id    uuid     NOT NULL REFERENCES payments.bulk_files (id),
    number     integer  NOT NULL CHECK (number BETWEEN 1 AND 100000),
    account_id bigint   NOT NULL,
    amount     bigint   NOT NULL CHECK (amount > 0),
    state      smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    reference  text     NOT NULL CHECK (length(reference) BETWEEN 1 AND 35),
    note       text     NOT NULL CHECK (length(note) <= 60),
    reason     text     CHECK (reason ~ '^[a-z_]{1,32}$'),
    PRIMARY KEY (file_id, number),
    CONSTRAINT bulk_lines_failed_says_why CHECK ((state = 2) = (reason IS NOT NULL))
);
CREATE INDEX bulk_lines_failed ON payments.bulk_lines (file_id, number) WHERE state = 2;
COMMENT ON TABLE payments.bulk_lines IS 'Lines of files that are sound. The names that were compared are not kept.';
COMMENT ON COLUMN payments.bulk_lines.state IS '0 waiting, 1 paid, 2 failed; decided once.';
CREATE FUNCTION payments.refuse_bulk_line_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bulk file %: line % is decided', OLD.file_id, OLD.number USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER bulk_lines_decided_once BEFORE UPDATE ON payments.bulk_lines
    FOR EACH ROW WHEN (OLD.state <> 0) EXECUTE FUNCTION payments.refuse_bulk_line_change();

CREATE TABLE payments.bulk_problems (
    file_id  uuid    NOT NULL REFERENCES payments.bulk_files (id),
    position integer NOT NULL CHECK (position > 0),
    number   integer NOT NULL CHECK (number BETWEEN 0 AND 100000),
    code     text    NOT NULL CHECK (code ~ '^[a-z_]{1,32}$'),
    field    text    NOT NULL CHECK (field ~ '^[a-z]{1,16}$'),
    PRIMARY KEY (file_id, position)
);
COMMENT ON TABLE payments.bulk_problems IS 'What is wrong with the lines of a file that was refused, in order; line 0 is its head.';

GRANT SELECT, INSERT ON payments.business_users, payments.bulk_files, payments.bulk_lines, payments.bulk_problems TO huitong_app;
GRANT UPDATE (amount_max, currency, ended_at) ON payments.business_users TO huitong_app;
GRANT UPDATE (state, decided_by, decided_at, pay_id, next_number, paid_count, paid, failed_count, failed, stop_reason, done_at)
    ON payments.bulk_files TO huitong_app;
GRANT UPDATE (state, reason) ON payments.bulk_lines TO huitong_app;
