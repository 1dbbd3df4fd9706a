-- Merchants: what they pay (fee plans), when they are paid (terms, sheets, reserves), where they sell
-- (stores, terminals), and what is disputed. Amounts are minor units of the account's currency.
CREATE TABLE payments.fee_plans (
    code       text        NOT NULL PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    name_zh    text        NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 100),
    name_en    text        NOT NULL CHECK (length(name_en) BETWEEN 1 AND 100),
    currency   char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL
);
CREATE TABLE payments.fee_plan_versions (
    plan               text        NOT NULL REFERENCES payments.fee_plans (code),
    version            integer     NOT NULL CHECK (version > 0),
    effective_from     date        NOT NULL,
    refunds_return_fee boolean     NOT NULL,
    approval_id        uuid        NOT NULL UNIQUE,
    agreed_at          timestamptz NOT NULL,
    PRIMARY KEY (plan, version),
    CONSTRAINT fee_plan_versions_begin_on_different_days UNIQUE (plan, effective_from)
);
COMMENT ON COLUMN payments.fee_plan_versions.approval_id IS 'What two people agreed on: one request, one version.';
CREATE TABLE payments.fee_rules (
    plan          text          NOT NULL,
    version       integer       NOT NULL,
    kind          text          NOT NULL CHECK (kind IN
        ('any', 'payment', 'checkout', 'static_qr', 'dynamic_qr', 'customer_code', 'authorisation')),
    volume_from   bigint        NOT NULL CHECK (volume_from >= 0),
    rate_permille numeric(7, 4) NOT NULL CHECK (rate_permille BETWEEN 0 AND 100),
    fixed         bigint        NOT NULL CHECK (fixed >= 0),
    fee_min       bigint        NOT NULL CHECK (fee_min >= 0),
    fee_max       bigint        CHECK (fee_max >= fee_min),
    PRIMARY KEY (plan, version, kind, volume_from),
    FOREIGN KEY (plan, version) REFERENCES payments.fee_plan_versions (plan, version)
);
COMMENT ON COLUMN payments.fee_rules.volume_from IS 'The tier holds for payments before which the month''s payments summed up to at least this.';

CREATE TABLE payments.merchant_terms (
    merchant_id      uuid        NOT NULL REFERENCES customers.merchants (id),
    version          integer     NOT NULL CHECK (version > 0),
    effective_from   date        NOT NULL,
    plan             text        NOT NULL REFERENCES payments.fee_plans (code),
    payout_way       text        NOT NULL CHECK (payout_way IN ('balance', 'bank')),
    cycle_days       smallint    NOT NULL CHECK (cycle_days BETWEEN 0 AND 30),
    cutoff_minutes   smallint    NOT NULL CHECK (cutoff_minutes BETWEEN 1 AND 1440),
    payout_min       bigint      NOT NULL CHECK (payout_min >= 0),
    reserve_permille smallint    NOT NULL CHECK (reserve_permille BETWEEN 0 AND 1000),
    reserve_days     smallint    NOT NULL CHECK (reserve_days BETWEEN 0 AND 365),
    reserve_floor    bigint      NOT NULL CHECK (reserve_floor >= 0),
    recovery         text        NOT NULL CHECK (recovery IN ('carry', 'recover')),
    approval_id      uuid        NOT NULL UNIQUE,
    agreed_at        timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, version),
    CONSTRAINT merchant_terms_keep_for_some_days CHECK ((reserve_permille = 0) = (reserve_days = 0))
);
COMMENT ON COLUMN payments.merchant_terms.cutoff_minutes IS 'Minutes after midnight in Shanghai at which a business day ends; 1440 is midnight.';
COMMENT ON COLUMN payments.merchant_terms.recovery IS 'What is owed to us comes out of settlements only (carry), or out of the settlement account too (recover).';

CREATE TABLE payments.settled_accounts (
    account_id         bigint      NOT NULL PRIMARY KEY REFERENCES ledger.accounts (id),
    merchant_id        uuid        NOT NULL REFERENCES customers.merchants (id),
    role               text        NOT NULL CHECK (role IN ('merchant', 'receiver')),
    currency           char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    payout_account_id  bigint      NOT NULL REFERENCES ledger.accounts (id),
    reserve_account_id bigint      UNIQUE REFERENCES ledger.accounts (id),
    owed_account_id    bigint      UNIQUE REFERENCES ledger.accounts (id),
    number             integer     NOT NULL DEFAULT 0 CHECK (number >= 0),
    line_to            bigint      NOT NULL DEFAULT 0 CHECK (line_to >= 0),
    carried            bigint      NOT NULL DEFAULT 0,
    settled_until      timestamptz NOT NULL,
    due_at             timestamptz NOT NULL,
    volume_month       date        NOT NULL CHECK (extract(day FROM volume_month) = 1),
    volume             bigint      NOT NULL DEFAULT 0 CHECK (volume >= 0),
    opened_at          timestamptz NOT NULL,
    closed_at          timestamptz CHECK (closed_at >= opened_at),
    CONSTRAINT settled_accounts_pay_elsewhere CHECK (account_id <> payout_account_id),
    CONSTRAINT settled_accounts_of_merchants_have_reserves
        CHECK ((role = 'merchant') = (reserve_account_id IS NOT NULL) AND (role = 'merchant') = (owed_account_id IS NOT NULL))
);
CREATE UNIQUE INDEX settled_accounts_of_merchants ON payments.settled_accounts (merchant_id) WHERE role = 'merchant';
CREATE UNIQUE INDEX settled_accounts_of_receivers ON payments.settled_accounts (merchant_id, payout_account_id)
    WHERE role = 'receiver' AND closed_at IS NULL;
CREATE INDEX settled_accounts_due ON payments.settled_accounts (due_at) WHERE closed_at IS NULL;
COMMENT ON TABLE payments.settled_accounts IS 'Accounts that are settled in a cycle: what we owe a merchant, or a receiver of its profit shares.';
COMMENT ON COLUMN payments.settled_accounts.due_at IS 'When a worker looks at it next.';
COMMENT ON COLUMN payments.settled_accounts.line_to IS 'The last statement line that a sheet has; the next sheet begins after it.';
COMMENT ON COLUMN payments.settled_accounts.carried IS 'What the last sheet left unsettled; below zero if it paid out what came in later.';
COMMENT ON COLUMN payments.settled_accounts.volume IS 'Payments of volume_month in sheets: the tier of the next payment.';

CREATE TABLE payments.settlement_sheets (
    id                uuid        NOT NULL PRIMARY KEY,
    account_id        bigint      NOT NULL REFERENCES payments.settled_accounts (account_id),
    merchant_id       uuid        NOT NULL REFERENCES customers.merchants (id),
    number            integer     NOT NULL CHECK (number > 0),
    terms_version     integer     NOT NULL,
    cutoff_at         timestamptz NOT NULL,
    made_at           timestamptz NOT NULL,
    currency          char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    line_from         bigint      NOT NULL CHECK (line_from > 0),
    line_to           bigint      NOT NULL CHECK (line_to >= line_from - 1),
    line_count        integer     NOT NULL CHECK (line_count BETWEEN 0 AND line_to - line_from + 1),
    opening           bigint      NOT NULL,
    payments          bigint      NOT NULL,
    refunds           bigint      NOT NULL,
    fees              bigint      NOT NULL,
    shares            bigint      NOT NULL,
    chargebacks       bigint      NOT NULL,
    dispute_fees      bigint      NOT NULL,
    others            bigint      NOT NULL,
    plan_fees         bigint      NOT NULL,
    advanced          bigint      NOT NULL CHECK (advanced >= 0),
    recovered         bigint      NOT NULL CHECK (recovered >= 0),
    recovered_direct  bigint      NOT NULL CHECK (recovered_direct >= 0),
    reserve_held      bigint      NOT NULL CHECK (reserve_held >= 0),
    reserve_released  bigint      NOT NULL CHECK (reserve_released >= 0),
    payout            bigint      NOT NULL CHECK (payout >= 0),
    carried           bigint      NOT NULL,
    reserve_after     bigint      NOT NULL CHECK (reserve_after >= 0),
    owed_after        bigint      NOT NULL CHECK (owed_after >= 0),
    payout_way        text        NOT NULL CHECK (payout_way IN ('balance', 'bank')),
    payout_tries      smallint    NOT NULL DEFAULT 0 CHECK (payout_tries >= 0),
    payout_order_id   uuid        UNIQUE REFERENCES payments.orders (id),
    entry_id          uuid        UNIQUE,
    CONSTRAINT settlement_sheets_numbered UNIQUE (account_id, number),
    CONSTRAINT settlement_sheets_follow_each_other UNIQUE (account_id, line_from, number),
    CONSTRAINT settlement_sheets_sum CHECK (carried = opening + payments + refunds + fees + shares + chargebacks
        + dispute_fees + others + plan_fees + advanced - recovered - reserve_held + reserve_released - payout),
    CONSTRAINT settlement_sheets_move_by_one_entry CHECK ((entry_id IS NULL) = (plan_fees = 0 AND advanced = 0
        AND recovered = 0 AND recovered_direct = 0 AND reserve_held = 0 AND reserve_released = 0 AND payout = 0)),
    CONSTRAINT settlement_sheets_pay_to_banks CHECK (payout_order_id IS NULL OR (payout_way = 'bank' AND payout > 0))
);
CREATE INDEX settlement_sheets_of_merchant ON payments.settlement_sheets (merchant_id, id);
CREATE INDEX settlement_sheets_to_pay_out ON payments.settlement_sheets (id)
    WHERE payout_way = 'bank' AND payout > 0 AND payout_order_id IS NULL;
COMMENT ON TABLE payments.settlement_sheets IS 'Settlement sheets: what came in and went out up to a cut-off, and what was paid of it. Signed as the merchant sees it.';
COMMENT ON COLUMN payments.settlement_sheets.fees IS 'Charged with the payments, less what refunds gave back.';
COMMENT ON COLUMN payments.settlement_sheets.plan_fees IS 'What the fee plan adds to, or takes from, the fees that were charged with the payments.';
COMMENT ON COLUMN payments.settlement_sheets.advanced IS 'Fees that the account could not bear, added to what the merchant owes us.';

-- A sheet follows the one before it: its number, first line and opening balance are where that one ended.
CREATE FUNCTION payments.check_sheet_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place payments.settled_accounts%ROWTYPE;
BEGIN
    SELECT * INTO STRICT place FROM payments.settled_accounts WHERE account_id = NEW.account_id;
    IF (NEW.number, NEW.line_from, NEW.opening) IS DISTINCT FROM (place.number + 1, place.line_to + 1, place.carried)
       OR (NEW.merchant_id, NEW.currency) IS DISTINCT FROM (place.merchant_id, place.currency) THEN
        RAISE EXCEPTION 'sheet % of account % does not follow the one before it', NEW.number, NEW.account_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER follows BEFORE INSERT ON payments.settlement_sheets
    FOR EACH ROW EXECUTE FUNCTION payments.check_sheet_follows();

CREATE TABLE payments.settlement_lines (
    account_id  bigint      NOT NULL,
    line        bigint      NOT NULL,
    sheet_id    uuid        NOT NULL REFERENCES payments.settlement_sheets (id),
    transfer_id uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('payment', 'refund', 'fee', 'share', 'chargeback', 'dispute_fee', 'other')),
    amount      bigint      NOT NULL CHECK (amount <> 0),
    plan_fee    bigint      NOT NULL DEFAULT 0,
    order_id    uuid,
    happened_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, line),
    CONSTRAINT settlement_lines_settle_a_transfer_once UNIQUE (transfer_id, account_id),
    CONSTRAINT settlement_lines_plan_fees_of_payments CHECK (plan_fee = 0 OR kind IN ('payment', 'refund'))
);
CREATE INDEX settlement_lines_of_sheet ON payments.settlement_lines (sheet_id, line);
CREATE INDEX settlement_lines_of_order ON payments.settlement_lines (order_id) WHERE kind IN ('payment', 'refund');
COMMENT ON COLUMN payments.settlement_lines.happened_at IS 'When it was recorded; for what was booked later for an earlier day, that day''s beginning.';
COMMENT ON COLUMN payments.settlement_lines.line IS 'The account''s statement line: each is in one sheet at most.';

-- At commit: the head of a sheet is the sum of its lines.
CREATE FUNCTION payments.check_sheet_sum() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found bigint[];
BEGIN
    SELECT ARRAY[count(*), coalesce(sum(amount) FILTER (WHERE kind = 'payment'), 0), coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0),
                 coalesce(sum(amount) FILTER (WHERE kind = 'fee'), 0), coalesce(sum(amount) FILTER (WHERE kind = 'share'), 0),
                 coalesce(sum(amount) FILTER (WHERE kind = 'chargeback'), 0), coalesce(sum(amount) FILTER (WHERE kind = 'dispute_fee'), 0),
                 coalesce(sum(amount) FILTER (WHERE kind = 'other'), 0), coalesce(sum(plan_fee), 0)]
      INTO found FROM payments.settlement_lines WHERE sheet_id = NEW.id;
    IF found <> ARRAY[NEW.line_count, NEW.payments, NEW.refunds, NEW.fees, NEW.shares, NEW.chargebacks, NEW.dispute_fees,
                      NEW.others, NEW.plan_fees] THEN
        RAISE EXCEPTION 'sheet % is not the sum of its lines: %', NEW.id, found USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER sums AFTER INSERT ON payments.settlement_sheets DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION payments.check_sheet_sum();

CREATE TABLE payments.reserve_tranches (
    id         bigint  NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    account_id bigint  NOT NULL REFERENCES payments.settled_accounts (account_id),
    sheet_id   uuid    NOT NULL UNIQUE REFERENCES payments.settlement_sheets (id),
    amount     bigint  NOT NULL CHECK (amount > 0),
    remaining  bigint  NOT NULL CHECK (remaining BETWEEN 0 AND amount),
    release_on date    NOT NULL
);
CREATE INDEX reserve_tranches_kept ON payments.reserve_tranches (account_id, release_on, id) WHERE remaining > 0;
COMMENT ON COLUMN payments.reserve_tranches.release_on IS 'From this day it goes back with the next settlement, as far as the floor allows.';

CREATE TABLE payments.stores (
    id          uuid        NOT NULL PRIMARY KEY,
    merchant_id uuid        NOT NULL REFERENCES customers.merchants (id),
    name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    city        text        NOT NULL CHECK (length(city) BETWEEN 1 AND 64),
    opened_at   timestamptz NOT NULL,
    closed_at   timestamptz CHECK (closed_at >= opened_at)
);
CREATE INDEX stores_of_merchant ON payments.stores (merchant_id, id);
CREATE TABLE payments.terminals (
    id        uuid        NOT NULL PRIMARY KEY,
    store_id  uuid        NOT NULL REFERENCES payments.stores (id),
    label     text        NOT NULL CHECK (length(label) BETWEEN 1 AND 64),
    code_id   uuid        UNIQUE REFERENCES payments.merchant_codes (id),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz CHECK (closed_at >= opened_at),
    CONSTRAINT terminals_labels_differ UNIQUE (store_id, label)
);
COMMENT ON COLUMN payments.terminals.code_id IS 'The static code that stands there, if one is bound to it.';
CREATE TABLE payments.order_terminals (
    order_id    uuid NOT NULL PRIMARY KEY REFERENCES payments.orders (id) DEFERRABLE INITIALLY DEFERRED,
    terminal_id uuid NOT NULL REFERENCES payments.terminals (id)
);
CREATE INDEX order_terminals_of_terminal ON payments.order_terminals (terminal_id, order_id);
-- For sheets: the orders whose payment has an identifier of its own; instant ones, which are many, are found by id.
CREATE INDEX orders_by_transfer ON payments.orders (transfer_id)
    WHERE kind IN ('checkout', 'dynamic_qr', 'customer_code', 'authorisation') AND transfer_id IS NOT NULL;

CREATE TABLE payments.disputes (
    id                  uuid        NOT NULL PRIMARY KEY,
    order_id            uuid        NOT NULL REFERENCES payments.orders (id),
    merchant_id         uuid        NOT NULL REFERENCES customers.merchants (id),
    account_id          bigint      NOT NULL REFERENCES payments.settled_accounts (account_id),
    origin              text        NOT NULL CHECK (origin IN ('customer', 'channel')),
    reason              text        NOT NULL CHECK (reason ~ '^[a-z_]{1,32}$'),
    statement           text        CHECK (length(statement) BETWEEN 1 AND 500),
    channel_reference   text        UNIQUE CHECK (length(channel_reference) BETWEEN 1 AND 64),
    currency            char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount              bigint      NOT NULL CHECK (amount > 0),
    stage               text        NOT NULL CHECK (stage IN ('retrieval', 'chargeback', 'representment', 'pre_arbitration', 'decision')),
    turn                text        CHECK (turn IN ('merchant', 'claimant', 'bank')),
    due_at              timestamptz,
    outcome             text        CHECK (outcome IN ('won', 'lost', 'withdrawn')),
    is_charged          boolean     NOT NULL DEFAULT false,
    from_payable        bigint      NOT NULL DEFAULT 0 CHECK (from_payable >= 0),
    from_reserve        bigint      NOT NULL DEFAULT 0 CHECK (from_reserve >= 0),
    from_owed           bigint      NOT NULL DEFAULT 0 CHECK (from_owed >= 0),
    fee                 bigint      NOT NULL DEFAULT 0 CHECK (fee >= 0),
    steps               smallint    NOT NULL DEFAULT 0 CHECK (steps BETWEEN 0 AND 100),
    opened_at           timestamptz NOT NULL,
    closed_at           timestamptz CHECK (closed_at >= opened_at),
    CONSTRAINT disputes_open_or_over CHECK ((outcome IS NULL) = (closed_at IS NULL) AND (outcome IS NULL) = (turn IS NOT NULL)
        AND (outcome IS NULL) = (due_at IS NOT NULL)),
    CONSTRAINT disputes_charged_in_full CHECK (from_payable + from_reserve + from_owed = CASE WHEN is_charged THEN amount + fee ELSE 0 END),
    CONSTRAINT disputes_charged_by_stage CHECK (CASE WHEN stage = 'retrieval' THEN NOT is_charged ELSE is_charged END),
    CONSTRAINT disputes_withdrawn_before_charged CHECK (outcome IS DISTINCT FROM 'withdrawn' OR NOT is_charged)
);
CREATE UNIQUE INDEX disputes_one_open ON payments.disputes (order_id) WHERE outcome IS NULL;
CREATE INDEX disputes_of_order ON payments.disputes (order_id);
CREATE INDEX disputes_of_merchant ON payments.disputes (merchant_id, id);
CREATE INDEX disputes_due ON payments.disputes (due_at) WHERE outcome IS NULL;
COMMENT ON COLUMN payments.disputes.is_charged IS 'Whether the amount was taken from the merchant, once, when it became a chargeback.';
COMMENT ON COLUMN payments.disputes.from_owed IS 'What payable and reserve could not bear: added to what the merchant owes us.';

CREATE FUNCTION payments.keep_dispute_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stages CONSTANT text[] := ARRAY['retrieval', 'chargeback', 'representment', 'pre_arbitration', 'decision'];
BEGIN
    IF OLD.outcome IS NOT NULL OR array_position(stages, NEW.stage) < array_position(stages, OLD.stage)
       OR (OLD.is_charged AND (NOT NEW.is_charged OR (NEW.from_payable, NEW.from_reserve, NEW.from_owed, NEW.fee)
                               <> (OLD.from_payable, OLD.from_reserve, OLD.from_owed, OLD.fee)))
       OR NEW.steps < OLD.steps THEN
        RAISE EXCEPTION 'dispute %: % does not go back', OLD.id, OLD.stage USING ERRCODE = 'HT002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER forward BEFORE UPDATE ON payments.disputes
    FOR EACH ROW EXECUTE FUNCTION payments.keep_dispute_forward();

CREATE TABLE payments.dispute_steps (
    dispute_id uuid        NOT NULL REFERENCES payments.disputes (id),
    number     smallint    NOT NULL CHECK (number > 0),
    act        text        NOT NULL CHECK (act IN ('open', 'contest', 'accept', 'escalate', 'withdraw', 'expire', 'decide_won', 'decide_lost')),
    stage      text        NOT NULL,
    outcome    text,
    due_at     timestamptz,
    entry_id   uuid        UNIQUE,
    taken_at   timestamptz NOT NULL,
    PRIMARY KEY (dispute_id, number)
);
COMMENT ON TABLE payments.dispute_steps IS 'What was done in a dispute, where it stood after, and the entry that moved money, if any.';

CREATE TABLE payments.dispute_evidence (
    id          uuid        NOT NULL PRIMARY KEY,
    dispute_id  uuid        NOT NULL REFERENCES payments.disputes (id),
    name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    media_type  text        NOT NULL CHECK (media_type IN ('application/pdf', 'image/jpeg', 'image/png')),
    size        integer     NOT NULL CHECK (size > 0),
    digest      bytea       NOT NULL CHECK (length(digest) = 32),
    parts       bytea[]     NOT NULL CHECK (cardinality(parts) > 0),
    added_at    timestamptz NOT NULL,
    CONSTRAINT dispute_evidence_once UNIQUE (dispute_id, digest)
);
COMMENT ON COLUMN payments.dispute_evidence.digest IS 'SHA-256 of the file as it came.';
COMMENT ON COLUMN payments.dispute_evidence.parts IS 'The file, sealed with the merchant''s data key.';

CREATE TABLE payments.chargeback_watches (
    merchant_id uuid        NOT NULL REFERENCES customers.merchants (id),
    month       date        NOT NULL CHECK (extract(day FROM month) = 1),
    payments    integer     NOT NULL CHECK (payments >= 0),
    chargebacks integer     NOT NULL CHECK (chargebacks > 0),
    noticed_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, month)
);
COMMENT ON TABLE payments.chargeback_watches IS 'Merchants whose chargebacks of a month pass the rulebook''s ratio, when that was noticed.';

GRANT SELECT, INSERT ON payments.fee_plans, payments.fee_plan_versions, payments.fee_rules, payments.merchant_terms,
    payments.settled_accounts, payments.settlement_sheets, payments.settlement_lines, payments.reserve_tranches,
    payments.stores, payments.terminals, payments.order_terminals, payments.disputes, payments.dispute_steps,
    payments.dispute_evidence, payments.chargeback_watches TO huitong_app;
GRANT UPDATE (number, line_to, carried, settled_until, due_at, volume_month, volume, closed_at) ON payments.settled_accounts TO huitong_app;
GRANT UPDATE (payout_tries, payout_order_id) ON payments.settlement_sheets TO huitong_app;
GRANT UPDATE (remaining) ON payments.reserve_tranches TO huitong_app;
GRANT UPDATE (closed_at) ON payments.stores TO huitong_app;
GRANT UPDATE (closed_at, code_id) ON payments.terminals TO huitong_app;
GRANT UPDATE (stage, turn, due_at, outcome, is_charged, from_payable, from_reserve, from_owed, fee, steps, closed_at)
    ON payments.disputes TO huitong_app;
GRANT UPDATE (payments, chargebacks) ON payments.chargeback_watches TO huitong_app;
