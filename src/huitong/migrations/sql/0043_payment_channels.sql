-- Payments: ways out of the house, how they are chosen, and what became of each attempt.
CREATE TABLE payments.channels (
    name         text        NOT NULL PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,31}$'),
    kind         text        NOT NULL CHECK (kind IN ('bank_transfer', 'card_acquiring', 'wallet_qr', 'cross_border')),
    name_zh      text        NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 64),
    name_en      text        NOT NULL CHECK (length(name_en) BETWEEN 1 AND 64),
    directions   text[]      NOT NULL CHECK (cardinality(directions) > 0 AND directions <@ ARRAY['in', 'out']),
    currencies   text[]      NOT NULL CHECK (cardinality(currencies) <= 200),
    amount_min   bigint      NOT NULL DEFAULT 1 CHECK (amount_min >= 1),
    amount_max   bigint      CHECK (amount_max >= amount_min),
    opens_at     time,
    closes_at    time,
    is_enabled   boolean     NOT NULL,
    changed_at   timestamptz NOT NULL,
    CONSTRAINT channels_hours_whole CHECK ((opens_at IS NULL) = (closes_at IS NULL) AND opens_at <> closes_at)
);
COMMENT ON TABLE payments.channels IS 'Capabilities of each way out of the house; changed by two members of staff.';
COMMENT ON COLUMN payments.channels.currencies IS 'ISO 4217 codes; empty for all.';
COMMENT ON COLUMN payments.channels.amount_min IS 'In minor units of the currency that is paid; so is amount_max.';
COMMENT ON COLUMN payments.channels.opens_at IS 'In Asia/Shanghai; null for always. A channel that closes before it opens is open over midnight.';

CREATE TABLE payments.channel_fees (
    channel      text        NOT NULL REFERENCES payments.channels (name),
    currency     char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_from  bigint      NOT NULL CHECK (amount_from >= 0),
    fixed        bigint      NOT NULL CHECK (fixed >= 0),
    rate         numeric(9,6) NOT NULL CHECK (rate >= 0 AND rate < 1),
    maximum      bigint      CHECK (maximum >= fixed),
    PRIMARY KEY (channel, currency, amount_from)
);
COMMENT ON TABLE payments.channel_fees IS 'What a channel costs us: from an amount on, a fixed sum and a share of the amount, in minor units.';

CREATE TABLE payments.channel_rules (
    priority     smallint    NOT NULL PRIMARY KEY CHECK (priority BETWEEN 1 AND 1000),
    channel      text        NOT NULL REFERENCES payments.channels (name),
    kind         text        CHECK (kind IN ('bank_transfer', 'card_acquiring', 'wallet_qr', 'cross_border')),
    currency     char(3)     CHECK (currency ~ '^[A-Z]{3}$'),
    amount_from  bigint      NOT NULL DEFAULT 0 CHECK (amount_from >= 0),
    amount_below bigint      CHECK (amount_below > amount_from),
    bank         text        CHECK (bank ~ '^[0-9]{3}$')
);
COMMENT ON TABLE payments.channel_rules IS 'Which channel goes before cost and success: the first rule that fits, by priority.';
COMMENT ON COLUMN payments.channel_rules.bank IS 'First three digits of the bank code (CNAPS) of the other bank; null for any.';

CREATE TABLE payments.channel_health (
    channel      text        NOT NULL REFERENCES payments.channels (name),
    process_id   uuid        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
    succeeded    integer     NOT NULL CHECK (succeeded >= 0),
    failed       integer     NOT NULL CHECK (failed >= 0),
    unanswered   integer     NOT NULL CHECK (unanswered >= 0),
    reported_at  timestamptz NOT NULL,
    PRIMARY KEY (channel, process_id)
);
COMMENT ON TABLE payments.channel_health IS 'Circuit breakers as processes last told of them: each keeps its own in memory.';

INSERT INTO payments.channels (name, kind, name_zh, name_en, directions, currencies, is_enabled, changed_at)
VALUES ('bank', 'bank_transfer', '银行转账', 'Bank transfer', '{in,out}', '{}', true, '2026-01-01T00:00:00Z');

-- An order is tried on one channel at a time: what is not a known failure leaves no room for another.
ALTER TABLE payments.channel_orders
    ADD COLUMN channel text NOT NULL DEFAULT 'bank' REFERENCES payments.channels (name),
    ADD COLUMN number smallint NOT NULL DEFAULT 1 CHECK (number BETWEEN 1 AND 9),
    ADD COLUMN fee bigint CHECK (fee >= 0),
    ADD COLUMN chosen jsonb,
    ADD COLUMN recheck_at timestamptz,
    ADD CONSTRAINT channel_orders_recheck_is_of_ended CHECK (recheck_at IS NULL OR state IN ('succeeded', 'failed')),
    DROP CONSTRAINT channel_orders_order_id_key,
    ADD CONSTRAINT channel_orders_attempt UNIQUE (order_id, number);
ALTER TABLE payments.channel_orders ALTER COLUMN channel DROP DEFAULT;
CREATE UNIQUE INDEX channel_orders_one_without_failure ON payments.channel_orders (order_id) WHERE state <> 'failed';
CREATE INDEX channel_orders_to_recheck ON payments.channel_orders (recheck_at) WHERE recheck_at IS NOT NULL;
COMMENT ON COLUMN payments.channel_orders.fee IS 'What the channel was expected to cost us when it was chosen, in minor units of the order''s currency.';
COMMENT ON COLUMN payments.channel_orders.chosen IS 'Why this channel: the rule, the candidates and what spoke against each.';
COMMENT ON COLUMN payments.channel_orders.recheck_at IS 'When a channel is asked again about an attempt that has ended, because it said something else since.';

CREATE FUNCTION payments.keep_channel_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('succeeded', 'failed', 'cancelled') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'channel order % has ended', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.order_id, NEW.channel, NEW.number, NEW.direction) <> (OLD.order_id, OLD.channel, OLD.number, OLD.direction) THEN
        RAISE EXCEPTION 'channel order % is what it is', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_outcome BEFORE UPDATE ON payments.channel_orders
    FOR EACH ROW EXECUTE FUNCTION payments.keep_channel_outcome();

CREATE TABLE payments.channel_breaks (
    channel_order_id uuid    NOT NULL REFERENCES payments.channel_orders (id),
    kind         text        NOT NULL CHECK (kind IN ('success_after_failure', 'failure_after_success', 'wrong_amount')),
    amount       bigint      NOT NULL CHECK (amount >= 0),
    currency     char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    transfer_id  uuid,
    found_at     timestamptz NOT NULL,
    PRIMARY KEY (channel_order_id, kind),
    CONSTRAINT channel_breaks_money_is_booked CHECK ((kind = 'success_after_failure') = (transfer_id IS NOT NULL))
);
CREATE INDEX channel_breaks_by_age ON payments.channel_breaks (found_at DESC, channel_order_id);
COMMENT ON TABLE payments.channel_breaks IS 'Where a channel contradicts our books; each once for an attempt. Its money, if it moved, is in a suspense account.';

CREATE TABLE payments.channel_callbacks (
    channel      text        NOT NULL REFERENCES payments.channels (name),
    id           text        NOT NULL CHECK (length(id) BETWEEN 1 AND 128),
    digest       bytea       NOT NULL CHECK (length(digest) = 32),
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (channel, id)
);
CREATE INDEX channel_callbacks_by_age ON payments.channel_callbacks (received_at);
COMMENT ON TABLE payments.channel_callbacks IS 'Callbacks that were taken, by the sender''s id, so that a repetition does nothing; kept longer than their time-stamp is valid.';

GRANT SELECT, INSERT, UPDATE ON payments.channels TO huitong_app;
GRANT SELECT, INSERT, DELETE ON payments.channel_fees, payments.channel_rules, payments.channel_callbacks TO huitong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON payments.channel_health TO huitong_app;
GRANT UPDATE (recheck_at) ON payments.channel_orders TO huitong_app;
GRANT SELECT, INSERT ON payments.channel_breaks TO huitong_app;
