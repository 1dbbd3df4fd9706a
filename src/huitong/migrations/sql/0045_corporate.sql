-- Corporate accounts (对公账户): who pays how much, what waits for approval, what is paid by a schedule,
-- pools, and virtual sub-accounts that incoming payments are matched by.
ALTER TABLE payments.business_users
    DROP CONSTRAINT business_users_role_check,
    DROP CONSTRAINT business_users_amount_max_check,
    ADD CONSTRAINT business_users_role_check CHECK (role IN ('submitter', 'approver', 'viewer')),
    ADD CONSTRAINT business_users_amount_max_check CHECK (amount_max > 0 OR (role = 'viewer' AND amount_max = 0));

CREATE TABLE payments.corporate_mandates (
    id          uuid        NOT NULL PRIMARY KEY,
    merchant_id uuid        NOT NULL REFERENCES customers.merchants (id),
    currency    char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    payment_max bigint      NOT NULL CHECK (payment_max > 0),
    day_max     bigint      NOT NULL CHECK (day_max >= payment_max),
    total_max   bigint      CHECK (total_max >= day_max),
    set_at      timestamptz NOT NULL,
    ended_at    timestamptz CHECK (ended_at >= set_at)
);
CREATE UNIQUE INDEX corporate_mandates_one_in_force ON payments.corporate_mandates (merchant_id) WHERE ended_at IS NULL;
COMMENT ON TABLE payments.corporate_mandates IS 'What a business may pay from its settlement account: per payment, per day and in all, in minor units.';

CREATE TABLE payments.corporate_bands (
    mandate_id  uuid     NOT NULL REFERENCES payments.corporate_mandates (id),
    amount_from bigint   NOT NULL CHECK (amount_from >= 0),
    approvers   smallint NOT NULL CHECK (approvers BETWEEN 1 AND 5),
    PRIMARY KEY (mandate_id, amount_from)
);
COMMENT ON TABLE payments.corporate_bands IS 'How many approvers a payment of at least amount_from takes.';

CREATE TABLE payments.corporate_payees (
    id          uuid    NOT NULL PRIMARY KEY,
    merchant_id uuid    NOT NULL REFERENCES customers.merchants (id),
    account_id  bigint  REFERENCES ledger.accounts (id),
    bank_code   text    CHECK (bank_code ~ '^[0-9]{12}$'),
    name        bytea,
    number      bytea,
    CONSTRAINT corporate_payees_here_or_at_a_bank CHECK (
        (account_id IS NOT NULL AND bank_code IS NULL AND name IS NULL AND number IS NULL)
        OR (account_id IS NULL AND bank_code IS NOT NULL AND name IS NOT NULL AND number IS NOT NULL))
);
COMMENT ON TABLE payments.corporate_payees IS 'Who is paid: an account with us, or one at a bank whose name and number are sealed with the business''s key. Never changed.';

CREATE TABLE payments.corporate_instructions (
    id          uuid        NOT NULL PRIMARY KEY,
    merchant_id uuid        NOT NULL REFERENCES customers.merchants (id),
    mandate_id  uuid        NOT NULL REFERENCES payments.corporate_mandates (id),
    payee_id    uuid        NOT NULL REFERENCES payments.corporate_payees (id),
    kind        text        NOT NULL CHECK (kind IN ('payment', 'schedule')),
    content     text        NOT NULL CHECK (length(content) BETWEEN 2 AND 4000),
    digest      bytea       NOT NULL CHECK (length(digest) = 32),
    amount      bigint      NOT NULL CHECK (amount > 0),
    currency    char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    approvers   smallint    NOT NULL CHECK (approvers BETWEEN 1 AND 5),
    approved    smallint    NOT NULL DEFAULT 0 CHECK (approved BETWEEN 0 AND approvers),
    state       text        NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected', 'withdrawn', 'expired')),
    made_by     uuid        NOT NULL REFERENCES customers.customers (id),
    made_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL CHECK (expires_at > made_at),
    decided_at  timestamptz CHECK (decided_at >= made_at),
    rejected_by uuid        REFERENCES customers.customers (id),
    order_id    uuid        UNIQUE,
    UNIQUE (id, made_by),
    CONSTRAINT corporate_instructions_decided CHECK ((decided_at IS NULL) = (state = 'waiting')),
    CONSTRAINT corporate_instructions_approved_by_all CHECK ((state = 'approved') = (approved = approvers)),
    CONSTRAINT corporate_instructions_rejected_by_somebody CHECK ((rejected_by IS NOT NULL) = (state = 'rejected')),
    CONSTRAINT corporate_instructions_payment_has_order CHECK ((order_id IS NOT NULL) = (kind = 'payment' AND state = 'approved'))
);
CREATE INDEX corporate_instructions_of_merchant ON payments.corporate_instructions (merchant_id, id);
CREATE INDEX corporate_instructions_to_expire ON payments.corporate_instructions (expires_at) WHERE state = 'waiting';
COMMENT ON COLUMN payments.corporate_instructions.content IS 'What is instructed, as canonical JSON, which the approvers approve by its SHA-256.';
COMMENT ON COLUMN payments.corporate_instructions.amount IS 'The most that one payment of it can be: it decides the number of approvers.';

CREATE TABLE payments.corporate_approvals (
    instruction_id uuid        NOT NULL,
    made_by        uuid        NOT NULL,
    approved_by    uuid        NOT NULL REFERENCES customers.customers (id),
    approved_at    timestamptz NOT NULL,
    PRIMARY KEY (instruction_id, approved_by),
    FOREIGN KEY (instruction_id, made_by) REFERENCES payments.corporate_instructions (id, made_by),
    CONSTRAINT corporate_approvals_by_another CHECK (approved_by <> made_by)
);

CREATE FUNCTION payments.refuse_corporate_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: % is over', TG_TABLE_NAME, OLD.id USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER corporate_instructions_end_once BEFORE UPDATE ON payments.corporate_instructions
    FOR EACH ROW WHEN (OLD.state <> 'waiting') EXECUTE FUNCTION payments.refuse_corporate_change();

CREATE TABLE payments.standing_orders (
    id           uuid        NOT NULL PRIMARY KEY REFERENCES payments.corporate_instructions (id),
    merchant_id  uuid        NOT NULL REFERENCES customers.merchants (id),
    payee_id     uuid        NOT NULL REFERENCES payments.corporate_payees (id),
    plan         text        NOT NULL CHECK (length(plan) BETWEEN 2 AND 4000),
    state        text        NOT NULL CHECK (state IN ('active', 'done', 'cancelled')),
    number       integer     NOT NULL CHECK (number >= 1),
    nominal_on   date        NOT NULL,
    due_on       date,
    next_try_at  timestamptz,
    tries        smallint    NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 32),
    ended_at     timestamptz,
    CONSTRAINT standing_orders_active_is_due CHECK ((next_try_at IS NOT NULL) = (state = 'active')),
    CONSTRAINT standing_orders_over_has_time CHECK ((ended_at IS NOT NULL) = (state <> 'active'))
);
CREATE INDEX standing_orders_due ON payments.standing_orders (next_try_at) WHERE state = 'active';
CREATE INDEX standing_orders_of_merchant ON payments.standing_orders (merchant_id, id);
COMMENT ON TABLE payments.standing_orders IS 'Standing orders and scheduled payments, and the due date that comes next.';
COMMENT ON COLUMN payments.standing_orders.due_on IS 'The business day that the nominal date becomes; not known while the calendar does not reach it.';
CREATE TRIGGER standing_orders_end_once BEFORE UPDATE ON payments.standing_orders
    FOR EACH ROW WHEN (OLD.state <> 'active') EXECUTE FUNCTION payments.refuse_corporate_change();

CREATE TABLE payments.standing_runs (
    standing_order_id uuid        NOT NULL REFERENCES payments.standing_orders (id),
    number            integer     NOT NULL CHECK (number >= 1),
    nominal_on        date        NOT NULL,
    due_on            date        NOT NULL,
    state             text        NOT NULL CHECK (state IN ('paid', 'skipped')),
    order_id          uuid        UNIQUE,
    amount            bigint      CHECK (amount > 0),
    reason            text        CHECK (reason ~ '^[a-z_]{1,40}$'),
    tries             smallint    NOT NULL CHECK (tries >= 1),
    run_at            timestamptz NOT NULL,
    PRIMARY KEY (standing_order_id, number),
    UNIQUE (standing_order_id, nominal_on),
    CONSTRAINT standing_runs_paid_or_why_not CHECK (
        (state = 'paid' AND order_id IS NOT NULL AND amount IS NOT NULL AND reason IS NULL)
        OR (state = 'skipped' AND order_id IS NULL AND amount IS NULL AND reason IS NOT NULL))
);
COMMENT ON TABLE payments.standing_runs IS 'What became of each due date, once: paid by an order, or skipped and why.';

CREATE TABLE payments.pools (
    id                uuid        NOT NULL PRIMARY KEY,
    name              text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    merchant_id       uuid        NOT NULL REFERENCES customers.merchants (id),
    account_id        bigint      NOT NULL REFERENCES ledger.accounts (id),
    currency          char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    sweeps_at         time,
    interval_minutes  integer     CHECK (interval_minutes BETWEEN 5 AND 1440),
    next_sweep_at     timestamptz,
    number            integer     NOT NULL DEFAULT 1 CHECK (number >= 1),
    opened_at         timestamptz NOT NULL,
    ended_at          timestamptz CHECK (ended_at >= opened_at),
    CONSTRAINT pools_daily_or_at_intervals CHECK ((sweeps_at IS NULL) <> (interval_minutes IS NULL)),
    CONSTRAINT pools_sweep_until_ended CHECK ((next_sweep_at IS NULL) = (ended_at IS NOT NULL))
);
CREATE INDEX pools_due ON payments.pools (next_sweep_at) WHERE ended_at IS NULL;
COMMENT ON TABLE payments.pools IS 'Pools (资金池): a header account that members'' money is swept to and topped up from.';

CREATE TABLE payments.pool_members (
    pool_id     uuid     NOT NULL REFERENCES payments.pools (id),
    position    smallint NOT NULL CHECK (position BETWEEN 1 AND 50),
    merchant_id uuid     NOT NULL REFERENCES customers.merchants (id),
    account_id  bigint   NOT NULL REFERENCES ledger.accounts (id),
    rule        text     NOT NULL CHECK (rule IN ('zero', 'target', 'above', 'share')),
    keeps       bigint   NOT NULL CHECK (keeps >= 0),
    above       bigint   NOT NULL CHECK (above >= keeps),
    share_bps   integer  NOT NULL CHECK (share_bps BETWEEN 1 AND 10000),
    least       bigint   NOT NULL CHECK (least >= 1),
    is_funded   boolean  NOT NULL,
    ended_at    timestamptz,
    PRIMARY KEY (pool_id, position),
    UNIQUE (pool_id, account_id),
    CONSTRAINT pool_members_zero_keeps_nothing CHECK (rule <> 'zero' OR above = 0),
    CONSTRAINT pool_members_share_only_by_rule CHECK (share_bps = 10000 OR rule = 'share')
);
CREATE UNIQUE INDEX pool_members_of_one_pool ON payments.pool_members (account_id) WHERE ended_at IS NULL;
COMMENT ON COLUMN payments.pool_members.above IS 'What is above it is swept, down to keeps; below keeps a member that is funded gets what it lacks.';

CREATE TABLE payments.pool_sweeps (
    id       uuid        NOT NULL PRIMARY KEY,
    pool_id  uuid        NOT NULL REFERENCES payments.pools (id),
    number   integer     NOT NULL CHECK (number >= 1),
    due_at   timestamptz NOT NULL,
    swept_at timestamptz NOT NULL,
    entry_id uuid        UNIQUE,
    up       bigint      NOT NULL CHECK (up >= 0),
    down     bigint      NOT NULL CHECK (down >= 0),
    UNIQUE (pool_id, number),
    CONSTRAINT pool_sweeps_moved_by_an_entry CHECK ((entry_id IS NOT NULL) = (up + down > 0))
);
CREATE TABLE payments.pool_legs (
    sweep_id    uuid   NOT NULL REFERENCES payments.pool_sweeps (id),
    account_id  bigint NOT NULL,
    amount      bigint NOT NULL,
    transfer_id uuid   UNIQUE,
    reason      text   CHECK (reason ~ '^[a-z_]{1,40}$'),
    PRIMARY KEY (sweep_id, account_id),
    CONSTRAINT pool_legs_moved_or_why_not CHECK ((amount <> 0) = (transfer_id IS NOT NULL)
        AND (amount = 0) = (reason IS NOT NULL))
);
COMMENT ON COLUMN payments.pool_legs.amount IS 'Above zero: swept up to the header. Below: the member was funded.';
CREATE TABLE payments.pool_positions (
    header_account_id bigint NOT NULL REFERENCES ledger.accounts (id),
    member_account_id bigint NOT NULL REFERENCES ledger.accounts (id),
    lent              bigint NOT NULL,
    PRIMARY KEY (header_account_id, member_account_id)
);
COMMENT ON TABLE payments.pool_positions IS 'What a member has lent to the header of its pools, or below zero owes it: swept up less funded.';

CREATE TABLE payments.virtual_masters (
    id          uuid        NOT NULL PRIMARY KEY,
    serial      integer     NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY (START 100001 MAXVALUE 999999),
    merchant_id uuid        NOT NULL UNIQUE REFERENCES customers.merchants (id),
    account_id  bigint      NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    currency    char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    next_serial integer     NOT NULL DEFAULT 1 CHECK (next_serial BETWEEN 1 AND 1000000),
    held        bigint      NOT NULL DEFAULT 0 CHECK (held >= 0),
    opened_at   timestamptz NOT NULL
);
COMMENT ON TABLE payments.virtual_masters IS 'The collection account of a business, of which virtual accounts are parts.';

CREATE TABLE payments.virtual_accounts (
    id           uuid        NOT NULL PRIMARY KEY,
    master_id    uuid        NOT NULL REFERENCES payments.virtual_masters (id),
    number       text        NOT NULL UNIQUE CHECK (number ~ '^[0-9]{14}$'),
    purpose      text        NOT NULL CHECK (purpose IN ('payer', 'invoice', 'unmatched')),
    reference    text        CHECK (length(reference) BETWEEN 1 AND 35),
    payer        bytea,
    payer_index  bytea,
    expected     bigint      CHECK (expected > 0),
    tolerance    bigint      NOT NULL DEFAULT 0 CHECK (tolerance >= 0),
    due_on       date,
    received     bigint      NOT NULL DEFAULT 0 CHECK (received >= 0),
    balance      bigint      NOT NULL DEFAULT 0 CHECK (balance BETWEEN 0 AND received),
    opened_at    timestamptz NOT NULL,
    closed_at    timestamptz CHECK (closed_at >= opened_at),
    CONSTRAINT virtual_accounts_invoice_expects CHECK ((purpose = 'invoice') = (expected IS NOT NULL)),
    CONSTRAINT virtual_accounts_tolerance_of_expected CHECK (tolerance = 0 OR tolerance < expected),
    CONSTRAINT virtual_accounts_closed_is_empty CHECK (closed_at IS NULL OR balance = 0)
);
CREATE UNIQUE INDEX virtual_accounts_one_unmatched ON payments.virtual_accounts (master_id) WHERE purpose = 'unmatched';
CREATE UNIQUE INDEX virtual_accounts_reference ON payments.virtual_accounts (master_id, reference) WHERE closed_at IS NULL AND reference IS NOT NULL;
CREATE INDEX virtual_accounts_of_master ON payments.virtual_accounts (master_id, id);
COMMENT ON TABLE payments.virtual_accounts IS 'Parts of a collection account, each for a payer or an invoice; received counts what ever came, balance what is there.';

CREATE TABLE payments.pay_ins (
    id             uuid        NOT NULL PRIMARY KEY,
    channel        text        NOT NULL REFERENCES payments.channels (name),
    bank_reference text        NOT NULL CHECK (length(bank_reference) BETWEEN 1 AND 64),
    digest         bytea       NOT NULL CHECK (length(digest) = 32),
    amount         bigint      NOT NULL CHECK (amount > 0),
    currency       char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    number         text        NOT NULL CHECK (length(number) BETWEEN 1 AND 34),
    subject_id     uuid        NOT NULL,
    payer          bytea,
    payer_index    bytea,
    remittance     bytea,
    master_id      uuid        REFERENCES payments.virtual_masters (id),
    account_id     uuid        REFERENCES payments.virtual_accounts (id),
    matched_by     text        NOT NULL CHECK (matched_by IN ('number', 'reference', 'amount', 'payer', 'hand', 'nothing')),
    finding        text        NOT NULL CHECK (finding IN ('exact', 'partial', 'over', 'doubled', 'unmatched')),
    transfer_id    uuid        NOT NULL UNIQUE,
    received_at    timestamptz NOT NULL,
    matched_at     timestamptz,
    resolution     text        CHECK (resolution IN ('matched', 'kept')),
    resolved_at    timestamptz,
    UNIQUE (channel, bank_reference),
    CONSTRAINT pay_ins_unmatched_by_nothing CHECK ((matched_by = 'nothing') = (finding = 'unmatched')),
    CONSTRAINT pay_ins_of_an_account_of_a_master CHECK ((account_id IS NULL) = (master_id IS NULL)),
    CONSTRAINT pay_ins_without_master_wait CHECK (master_id IS NOT NULL OR matched_by = 'nothing'),
    CONSTRAINT pay_ins_resolved CHECK ((resolution IS NULL) = (resolved_at IS NULL))
);
CREATE INDEX pay_ins_to_look_at ON payments.pay_ins (id) WHERE resolution IS NULL AND finding IN ('over', 'doubled', 'unmatched');
CREATE INDEX pay_ins_of_account ON payments.pay_ins (account_id, id);
COMMENT ON COLUMN payments.pay_ins.subject_id IS 'Whose key seals payer and text: the business''s, or one of its own if nobody knew whose money it was.';
COMMENT ON TABLE payments.pay_ins IS 'Payments that came in from banks for businesses; names and texts sealed. Each bank reference once.';

CREATE TABLE payments.virtual_entries (
    id          bigint      NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    account_id  uuid        NOT NULL REFERENCES payments.virtual_accounts (id),
    amount      bigint      NOT NULL CHECK (amount <> 0),
    pay_in_id   uuid        REFERENCES payments.pay_ins (id),
    transfer_id uuid,
    entered_at  timestamptz NOT NULL
);
CREATE INDEX virtual_entries_of_account ON payments.virtual_entries (account_id, id);
COMMENT ON TABLE payments.virtual_entries IS 'What came to and left each virtual account; the sum is its balance.';

-- What the parts hold is counted as they change; at the end of each transaction it is what the whole has.
CREATE FUNCTION payments.count_virtual_parts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE payments.virtual_masters
       SET held = held + NEW.balance - CASE TG_OP WHEN 'UPDATE' THEN OLD.balance ELSE 0 END WHERE id = NEW.master_id;
    RETURN NULL;
END $$;
CREATE TRIGGER virtual_accounts_counted AFTER INSERT OR UPDATE OF balance ON payments.virtual_accounts
    FOR EACH ROW EXECUTE FUNCTION payments.count_virtual_parts();
CREATE FUNCTION payments.check_virtual_parts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parts bigint;
    whole bigint;
BEGIN
    SELECT m.held, b.credits_posted - b.debits_posted INTO parts, whole
      FROM payments.virtual_masters m JOIN ledger.balances b ON b.account_id = m.account_id WHERE m.id = NEW.id;
    IF parts IS DISTINCT FROM whole THEN
        RAISE EXCEPTION 'virtual accounts of % hold %, their master %', NEW.id, parts, whole USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER virtual_parts_are_the_whole AFTER UPDATE OF held ON payments.virtual_masters
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments.check_virtual_parts();

GRANT SELECT, INSERT ON payments.corporate_mandates, payments.corporate_bands, payments.corporate_payees,
    payments.corporate_instructions, payments.corporate_approvals, payments.standing_orders, payments.standing_runs,
    payments.pools, payments.pool_members, payments.pool_sweeps, payments.pool_legs, payments.pool_positions,
    payments.virtual_masters, payments.virtual_accounts, payments.pay_ins, payments.virtual_entries TO huitong_app;
GRANT UPDATE (ended_at) ON payments.corporate_mandates, payments.pool_members TO huitong_app;
GRANT UPDATE (approved, state, decided_at, rejected_by, order_id) ON payments.corporate_instructions TO huitong_app;
GRANT UPDATE (state, number, nominal_on, due_on, next_try_at, tries, ended_at) ON payments.standing_orders TO huitong_app;
GRANT UPDATE (next_sweep_at, number, ended_at) ON payments.pools TO huitong_app;
GRANT UPDATE (lent) ON payments.pool_positions TO huitong_app;
GRANT UPDATE (next_serial, held) ON payments.virtual_masters TO huitong_app;
GRANT UPDATE (received, balance, closed_at) ON payments.virtual_accounts TO huitong_app;
GRANT UPDATE (master_id, account_id, matched_by, finding, matched_at, resolution, resolved_at) ON payments.pay_ins TO huitong_app;
