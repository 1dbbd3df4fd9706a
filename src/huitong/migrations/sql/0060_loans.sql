-- Lending: products by versions, loans with schedules, balances and events, closed business days.
-- Amounts are minor units of the product's currency; rates are millionths a year.
CREATE SCHEMA lending;

CREATE TABLE lending.products (
    id         smallint    NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    code       text        NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    name_zh    text        NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 100),
    name_en    text        NOT NULL CHECK (length(name_en) BETWEEN 1 AND 100),
    currency   char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL
);
CREATE TABLE lending.product_versions (
    product_id     smallint    NOT NULL REFERENCES lending.products (id),
    version        integer     NOT NULL CHECK (version > 0),
    effective_from date        NOT NULL,
    terms          jsonb       NOT NULL,
    approval_id    uuid        NOT NULL UNIQUE,
    agreed_at      timestamptz NOT NULL,
    PRIMARY KEY (product_id, version),
    CONSTRAINT product_versions_begin_on_different_days UNIQUE (product_id, effective_from)
);
COMMENT ON COLUMN lending.product_versions.approval_id IS 'What two people agreed on: one request, one version.';
CREATE TABLE lending.control_accounts (
    product_id smallint NOT NULL REFERENCES lending.products (id),
    part       text     NOT NULL,
    account_id bigint   NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    PRIMARY KEY (product_id, part)
);
COMMENT ON TABLE lending.control_accounts IS 'Accounts of the general ledger that a product''s loans sum up to, one for each part.';

CREATE TABLE lending.loans (
    number              bigint      NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    id                  uuid        NOT NULL UNIQUE,
    product_id          smallint    NOT NULL,
    product_version     integer     NOT NULL,
    customer_id         uuid        NOT NULL,
    borrower_account_id bigint      NOT NULL REFERENCES ledger.accounts (id),
    payout_account_id   bigint      NOT NULL REFERENCES ledger.accounts (id),
    currency            char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    principal           bigint      NOT NULL CHECK (principal BETWEEN 1 AND 1000000000000),
    rate                integer     NOT NULL CHECK (rate BETWEEN 0 AND 1000000),
    lent_on             date        NOT NULL,
    auto_debit          boolean     NOT NULL,
    terms               jsonb       NOT NULL,
    entry_id            uuid        NOT NULL UNIQUE,
    opened_at           timestamptz NOT NULL,
    state               text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paid_off', 'written_off')),
    ended_on            date,
    FOREIGN KEY (product_id, product_version) REFERENCES lending.product_versions (product_id, version),
    CONSTRAINT loans_end_once CHECK ((state = 'active') = (ended_on IS NULL))
);
CREATE INDEX loans_of_customers ON lending.loans (customer_id, number);
COMMENT ON COLUMN lending.loans.number IS 'Where the loan stands in the order of closing; people see the id.';
COMMENT ON COLUMN lending.loans.terms IS 'The contract''s terms as agreed; what changed later is told by events.';

CREATE TABLE lending.instalments (
    loan           bigint  NOT NULL REFERENCES lending.loans (number),
    number         integer NOT NULL CHECK (number > 0),
    start_on       date    NOT NULL,
    due_on         date    NOT NULL CHECK (due_on >= start_on),
    principal      bigint  NOT NULL CHECK (principal >= 0),
    interest       bigint  NOT NULL CHECK (interest >= 0),
    principal_paid bigint  NOT NULL DEFAULT 0,
    interest_paid  bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (loan, number),
    CONSTRAINT instalments_are_paid_once CHECK (principal_paid BETWEEN 0 AND principal AND interest_paid BETWEEN 0 AND interest)
);

-- One narrow row for each loan: what the close of business reads and writes. No null, so that rows
-- travel as columns of one width; days without a meaning are 9999-01-01. Half of each page is left
-- free, and no index holds what changes each day: a new version of a row stays on its page.
CREATE TABLE lending.balances (
    loan             bigint   NOT NULL PRIMARY KEY REFERENCES lending.loans (number),
    product_id       smallint NOT NULL,
    is_active        boolean  NOT NULL,
    auto_debit       boolean  NOT NULL,
    on_day           date     NOT NULL,
    next_number      integer  NOT NULL CHECK (next_number >= 1),
    from_day         date     NOT NULL,
    due_day          date     NOT NULL CHECK (due_day > from_day),
    accrues          bigint   NOT NULL CHECK (accrues >= 0),
    carried          bigint   NOT NULL CHECK (carried >= 0),
    accrued          bigint   NOT NULL CHECK (accrued BETWEEN 0 AND accrues),
    next_principal   bigint   NOT NULL CHECK (next_principal BETWEEN 0 AND not_due),
    not_due          bigint   NOT NULL CHECK (not_due >= 0),
    due              bigint   NOT NULL CHECK (due >= 0),
    overdue          bigint   NOT NULL CHECK (overdue >= 0),
    interest_due     bigint   NOT NULL CHECK (interest_due >= 0),
    interest_overdue bigint   NOT NULL CHECK (interest_overdue >= 0),
    penalty          bigint   NOT NULL CHECK (penalty >= 0),
    penalty_rest     bigint   NOT NULL CHECK (penalty_rest >= 0),
    compound         bigint   NOT NULL CHECK (compound >= 0),
    compound_rest    bigint   NOT NULL CHECK (compound_rest >= 0),
    fees             bigint   NOT NULL CHECK (fees >= 0),
    penalty_rate     integer  NOT NULL CHECK (penalty_rate BETWEEN 0 AND 4000000),
    compound_rate    integer  NOT NULL CHECK (compound_rate BETWEEN 0 AND 4000000),
    year_days        smallint NOT NULL CHECK (year_days BETWEEN 360 AND 366),
    since_day        date     NOT NULL,
    eased_day        date     NOT NULL,
    class            smallint NOT NULL CHECK (class BETWEEN 0 AND 4),
    provision        bigint   NOT NULL CHECK (provision >= 0),
    lent             bigint   NOT NULL CHECK (lent > 0),
    principal_paid   bigint   NOT NULL CHECK (principal_paid >= 0),
    interest_paid    bigint   NOT NULL CHECK (interest_paid >= 0),
    penalty_paid     bigint   NOT NULL CHECK (penalty_paid >= 0),
    fees_paid        bigint   NOT NULL CHECK (fees_paid >= 0),
    principal_off    bigint   NOT NULL CHECK (principal_off >= 0),
    interest_off     bigint   NOT NULL CHECK (interest_off >= 0),
    penalty_off      bigint   NOT NULL CHECK (penalty_off >= 0),
    fees_off         bigint   NOT NULL CHECK (fees_off >= 0),
    recovered        bigint   NOT NULL CHECK (recovered >= 0),
    CONSTRAINT balances_sum_to_what_was_lent CHECK (not_due + due + overdue + principal_paid + principal_off = lent),
    CONSTRAINT balances_overdue_have_a_day CHECK ((since_day < '9999-01-01') = (overdue + interest_overdue > 0)),
    CONSTRAINT balances_end_with_nothing CHECK (is_active OR not_due + due + overdue + carried + accrued + interest_due + interest_overdue
        + penalty + compound + fees + provision = 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE lending.balances IS 'The sub-ledger: what is owed of each loan as on_day begins, and what was ever paid.';
COMMENT ON COLUMN lending.balances.on_day IS 'The day as of whose beginning the row stands; the days before it are closed.';
COMMENT ON COLUMN lending.balances.accrues IS 'Interest from from_day to due_day; accrued is its whole part by days passed, so nothing is rounded twice.';
COMMENT ON COLUMN lending.balances.penalty_rest IS 'What is accrued below one minor unit, in parts of year_days × 1,000,000.';
COMMENT ON COLUMN lending.balances.since_day IS 'The first due day of which something is unpaid.';
COMMENT ON COLUMN lending.balances.eased_day IS 'Until when the loan is under observation because its terms were eased.';

CREATE TABLE lending.loan_events (
    id          uuid        NOT NULL PRIMARY KEY,
    loan        bigint      NOT NULL REFERENCES lending.loans (number),
    position    integer     NOT NULL CHECK (position > 0),
    kind        text        NOT NULL CHECK (kind IN ('repayment', 'early_repayment', 'charge', 'waiver', 'rate_change',
        'rescheduling', 'write_off', 'recovery', 'reversal')),
    on_day      date        NOT NULL,
    amount      bigint      NOT NULL CHECK (amount >= 0),
    details     jsonb       NOT NULL,
    reverses    uuid        UNIQUE REFERENCES lending.loan_events (id),
    entry_id    uuid        UNIQUE,
    recorded_at timestamptz NOT NULL,
    UNIQUE (loan, position),
    CONSTRAINT loan_events_reverse CHECK ((kind = 'reversal') = (reverses IS NOT NULL))
);
COMMENT ON TABLE lending.loan_events IS 'What happened to a loan after it was lent; replayed from the first day, it gives the balances.';

CREATE TABLE lending.closed_days (
    day          date        NOT NULL PRIMARY KEY,
    chunk_size   integer     NOT NULL CHECK (chunk_size > 0),
    chunks       integer     NOT NULL CHECK (chunks >= 0),
    started_at   timestamptz NOT NULL,
    done_at      timestamptz CHECK (done_at >= started_at)
);
CREATE UNIQUE INDEX closed_days_one_at_a_time ON lending.closed_days ((true)) WHERE done_at IS NULL;
CREATE TABLE lending.closed_chunks (
    day         date     NOT NULL REFERENCES lending.closed_days (day),
    chunk       integer  NOT NULL CHECK (chunk >= 0),
    loans       integer  NOT NULL CHECK (loans >= 0),
    interest    bigint   NOT NULL CHECK (interest >= 0),
    penalty     bigint   NOT NULL CHECK (penalty >= 0),
    to_overdue  bigint   NOT NULL CHECK (to_overdue >= 0),
    provision   bigint   NOT NULL,
    entry_ids   uuid[]   NOT NULL,
    done_at     timestamptz NOT NULL,
    PRIMARY KEY (day, chunk)
);
COMMENT ON TABLE lending.closed_chunks IS 'Loans by ranges of numbers whose day was closed, written with their balances: each exactly once.';
CREATE TABLE lending.auto_debits (
    loan     bigint   NOT NULL REFERENCES lending.loans (number),
    day      date     NOT NULL,
    state    text     NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'paid', 'partly_paid', 'not_paid', 'needless')),
    amount   bigint   NOT NULL DEFAULT 0 CHECK (amount >= 0),
    PRIMARY KEY (loan, day)
);
CREATE INDEX auto_debits_waiting ON lending.auto_debits (day, loan) WHERE state = 'waiting';

GRANT USAGE ON SCHEMA lending TO huitong_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA lending TO huitong_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA lending TO huitong_app;
-- Of the terms only what was noted of a borrower goes, when the borrower's data does.
GRANT UPDATE (state, ended_on, terms) ON lending.loans TO huitong_app;
GRANT UPDATE, DELETE ON lending.instalments TO huitong_app;
GRANT UPDATE ON lending.balances TO huitong_app;
GRANT UPDATE (done_at) ON lending.closed_days TO huitong_app;
GRANT UPDATE (state, amount) ON lending.auto_debits TO huitong_app;
