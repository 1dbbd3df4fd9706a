-- Customers and merchants as far as payments need them.
CREATE SCHEMA customers;

CREATE TABLE customers.customers (
    id            uuid        NOT NULL PRIMARY KEY,
    name          text        NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    mobile        text        NOT NULL UNIQUE CHECK (mobile ~ '^1[3-9][0-9]{9}$'),
    account_class smallint    NOT NULL CHECK (account_class BETWEEN 1 AND 3),
    account_id    bigint      NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    currency      char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    opened_at     timestamptz NOT NULL
);
COMMENT ON COLUMN customers.customers.account_class IS 'Class of the payment account: 1, 2 or 3 (PBOC announcement 2015 No. 43).';

CREATE TABLE customers.merchants (
    id                uuid        NOT NULL PRIMARY KEY,
    name              text        NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    name_latin        text        NOT NULL CHECK (name_latin ~ '^[ -~]{1,25}$'),
    city_latin        text        NOT NULL CHECK (city_latin ~ '^[ -~]{1,15}$'),
    category_code     text        NOT NULL CHECK (category_code ~ '^[0-9]{4}$'),
    fee_rate          numeric(7,6) NOT NULL CHECK (fee_rate >= 0 AND fee_rate <= 0.1),
    fee_max           bigint      CHECK (fee_max >= 0),
    account_id        bigint      NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    currency          char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    opened_at         timestamptz NOT NULL
);
COMMENT ON COLUMN customers.merchants.fee_max IS 'The most that one payment may cost the merchant, in minor units; NULL is no cap.';

CREATE SCHEMA payments;

-- status: created, pending, succeeded, failed, closed, partly_refunded, refunded.
-- amount is what is to be paid, or was: a capture of less than was authorised lowers it.
-- shared counts what receivers of profit shares still have: refunds take from it.
CREATE TABLE payments.orders (
    id                uuid        NOT NULL PRIMARY KEY,
    kind              text        NOT NULL CHECK (kind IN
        ('transfer', 'payment', 'checkout', 'static_qr', 'dynamic_qr', 'customer_code', 'authorisation', 'top_up', 'withdrawal')),
    status            text        NOT NULL CHECK (status IN
        ('created', 'pending', 'succeeded', 'failed', 'closed', 'partly_refunded', 'refunded')),
    currency          char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount            bigint      NOT NULL CHECK (amount > 0),
    authorised        bigint,
    fee               bigint      NOT NULL DEFAULT 0,
    fee_returned      bigint      NOT NULL DEFAULT 0,
    refunded          bigint      NOT NULL DEFAULT 0,
    refunds           smallint    NOT NULL DEFAULT 0 CHECK (refunds BETWEEN 0 AND 100),
    shared            bigint      NOT NULL DEFAULT 0,
    payer_account_id  bigint      REFERENCES ledger.accounts (id),
    payee_account_id  bigint      REFERENCES ledger.accounts (id),
    merchant_id       uuid        REFERENCES customers.merchants (id),
    reference         text        CHECK (length(reference) <= 64),
    description       text        CHECK (length(description) <= 256),
    transfer_id       uuid,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz,
    completed_at      timestamptz,
    failure_code      text        CHECK (length(failure_code) <= 64),
    details           jsonb,
    CONSTRAINT orders_authorised_fits_kind CHECK ((kind = 'authorisation') = (authorised IS NOT NULL)
        AND authorised >= amount),
    CONSTRAINT orders_refunds_within_amount CHECK (refunded BETWEEN 0 AND amount),
    CONSTRAINT orders_parts_within_amount CHECK (fee >= 0 AND fee_returned BETWEEN 0 AND fee AND shared >= 0
        AND refunded + fee - fee_returned + shared <= amount),
    CONSTRAINT orders_status_fits_refunds CHECK ((status = 'refunded') = (refunded = amount)
        AND (status = 'partly_refunded') = (refunded > 0 AND refunded < amount)),
    CONSTRAINT orders_paid_has_transfer CHECK (status NOT IN ('succeeded', 'partly_refunded', 'refunded')
        OR (transfer_id IS NOT NULL AND completed_at IS NOT NULL AND payer_account_id IS NOT NULL)),
    CONSTRAINT orders_payer_is_not_payee CHECK (payer_account_id <> payee_account_id)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX orders_by_merchant_reference ON payments.orders (merchant_id, reference)
    WHERE merchant_id IS NOT NULL AND reference IS NOT NULL;
CREATE INDEX orders_to_close ON payments.orders (expires_at)
    WHERE status IN ('created', 'pending') AND expires_at IS NOT NULL;
CREATE INDEX orders_with_open_hold ON payments.orders (transfer_id)
    WHERE status = 'pending' AND kind = 'authorisation';
-- Identifiers are made in order of time, so these give an account's orders newest first.
CREATE INDEX orders_by_payer ON payments.orders (payer_account_id, id) WHERE payer_account_id IS NOT NULL;
CREATE INDEX orders_by_payee ON payments.orders (payee_account_id, id) WHERE payee_account_id IS NOT NULL;

CREATE TABLE payments.refunds (
    id          uuid        NOT NULL PRIMARY KEY,
    order_id    uuid        NOT NULL REFERENCES payments.orders (id),
    amount      bigint      NOT NULL CHECK (amount > 0),
    fee_returned bigint     NOT NULL DEFAULT 0 CHECK (fee_returned >= 0),
    shares_returned bigint  NOT NULL DEFAULT 0 CHECK (shares_returned >= 0),
    reason      text        CHECK (length(reason) <= 256),
    created_at  timestamptz NOT NULL,
    CHECK (fee_returned + shares_returned <= amount)
);
COMMENT ON COLUMN payments.refunds.id IS 'Also the id of the journal entry that the refund is.';
CREATE INDEX refunds_by_order ON payments.refunds (order_id);

CREATE TABLE payments.shares (
    id                  uuid        NOT NULL PRIMARY KEY,
    order_id            uuid        NOT NULL REFERENCES payments.orders (id),
    position            smallint    NOT NULL CHECK (position BETWEEN 0 AND 49),
    receiver_account_id bigint      NOT NULL REFERENCES ledger.accounts (id),
    amount              bigint      NOT NULL CHECK (amount > 0),
    returned            bigint      NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND amount),
    entry_id            uuid        NOT NULL,
    description         text        CHECK (length(description) <= 256),
    created_at          timestamptz NOT NULL,
    UNIQUE (entry_id, position)
);
CREATE INDEX shares_by_order ON payments.shares (order_id);

-- Codes: merchant-presented static ones, and customer-presented one-time ones by digest only.
CREATE TABLE payments.merchant_codes (
    id          uuid        NOT NULL PRIMARY KEY,
    merchant_id uuid        NOT NULL REFERENCES customers.merchants (id),
    kind        text        NOT NULL CHECK (kind IN ('static', 'dynamic')),
    order_id    uuid        REFERENCES payments.orders (id),
    payload     text        NOT NULL CHECK (length(payload) <= 512),
    created_at  timestamptz NOT NULL,
    CHECK ((kind = 'dynamic') = (order_id IS NOT NULL))
);
CREATE INDEX merchant_codes_by_merchant ON payments.merchant_codes (merchant_id, id);
CREATE TABLE payments.customer_codes (
    digest      bytea       NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    customer_id uuid        NOT NULL REFERENCES customers.customers (id),
    expires_at  timestamptz NOT NULL,
    used_by     uuid        UNIQUE REFERENCES payments.orders (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX customer_codes_expiry ON payments.customer_codes (expires_at);

-- What we asked of a bank channel and what it last said; outcome is only ever set once.
CREATE TABLE payments.channel_orders (
    id           uuid        NOT NULL PRIMARY KEY,
    order_id     uuid        NOT NULL UNIQUE REFERENCES payments.orders (id),
    direction    text        NOT NULL CHECK (direction IN ('in', 'out')),
    state        text        NOT NULL CHECK (state IN ('to_send', 'sent', 'succeeded', 'failed')),
    attempts     smallint    NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    reason       text        CHECK (length(reason) <= 256)
);
CREATE INDEX channel_orders_open ON payments.channel_orders (due_at) WHERE state IN ('to_send', 'sent');
