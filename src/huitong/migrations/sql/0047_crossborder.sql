-- Exchange of currencies and payments abroad. Amounts are minor units; rates are CNY for one unit of a currency.
CREATE TABLE payments.fx_rates (
    currency  text          NOT NULL PRIMARY KEY CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'CNY'),
    bid       numeric(20,10) NOT NULL CHECK (bid > 0),
    ask       numeric(20,10) NOT NULL CHECK (ask >= bid),
    quoted_at timestamptz   NOT NULL,
    taken_at  timestamptz   NOT NULL
);
COMMENT ON TABLE payments.fx_rates IS 'The last rate of each currency that was believed.';

CREATE TABLE payments.fx_rate_refusals (
    currency   text        NOT NULL PRIMARY KEY CHECK (currency ~ '^[A-Z]{3}$'),
    reason     text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 40),
    count      bigint      NOT NULL CHECK (count > 0),
    refused_at timestamptz NOT NULL
);
COMMENT ON TABLE payments.fx_rate_refusals IS 'Why the last rate of a currency that was not believed was not, and how many there were.';

CREATE TABLE payments.fx_day_rates (
    on_day    date          NOT NULL,
    currency  text          NOT NULL CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'CNY'),
    mid       numeric(20,10) NOT NULL CHECK (mid > 0),
    quoted_at timestamptz   NOT NULL,
    PRIMARY KEY (on_day, currency)
);
COMMENT ON TABLE payments.fx_day_rates IS 'The mid rate of a business day (Asia/Shanghai): for quotas, limits and valuation. Set once.';

CREATE TABLE payments.fx_margins (
    currency    text          NOT NULL CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'CNY'),
    is_business boolean       NOT NULL,
    margin      numeric(8,6)  NOT NULL CHECK (margin >= 0 AND margin <= 0.1),
    set_at      timestamptz   NOT NULL,
    PRIMARY KEY (currency, is_business)
);
COMMENT ON TABLE payments.fx_margins IS 'Margins that two people agreed on; the rulebook has those of all other pairs.';

CREATE TABLE payments.fx_quotes (
    id            uuid          NOT NULL PRIMARY KEY,
    party_id      uuid          NOT NULL,
    is_business   boolean       NOT NULL,
    asked_by      uuid          NOT NULL,
    sell_currency text          NOT NULL CHECK (sell_currency ~ '^[A-Z]{3}$'),
    sell_amount   bigint        NOT NULL CHECK (sell_amount > 0),
    buy_currency  text          NOT NULL CHECK (buy_currency ~ '^[A-Z]{3}$'),
    buy_amount    bigint        NOT NULL CHECK (buy_amount > 0),
    is_sell_fixed boolean       NOT NULL,
    rate          numeric(30,15) NOT NULL CHECK (rate > 0),
    margin        numeric(8,6)  NOT NULL CHECK (margin >= 0),
    cny_amount    bigint        NOT NULL CHECK (cny_amount > 0),
    made_at       timestamptz   NOT NULL,
    expires_at    timestamptz   NOT NULL CHECK (expires_at > made_at),
    taken_at      timestamptz   CHECK (taken_at >= made_at AND taken_at < expires_at),
    CONSTRAINT fx_quotes_two_currencies CHECK (sell_currency <> buy_currency),
    CONSTRAINT fx_quotes_cny_is_cny CHECK ((sell_currency <> 'CNY' OR cny_amount = sell_amount)
                                      AND (buy_currency <> 'CNY' OR cny_amount = buy_amount))
);
COMMENT ON COLUMN payments.fx_quotes.rate IS 'Units of the bought currency for one of the sold, as shown; the amounts are what counts.';
COMMENT ON COLUMN payments.fx_quotes.cny_amount IS 'What the exchange is worth in CNY: the way between two foreign currencies.';

CREATE TABLE payments.fx_positions (
    currency   text        NOT NULL PRIMARY KEY CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'CNY'),
    amount     bigint      NOT NULL,
    cost       bigint      NOT NULL,
    realised   bigint      NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT fx_positions_flat_costs_nothing CHECK (amount <> 0 OR cost = 0)
);
COMMENT ON TABLE payments.fx_positions IS 'What we are long (above zero) or short of a currency, and what it cost in fen.';

CREATE TABLE payments.fx_deals (
    id            uuid        NOT NULL PRIMARY KEY,
    kind          text        NOT NULL CHECK (kind IN ('customer', 'cover', 'reversal')),
    quote_id      uuid        UNIQUE REFERENCES payments.fx_quotes (id),
    reverses      uuid        UNIQUE REFERENCES payments.fx_deals (id),
    party_id      uuid,
    sell_currency text        NOT NULL,
    sell_amount   bigint      NOT NULL CHECK (sell_amount > 0),
    buy_currency  text        NOT NULL,
    buy_amount    bigint      NOT NULL CHECK (buy_amount > 0),
    cny_amount    bigint      NOT NULL CHECK (cny_amount > 0),
    realised      bigint      NOT NULL,
    entry_id      uuid        NOT NULL UNIQUE,
    on_day        date        NOT NULL,
    made_at       timestamptz NOT NULL,
    CONSTRAINT fx_deals_kinds CHECK ((kind = 'customer') = (quote_id IS NOT NULL)
                                 AND (kind = 'reversal') = (reverses IS NOT NULL)
                                 AND (kind = 'cover') = (party_id IS NULL))
);
CREATE INDEX fx_deals_of_day ON payments.fx_deals (on_day);
COMMENT ON TABLE payments.fx_deals IS 'Exchanges as the other side sees them: it sells and it buys.';

CREATE TABLE payments.fx_quotas (
    customer_id uuid   NOT NULL,
    year        int    NOT NULL CHECK (year BETWEEN 2000 AND 2999),
    direction   text   NOT NULL CHECK (direction IN ('purchase', 'settlement')),
    used        bigint NOT NULL CHECK (used >= 0),
    cap         bigint NOT NULL CHECK (cap >= 0),
    PRIMARY KEY (customer_id, year, direction),
    CONSTRAINT fx_quotas_within_cap CHECK (used <= cap)
);
COMMENT ON TABLE payments.fx_quotas IS 'What a person bought and sold of foreign currency in a year (Asia/Shanghai), in US cents.';

CREATE TABLE payments.fx_quota_uses (
    deal_id     uuid          NOT NULL PRIMARY KEY REFERENCES payments.fx_deals (id),
    customer_id uuid          NOT NULL,
    year        int           NOT NULL,
    direction   text          NOT NULL,
    amount      bigint        NOT NULL CHECK (amount <> 0),
    usd_rate    numeric(20,10) NOT NULL CHECK (usd_rate > 0),
    FOREIGN KEY (customer_id, year, direction) REFERENCES payments.fx_quotas (customer_id, year, direction)
);
CREATE INDEX fx_quota_uses_of_customer ON payments.fx_quota_uses (customer_id, year, direction);
COMMENT ON COLUMN payments.fx_quota_uses.amount IS 'US cents; below zero where a deal was taken back.';

CREATE TABLE payments.currency_accounts (
    party_id    uuid    NOT NULL,
    currency    text    NOT NULL CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'CNY'),
    is_business boolean NOT NULL,
    account_id  bigint  NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    PRIMARY KEY (party_id, currency)
);
COMMENT ON TABLE payments.currency_accounts IS 'Accounts in foreign currencies of people and businesses.';

CREATE TABLE payments.screening_lists (
    name      text        NOT NULL PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    version   bigint      NOT NULL CHECK (version > 0),
    digest    bytea       NOT NULL CHECK (length(digest) = 32),
    entries   int         NOT NULL CHECK (entries >= 0),
    loaded_at timestamptz NOT NULL
);
CREATE TABLE payments.screening_names (
    list     text NOT NULL REFERENCES payments.screening_lists (name),
    place    int  NOT NULL CHECK (place >= 0),
    entry    text NOT NULL CHECK (length(entry) BETWEEN 1 AND 60),
    name     text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    born_on  date,
    country  text CHECK (country ~ '^[A-Z]{2}$'),
    PRIMARY KEY (list, place)
);
COMMENT ON TABLE payments.screening_names IS 'Names and aliases of public lists that an operator loaded; aliases share the entry.';

CREATE TABLE payments.crossborder_payments (
    id              uuid        NOT NULL PRIMARY KEY,
    direction       text        NOT NULL CHECK (direction IN ('out', 'in')),
    uetr            uuid        NOT NULL,
    party_id        uuid,
    is_business     boolean     NOT NULL,
    ordered_by      uuid,
    approved_by     uuid,
    state           text        NOT NULL CHECK (state IN ('awaiting_approval', 'initiated', 'held', 'screened', 'sending', 'sent',
                                    'accepted', 'credited', 'returned', 'rejected', 'refused', 'withdrawn')),
    reasons         text[]      NOT NULL DEFAULT '{}',
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount          bigint      NOT NULL CHECK (amount > 0),
    settled_amount  bigint      NOT NULL CHECK (settled_amount > 0 AND settled_amount <= amount),
    charge_bearer   text        NOT NULL CHECK (charge_bearer IN ('DEBT', 'SHAR', 'CRED')),
    fee             bigint      NOT NULL CHECK (fee >= 0),
    account_id      bigint      REFERENCES ledger.accounts (id),
    fee_account_id  bigint      REFERENCES ledger.accounts (id),
    quote_id        uuid        UNIQUE REFERENCES payments.fx_quotes (id),
    deal_id         uuid        UNIQUE REFERENCES payments.fx_deals (id),
    purpose         text        NOT NULL CHECK (length(purpose) BETWEEN 1 AND 40),
    usd_amount      bigint      NOT NULL CHECK (usd_amount >= 0),
    country         text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    agent_bic       text        NOT NULL CHECK (agent_bic ~ '^[A-Z0-9]{8}([A-Z0-9]{3})?$'),
    name_sealed     bytea       NOT NULL,
    account_sealed  bytea       NOT NULL,
    address_sealed  bytea,
    note_sealed     bytea,
    counterparty_index bytea    NOT NULL CHECK (length(counterparty_index) = 32),
    message_id      text        UNIQUE CHECK (length(message_id) BETWEEN 1 AND 35),
    message_sealed  bytea,
    original_id     text        CHECK (length(original_id) BETWEEN 1 AND 35),
    entry_id        uuid        UNIQUE,
    settled_entry   uuid        UNIQUE,
    ended_entry     uuid        UNIQUE,
    returned_amount bigint      CHECK (returned_amount > 0 AND returned_amount <= settled_amount),
    is_return_due   boolean     NOT NULL DEFAULT false,
    attempts        int         NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at          timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL CHECK (changed_at >= created_at),
    CONSTRAINT crossborder_one_uetr UNIQUE (direction, uetr),
    CONSTRAINT crossborder_holds_say_why CHECK (state NOT IN ('held', 'refused', 'rejected') OR cardinality(reasons) > 0),
    CONSTRAINT crossborder_returns_what_came CHECK (NOT is_return_due OR (direction = 'in' AND state = 'refused')),
    CONSTRAINT crossborder_second_is_another CHECK (approved_by IS NULL OR approved_by <> ordered_by),
    CONSTRAINT crossborder_ours_are_ordered CHECK (direction = 'in' OR (party_id IS NOT NULL AND ordered_by IS NOT NULL AND account_id IS NOT NULL)),
    CONSTRAINT crossborder_money_moved CHECK (state IN ('awaiting_approval', 'withdrawn') = (entry_id IS NULL))
);
CREATE INDEX crossborder_payments_due ON payments.crossborder_payments (due_at)
    WHERE state IN ('initiated', 'screened', 'sending') OR is_return_due;
CREATE INDEX crossborder_payments_of_party ON payments.crossborder_payments (party_id, id);
CREATE INDEX crossborder_payments_to_one ON payments.crossborder_payments (counterparty_index, created_at);
CREATE INDEX crossborder_payments_held ON payments.crossborder_payments (id) WHERE state = 'held';
COMMENT ON COLUMN payments.crossborder_payments.name_sealed IS 'The other side: whom we pay, or who pays us. Sealed under the payment''s own key.';
COMMENT ON COLUMN payments.crossborder_payments.amount IS 'What is given for the payee in its currency; settled_amount is what goes between the banks.';

-- States only move forward; what moved money stays as it is.
CREATE FUNCTION payments.keep_crossborder_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed CONSTANT jsonb := '{
        "awaiting_approval": ["initiated", "withdrawn"],
        "initiated": ["held", "screened", "refused"],
        "held": ["screened", "refused"],
        "screened": ["sending", "credited", "refused"],
        "sending": ["sent", "accepted", "credited", "returned", "rejected"],
        "sent": ["accepted", "credited", "returned", "rejected"],
        "accepted": ["credited", "returned"],
        "credited": ["returned"]}';
BEGIN
    IF NEW.state <> OLD.state AND NOT coalesce(allowed -> OLD.state ? NEW.state, false) THEN
        RAISE EXCEPTION 'a payment abroad does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF (OLD.entry_id IS NOT NULL AND NEW.entry_id IS DISTINCT FROM OLD.entry_id)
       OR (OLD.settled_entry IS NOT NULL AND NEW.settled_entry IS DISTINCT FROM OLD.settled_entry)
       OR (OLD.ended_entry IS NOT NULL AND NEW.ended_entry IS DISTINCT FROM OLD.ended_entry) THEN
        RAISE EXCEPTION 'money of payment % moved already', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER forward BEFORE UPDATE ON payments.crossborder_payments
    FOR EACH ROW EXECUTE FUNCTION payments.keep_crossborder_forward();

CREATE TABLE payments.crossborder_events (
    payment_id  uuid        NOT NULL REFERENCES payments.crossborder_payments (id),
    step        text        NOT NULL CHECK (length(step) BETWEEN 1 AND 20),
    happened_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    detail      text        CHECK (length(detail) <= 200),
    PRIMARY KEY (payment_id, step)
);
COMMENT ON TABLE payments.crossborder_events IS 'The tracker: each step of a payment once, whatever came doubled or late.';

CREATE TABLE payments.crossborder_messages (
    sender     text        NOT NULL CHECK (length(sender) BETWEEN 1 AND 64),
    message_id text        NOT NULL CHECK (length(message_id) BETWEEN 1 AND 35),
    name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 20),
    digest     bytea       NOT NULL CHECK (length(digest) = 32),
    outcome    jsonb       NOT NULL,
    taken_at   timestamptz NOT NULL,
    PRIMARY KEY (sender, message_id)
);

CREATE TABLE payments.crossborder_charges (
    payment_id uuid   NOT NULL REFERENCES payments.crossborder_payments (id),
    leg        text   NOT NULL CHECK (leg IN ('out', 'return', 'in')),
    place      int    NOT NULL CHECK (place >= 0),
    agent      text   NOT NULL CHECK (length(agent) BETWEEN 1 AND 140),
    currency   text   NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount     bigint NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (payment_id, leg, place)
);
COMMENT ON TABLE payments.crossborder_charges IS 'What banks on the way took, leg by leg, as their messages say.';

CREATE TABLE payments.crossborder_hits (
    payment_id uuid NOT NULL REFERENCES payments.crossborder_payments (id),
    list       text NOT NULL CHECK (length(list) BETWEEN 1 AND 40),
    entry      text NOT NULL CHECK (length(entry) BETWEEN 1 AND 60),
    side       text NOT NULL CHECK (side IN ('ours', 'theirs')),
    score      int  NOT NULL CHECK (score BETWEEN 0 AND 100),
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    why        text NOT NULL CHECK (length(why) BETWEEN 1 AND 40),
    PRIMARY KEY (payment_id, list, entry, side)
);

CREATE TABLE payments.crossborder_papers (
    id          uuid        NOT NULL PRIMARY KEY,
    party_id    uuid        NOT NULL,
    kind        text        NOT NULL CHECK (length(kind) BETWEEN 1 AND 40),
    digest      bytea       NOT NULL CHECK (length(digest) = 32),
    size        int         NOT NULL CHECK (size > 0),
    added_by    uuid        NOT NULL,
    added_at    timestamptz NOT NULL,
    payment_id  uuid        REFERENCES payments.crossborder_payments (id),
    CONSTRAINT crossborder_papers_once UNIQUE (party_id, kind, digest)
);
CREATE INDEX crossborder_papers_of_payment ON payments.crossborder_papers (payment_id) WHERE payment_id IS NOT NULL;
CREATE TABLE payments.crossborder_paper_parts (
    paper_id uuid  NOT NULL REFERENCES payments.crossborder_papers (id),
    place    int   NOT NULL CHECK (place >= 0),
    sealed   bytea NOT NULL,
    PRIMARY KEY (paper_id, place)
);
COMMENT ON TABLE payments.crossborder_papers IS 'Evidence of what a payment is for; a paper proves one payment only.';

CREATE TABLE payments.crossborder_reports (
    payment_id  uuid        NOT NULL PRIMARY KEY REFERENCES payments.crossborder_payments (id),
    direction   text        NOT NULL CHECK (direction IN ('out', 'in')),
    bop_code    text        NOT NULL CHECK (bop_code ~ '^[0-9]{6}$'),
    country     text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    currency    text        NOT NULL,
    amount      bigint      NOT NULL CHECK (amount > 0),
    usd_amount  bigint      NOT NULL CHECK (usd_amount >= 0),
    is_business boolean     NOT NULL,
    needs_return boolean    NOT NULL,
    on_day      date        NOT NULL
);
CREATE INDEX crossborder_reports_of_day ON payments.crossborder_reports (on_day);
COMMENT ON TABLE payments.crossborder_reports IS 'The balance-of-payments record of each payment abroad.';
COMMENT ON COLUMN payments.crossborder_reports.needs_return IS 'Whether the customer has to hand in a return of their own.';

GRANT SELECT, INSERT ON payments.fx_rates, payments.fx_rate_refusals, payments.fx_day_rates, payments.fx_margins,
    payments.fx_quotes, payments.fx_positions, payments.fx_deals, payments.fx_quotas, payments.fx_quota_uses,
    payments.currency_accounts, payments.screening_lists, payments.screening_names, payments.crossborder_payments,
    payments.crossborder_events, payments.crossborder_messages, payments.crossborder_charges, payments.crossborder_hits,
    payments.crossborder_papers, payments.crossborder_paper_parts, payments.crossborder_reports TO huitong_app;
GRANT UPDATE (bid, ask, quoted_at, taken_at) ON payments.fx_rates TO huitong_app;
GRANT UPDATE (reason, count, refused_at) ON payments.fx_rate_refusals TO huitong_app;
GRANT UPDATE (margin, set_at) ON payments.fx_margins TO huitong_app;
GRANT UPDATE (taken_at) ON payments.fx_quotes TO huitong_app;
GRANT UPDATE (amount, cost, realised, changed_at) ON payments.fx_positions TO huitong_app;
GRANT UPDATE (used, cap) ON payments.fx_quotas TO huitong_app;
GRANT UPDATE (version, digest, entries, loaded_at) ON payments.screening_lists TO huitong_app;
GRANT DELETE ON payments.screening_names TO huitong_app;
GRANT UPDATE (state, reasons, approved_by, deal_id, message_id, message_sealed, original_id, entry_id, settled_entry, ended_entry,
    returned_amount, is_return_due, attempts, due_at, changed_at) ON payments.crossborder_payments TO huitong_app;
GRANT UPDATE (payment_id) ON payments.crossborder_papers TO huitong_app;
GRANT UPDATE (outcome) ON payments.crossborder_messages TO huitong_app;
