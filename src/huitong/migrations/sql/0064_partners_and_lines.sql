-- Partners who lend with us or buy loans of ours, and lines from which customers draw.
-- Shares are millionths; amounts minor units.
CREATE TABLE lending.partners (
    id                  smallint    NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    code                text        NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    currency            char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    deposit_account_id  bigint      NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    position_account_id bigint      NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    created_at          timestamptz NOT NULL
);
COMMENT ON COLUMN lending.partners.deposit_account_id IS 'The partner''s money with us: what is settled goes there, what the partner owes comes from there.';
COMMENT ON COLUMN lending.partners.position_account_id IS 'What is between us and is not settled yet; a credit is what we owe.';
CREATE TABLE lending.partner_versions (
    partner_id     smallint    NOT NULL REFERENCES lending.partners (id),
    version        integer     NOT NULL CHECK (version > 0),
    effective_from date        NOT NULL,
    name_zh        text        NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 100),
    name_en        text        NOT NULL CHECK (length(name_en) BETWEEN 1 AND 100),
    may_guarantee  boolean     NOT NULL,
    is_open        boolean     NOT NULL,
    approval_id    uuid        NOT NULL UNIQUE,
    agreed_at      timestamptz NOT NULL,
    PRIMARY KEY (partner_id, version),
    UNIQUE (partner_id, effective_from)
);
COMMENT ON COLUMN lending.partner_versions.may_guarantee IS 'Whether it has the licence to bear losses of other funders.';
COMMENT ON COLUMN lending.partner_versions.is_open IS 'Whether new loans may be lent with it, or sold to it.';

CREATE TABLE lending.agreements (
    id       smallint NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    code     text     NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    currency char(3)  NOT NULL CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE TABLE lending.sales (
    id          uuid        NOT NULL PRIMARY KEY,
    buyer_id    smallint    NOT NULL REFERENCES lending.partners (id),
    currency    char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    day         date        NOT NULL,
    price_share integer     NOT NULL CHECK (price_share BETWEEN 1 AND 2000000),
    loans       integer     NOT NULL CHECK (loans > 0),
    owed        bigint      NOT NULL CHECK (owed > 0),
    provision   bigint      NOT NULL CHECK (provision >= 0),
    price       bigint      NOT NULL CHECK (price > 0),
    entry_id    uuid        NOT NULL UNIQUE,
    sold_at     timestamptz NOT NULL
);
COMMENT ON TABLE lending.sales IS 'Portfolios of loans that were sold; named by the approval.';
COMMENT ON COLUMN lending.sales.price_share IS 'The price, as a share of what was owed of the loans.';

CREATE TABLE lending.funding_plans (
    id             integer     NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    agreement_id   smallint    REFERENCES lending.agreements (id),
    version        integer     CHECK (version > 0),
    sale_id        uuid        UNIQUE REFERENCES lending.sales (id),
    effective_from date        NOT NULL,
    products       text[]      NOT NULL,
    is_open        boolean     NOT NULL,
    own_share      integer     NOT NULL CHECK (own_share BETWEEN 0 AND 1000000),
    own_loss_share integer     NOT NULL CHECK (own_loss_share BETWEEN 0 AND 1000000),
    approval_id    uuid        NOT NULL UNIQUE,
    agreed_at      timestamptz NOT NULL,
    UNIQUE (agreement_id, version),
    UNIQUE (agreement_id, effective_from),
    CONSTRAINT funding_plans_of_one CHECK ((agreement_id IS NULL) = (version IS NULL) AND (agreement_id IS NULL) <> (sale_id IS NULL))
);
COMMENT ON TABLE lending.funding_plans IS 'Who has which share of a loan: a version of an agreement, or a sale. Never changed.';
CREATE TABLE lending.plan_shares (
    plan_id    integer  NOT NULL REFERENCES lending.funding_plans (id),
    place      smallint NOT NULL CHECK (place > 0),
    partner_id smallint NOT NULL REFERENCES lending.partners (id),
    share      integer  NOT NULL CHECK (share BETWEEN 1 AND 1000000),
    loss_share integer  NOT NULL CHECK (loss_share BETWEEN 0 AND 1000000),
    fee_share  integer  NOT NULL CHECK (fee_share BETWEEN 0 AND 1000000),
    PRIMARY KEY (plan_id, place),
    UNIQUE (plan_id, partner_id)
);
COMMENT ON COLUMN lending.plan_shares.fee_share IS 'What we keep of the partner''s interest, for our service.';
CREATE TABLE lending.plan_accounts (
    plan_id    integer  NOT NULL,
    partner_id smallint NOT NULL,
    part       text     NOT NULL,
    account_id bigint   NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    PRIMARY KEY (plan_id, partner_id, part),
    FOREIGN KEY (plan_id, partner_id) REFERENCES lending.plan_shares (plan_id, partner_id)
);
COMMENT ON TABLE lending.plan_accounts IS 'What is a partner''s of the control accounts: each stands against one of them.';

CREATE FUNCTION lending.check_plan() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    plan integer := CASE TG_TABLE_NAME WHEN 'funding_plans' THEN to_jsonb(NEW) ->> 'id' ELSE to_jsonb(NEW) ->> 'plan_id' END;
BEGIN
    IF NOT EXISTS (
        SELECT FROM lending.funding_plans p JOIN lending.plan_shares s ON s.plan_id = p.id
         WHERE p.id = plan GROUP BY p.id
        HAVING p.own_share + sum(s.share) = 1000000 AND p.own_loss_share + sum(s.loss_share) = 1000000
           AND max(s.place) = count(*)
    ) THEN
        RAISE EXCEPTION 'shares of plan % do not make a whole', plan USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER funding_plans_are_whole AFTER INSERT ON lending.funding_plans
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lending.check_plan();
CREATE CONSTRAINT TRIGGER plan_shares_are_whole AFTER INSERT ON lending.plan_shares
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lending.check_plan();

CREATE TABLE lending.fundings (
    loan                bigint  NOT NULL PRIMARY KEY REFERENCES lending.loans (number),
    plan_id             integer NOT NULL REFERENCES lending.funding_plans (id),
    base_lent           bigint  NOT NULL DEFAULT 0 CHECK (base_lent >= 0),
    base_principal_paid bigint  NOT NULL DEFAULT 0 CHECK (base_principal_paid >= 0),
    base_interest_paid  bigint  NOT NULL DEFAULT 0 CHECK (base_interest_paid >= 0),
    base_penalty_paid   bigint  NOT NULL DEFAULT 0 CHECK (base_penalty_paid >= 0),
    base_fees_paid      bigint  NOT NULL DEFAULT 0 CHECK (base_fees_paid >= 0),
    base_interest       bigint  NOT NULL DEFAULT 0 CHECK (base_interest >= 0),
    base_fees           bigint  NOT NULL DEFAULT 0 CHECK (base_fees >= 0),
    base_provision      bigint  NOT NULL DEFAULT 0 CHECK (base_provision >= 0)
);
CREATE INDEX fundings_of_plans ON lending.fundings (plan_id);
COMMENT ON TABLE lending.fundings IS 'Loans that are not ours alone, and what of them was before that, for one that was sold.';
COMMENT ON COLUMN lending.fundings.base_interest IS 'Interest and penalty interest that was on our books and not paid when the loan was sold.';
CREATE TABLE lending.sold_loans (
    sale_id        uuid   NOT NULL REFERENCES lending.sales (id),
    loan           bigint NOT NULL REFERENCES lending.loans (number),
    principal      bigint NOT NULL CHECK (principal > 0),
    owed           bigint NOT NULL CHECK (owed >= principal),
    provision      bigint NOT NULL CHECK (provision >= 0),
    price          bigint NOT NULL CHECK (price >= 0),
    bought_back_on date,
    bought_back_for bigint CHECK (bought_back_for > 0),
    bought_back_by uuid,
    PRIMARY KEY (sale_id, loan),
    CONSTRAINT sold_loans_come_back_once CHECK ((bought_back_on IS NULL) = (bought_back_by IS NULL) AND (bought_back_on IS NULL) = (bought_back_for IS NULL))
);
CREATE UNIQUE INDEX sold_loans_have_one_buyer ON lending.sold_loans (loan) WHERE bought_back_on IS NULL;
CREATE TABLE lending.ended_shares (
    plan_id    integer  NOT NULL REFERENCES lending.funding_plans (id),
    loan       bigint   NOT NULL REFERENCES lending.loans (number),
    partner_id smallint NOT NULL REFERENCES lending.partners (id),
    part       text     NOT NULL,
    amount     bigint   NOT NULL,
    PRIMARY KEY (plan_id, loan, partner_id, part)
);
COMMENT ON TABLE lending.ended_shares IS 'What stays on a partner''s accounts of a loan that was bought back.';

CREATE TABLE lending.partner_flows (
    entry_id     uuid     NOT NULL,
    partner_id   smallint NOT NULL REFERENCES lending.partners (id),
    plan_id      integer  NOT NULL REFERENCES lending.funding_plans (id),
    loan         bigint   NOT NULL REFERENCES lending.loans (number),
    day          date     NOT NULL,
    lent         bigint   NOT NULL,
    principal    bigint   NOT NULL,
    interest     bigint   NOT NULL,
    penalty      bigint   NOT NULL,
    fees         bigint   NOT NULL,
    recovered    bigint   NOT NULL,
    compensation bigint   NOT NULL,
    service_fee  bigint   NOT NULL,
    owed         bigint   NOT NULL GENERATED ALWAYS AS (principal + interest + penalty + fees + recovered - lent - compensation - service_fee) STORED,
    PRIMARY KEY (entry_id, partner_id)
);
CREATE INDEX partner_flows_of_days ON lending.partner_flows (partner_id, day);
COMMENT ON TABLE lending.partner_flows IS 'Each partner''s share of each flow of money of a loan, by the entry that moved it.';
COMMENT ON COLUMN lending.partner_flows.compensation IS 'What the partner bears of a loss beyond its share of the loan; below zero what others bear for it.';
COMMENT ON COLUMN lending.partner_flows.owed IS 'What we owe the partner after it; below zero the partner us.';
CREATE TABLE lending.partner_settlements (
    partner_id smallint    NOT NULL REFERENCES lending.partners (id),
    day        date        NOT NULL,
    amount     bigint      NOT NULL CHECK (amount <> 0),
    entry_id   uuid        NOT NULL UNIQUE,
    settled_on date        NOT NULL CHECK (settled_on > day),
    settled_at timestamptz NOT NULL,
    PRIMARY KEY (partner_id, day)
);
COMMENT ON COLUMN lending.partner_settlements.amount IS 'What the partner was paid for all days until this one; below zero what it paid.';

CREATE FUNCTION lending.split(total bigint, shares integer[]) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    parts bigint[] := '{}';
    left_over numeric := total;
    left_share numeric := 1000000;
    part numeric;
    share integer;
BEGIN
    FOREACH share IN ARRAY shares LOOP
        part := CASE WHEN left_share = 0 THEN 0 ELSE floor((2 * left_over * share + left_share) / (2 * left_share)) END;
        parts := parts || part::bigint;
        left_over := left_over - part;
        left_share := left_share - share;
    END LOOP;
    RETURN parts;
END $$;
COMMENT ON FUNCTION lending.split IS 'An amount over shares that make a whole, as loans/sharing.py splits it.';

-- Interest off the balance sheet, and fees beside those that are charged.
ALTER TABLE lending.balances ADD COLUMN suspended boolean NOT NULL DEFAULT false;
ALTER TABLE lending.balances ADD COLUMN service_fee bigint NOT NULL DEFAULT 0 CHECK (service_fee >= 0);
ALTER TABLE lending.balances ADD COLUMN late_fee bigint NOT NULL DEFAULT 0 CHECK (late_fee >= 0);
COMMENT ON COLUMN lending.balances.suspended IS 'Whether interest is kept off the balance sheet: the loan was overdue for too long and is not cured.';
COMMENT ON COLUMN lending.balances.service_fee IS 'The fee that is due with each instalment.';
COMMENT ON COLUMN lending.balances.late_fee IS 'The fee for an instalment that is not paid on its day.';

-- Where interest leaves the balance sheet, the income of a day is below zero.
ALTER TABLE lending.closed_chunks DROP CONSTRAINT closed_chunks_interest_check;
ALTER TABLE lending.closed_chunks DROP CONSTRAINT closed_chunks_penalty_check;

-- Lines of credit: each drawing is a loan of its own.
CREATE TABLE lending.lines (
    id                  uuid        NOT NULL PRIMARY KEY,
    customer_id         uuid        NOT NULL,
    product_id          smallint    NOT NULL REFERENCES lending.products (id),
    borrower_account_id bigint      NOT NULL REFERENCES ledger.accounts (id),
    currency            char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount              bigint      NOT NULL CHECK (amount > 0),
    rate                integer     NOT NULL CHECK (rate BETWEEN 0 AND 1000000),
    grade               text,
    opened_on           date        NOT NULL,
    ends_on             date        NOT NULL CHECK (ends_on > opened_on),
    state               text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    opened_at           timestamptz NOT NULL
);
CREATE INDEX lines_of_customers ON lending.lines (customer_id);
COMMENT ON TABLE lending.lines IS 'What a customer may draw again and again; what is repaid may be drawn anew.';
CREATE TABLE lending.drawings (
    loan    bigint NOT NULL PRIMARY KEY REFERENCES lending.loans (number),
    line_id uuid   NOT NULL REFERENCES lending.lines (id)
);
CREATE INDEX drawings_of_lines ON lending.drawings (line_id);
CREATE TABLE lending.drawing_statements (
    line_id  uuid        NOT NULL REFERENCES lending.lines (id),
    digest   bytea       NOT NULL CHECK (length(digest) = 32),
    shown_at timestamptz NOT NULL,
    PRIMARY KEY (line_id, digest)
);
COMMENT ON TABLE lending.drawing_statements IS 'Cost statements that were shown before drawing, and since when.';

GRANT SELECT, INSERT ON lending.partners, lending.partner_versions, lending.agreements, lending.sales, lending.funding_plans,
    lending.plan_shares, lending.plan_accounts, lending.fundings, lending.sold_loans, lending.ended_shares,
    lending.partner_flows, lending.partner_settlements, lending.lines, lending.drawings, lending.drawing_statements TO huitong_app;
-- A row is locked before what depends on it is summed; nothing of a partner's is ever changed.
GRANT UPDATE (created_at) ON lending.partners TO huitong_app;
GRANT UPDATE (bought_back_on, bought_back_for, bought_back_by) ON lending.sold_loans TO huitong_app;
GRANT DELETE ON lending.fundings TO huitong_app;
GRANT UPDATE (state) ON lending.lines TO huitong_app;
