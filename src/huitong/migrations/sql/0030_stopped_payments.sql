-- Payments that risk holds back or blocks: until when, why, what the payer says, what came of it.
ALTER TABLE payments.orders DROP CONSTRAINT orders_status_check;
-- Not validated: what stands already has passed a narrower check.
ALTER TABLE payments.orders ADD CONSTRAINT orders_status_check CHECK (status IN
    ('created', 'held', 'pending', 'succeeded', 'failed', 'closed', 'partly_refunded', 'refunded')) NOT VALID;
ALTER TABLE payments.orders ADD CONSTRAINT orders_held_has_hold CHECK (status <> 'held'
    OR (transfer_id IS NOT NULL AND payer_account_id IS NOT NULL AND payee_account_id IS NOT NULL)) NOT VALID;

-- No foreign keys, as for orders: a payment must not wait for a lock on its parties.
CREATE TABLE payments.stopped_payments (
    id               uuid        NOT NULL PRIMARY KEY,
    kind             text        NOT NULL CHECK (kind IN ('transfer', 'payment', 'static_qr')),
    action           text        NOT NULL CHECK (action IN ('review', 'delay', 'block')),
    state            text        NOT NULL CHECK (state IN ('held', 'paid', 'given_back', 'blocked')),
    payer_account_id bigint      NOT NULL,
    payee_account_id bigint      NOT NULL,
    merchant_id      uuid,
    currency         char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount           bigint      NOT NULL CHECK (amount > 0),
    reasons          jsonb       NOT NULL CHECK (jsonb_typeof(reasons) = 'array' AND jsonb_array_length(reasons) > 0),
    stopped_at       timestamptz NOT NULL,
    due_at           timestamptz,
    outcome          text        CHECK (length(outcome) BETWEEN 1 AND 64),
    ended_at         timestamptz,
    ended_by         text        CHECK (length(ended_by) BETWEEN 1 AND 128),
    note             text        CHECK (length(note) BETWEEN 1 AND 256),
    appeal           text        CHECK (length(appeal) BETWEEN 1 AND 500),
    appealed_at      timestamptz,
    answer           text        CHECK (length(answer) BETWEEN 1 AND 500),
    answered_at      timestamptz,
    answered_by      text        CHECK (length(answered_by) BETWEEN 1 AND 128),
    CONSTRAINT stopped_payments_blocked_is_for_ever CHECK ((action = 'block') = (state = 'blocked')),
    CONSTRAINT stopped_payments_held_has_an_end CHECK ((action = 'block') = (due_at IS NULL) AND due_at > stopped_at),
    CONSTRAINT stopped_payments_ended_says_how CHECK ((state IN ('paid', 'given_back')) = (outcome IS NOT NULL)
        AND (outcome IS NULL) = (ended_at IS NULL) AND (outcome IS NULL) = (ended_by IS NULL)),
    CONSTRAINT stopped_payments_outcome_fits_state CHECK (outcome IS NULL
        OR (state = 'paid') = (outcome IN ('released', 'settled'))),
    CONSTRAINT stopped_payments_people_say_why CHECK (outcome NOT IN ('released', 'rejected') OR note IS NOT NULL),
    CONSTRAINT stopped_payments_appeal_has_a_time CHECK (appeal IS NULL OR appealed_at IS NOT NULL),
    CONSTRAINT stopped_payments_answer_to_an_appeal CHECK ((answered_at IS NULL) = (answered_by IS NULL)
        AND (answer IS NULL OR answered_at IS NOT NULL) AND (answered_at IS NULL OR appealed_at IS NOT NULL)),
    CONSTRAINT stopped_payments_payer_is_not_payee CHECK (payer_account_id <> payee_account_id)
);
CREATE INDEX stopped_payments_due ON payments.stopped_payments (due_at) WHERE state = 'held';
CREATE INDEX stopped_payments_waiting ON payments.stopped_payments (id)
    WHERE state = 'held' OR (appealed_at IS NOT NULL AND answered_at IS NULL);
CREATE INDEX stopped_payments_by_payer ON payments.stopped_payments (payer_account_id, id);
COMMENT ON TABLE payments.stopped_payments IS 'Payments that risk held back or blocked. A held one is paid once or given back once.';
COMMENT ON COLUMN payments.stopped_payments.id IS 'The id of the payment, of its decision and, if it was held, of its hold.';
COMMENT ON COLUMN payments.stopped_payments.reasons IS 'What the payer is told, as [{"zh", "en"}].';
COMMENT ON COLUMN payments.stopped_payments.due_at IS 'When a delayed one settles by itself, and when one under review is given back.';
COMMENT ON COLUMN payments.stopped_payments.outcome IS 'released, settled; cancelled, rejected, expired, or why it could not be paid.';
COMMENT ON COLUMN payments.stopped_payments.note IS 'Why staff released or rejected it; not for the payer.';
COMMENT ON COLUMN payments.stopped_payments.appeal IS 'What the payer says of it; taken away when their data is destroyed.';

-- It ends once, and what it was about never changes.
CREATE FUNCTION payments.refuse_restop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stopped payment %: % does not become %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER stopped_payments_end_once BEFORE UPDATE ON payments.stopped_payments
    FOR EACH ROW WHEN ((OLD.state <> 'held' AND OLD.state <> NEW.state)
        OR (OLD.id, OLD.kind, OLD.action, OLD.payer_account_id, OLD.payee_account_id, OLD.currency, OLD.amount, OLD.stopped_at)
           IS DISTINCT FROM (NEW.id, NEW.kind, NEW.action, NEW.payer_account_id, NEW.payee_account_id, NEW.currency, NEW.amount,
                             NEW.stopped_at)
        OR OLD.reasons <> NEW.reasons OR OLD.due_at IS DISTINCT FROM NEW.due_at)
    EXECUTE FUNCTION payments.refuse_restop();
GRANT SELECT, INSERT ON payments.stopped_payments TO huitong_app;
GRANT UPDATE (state, outcome, ended_at, ended_by, note, appeal, appealed_at, answer, answered_at, answered_by)
    ON payments.stopped_payments TO huitong_app;
