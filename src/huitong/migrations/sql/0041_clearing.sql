-- Clearing: banks that take part, netting windows with positions and caps, and payments between banks.
-- All amounts are minor units of CNY.
CREATE TABLE payments.clearing_participants (
    code                  text        NOT NULL PRIMARY KEY CHECK (code ~ '^[0-9]{12}$'),
    name_zh               text        NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 100),
    name_en               text        NOT NULL CHECK (length(name_en) BETWEEN 1 AND 100),
    account_id            bigint      NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    collateral_account_id bigint      NOT NULL UNIQUE REFERENCES ledger.accounts (id),
    net_debit_cap         bigint      NOT NULL CHECK (net_debit_cap >= 0),
    reserved              bigint      NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    joined_at             timestamptz NOT NULL,
    CONSTRAINT clearing_participants_have_two_accounts CHECK (account_id <> collateral_account_id)
);
COMMENT ON TABLE payments.clearing_participants IS 'A bank that takes part in clearing, by its CNAPS bank code.';
COMMENT ON COLUMN payments.clearing_participants.net_debit_cap IS 'The most it may owe in windows that are not settled.';
COMMENT ON COLUMN payments.clearing_participants.reserved IS 'What only urgent gross payments may use of its settlement account.';

CREATE TABLE payments.clearing_windows (
    id         uuid        NOT NULL PRIMARY KEY,
    number     bigint      NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY,
    state      text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'settling', 'settled')),
    opened_at  timestamptz NOT NULL,
    closes_at  timestamptz NOT NULL CHECK (closes_at > opened_at),
    closed_at  timestamptz CHECK (closed_at >= opened_at),
    settled_at timestamptz CHECK (settled_at >= closed_at),
    entry_id   uuid        UNIQUE,
    CONSTRAINT clearing_windows_closed_once CHECK ((state = 'open') = (closed_at IS NULL)),
    CONSTRAINT clearing_windows_settled_once CHECK ((state = 'settled') = (settled_at IS NOT NULL)),
    CONSTRAINT clearing_windows_entry_settles CHECK (entry_id IS NULL OR state = 'settled')
);
CREATE UNIQUE INDEX clearing_windows_one_open ON payments.clearing_windows ((true)) WHERE state = 'open';
CREATE INDEX clearing_windows_unsettled ON payments.clearing_windows (number) WHERE state <> 'settled';
COMMENT ON COLUMN payments.clearing_windows.entry_id IS 'The one journal entry that settled it; null if nobody owed anything.';

CREATE FUNCTION payments.keep_clearing_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    states CONSTANT text[] := ARRAY['open', 'closed', 'settling', 'settled'];
BEGIN
    IF array_position(states, NEW.state) - array_position(states, OLD.state) NOT IN (0, 1)
       OR OLD.state = 'settled' THEN
        RAISE EXCEPTION 'a netting window goes from % to the next state only', OLD.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER forward BEFORE UPDATE ON payments.clearing_windows
    FOR EACH ROW EXECUTE FUNCTION payments.keep_clearing_forward();

CREATE TABLE payments.clearing_positions (
    window_id         uuid   NOT NULL REFERENCES payments.clearing_windows (id),
    participant       text   NOT NULL REFERENCES payments.clearing_participants (code),
    sent              bigint NOT NULL DEFAULT 0 CHECK (sent >= 0),
    received          bigint NOT NULL DEFAULT 0 CHECK (received >= 0),
    unwound_sent      bigint NOT NULL DEFAULT 0 CHECK (unwound_sent BETWEEN 0 AND sent),
    unwound_received  bigint NOT NULL DEFAULT 0 CHECK (unwound_received BETWEEN 0 AND received),
    carried           bigint NOT NULL DEFAULT 0 CHECK (carried >= 0),
    cap               bigint NOT NULL CHECK (cap >= 0),
    PRIMARY KEY (window_id, participant),
    CONSTRAINT clearing_positions_within_cap CHECK (greatest(sent - received, 0) + carried <= cap)
);
COMMENT ON TABLE payments.clearing_positions IS 'The multilateral position of each participant in each window.';
COMMENT ON COLUMN payments.clearing_positions.carried IS 'What it owed of windows that were closed and not settled; for an open window, owes.';
COMMENT ON COLUMN payments.clearing_positions.cap IS 'The net debit cap that held in this window.';
COMMENT ON COLUMN payments.clearing_positions.unwound_sent IS 'Of what it sent, taken back because somebody could not pay.';

-- At commit: what one bank sends another one receives.
CREATE FUNCTION payments.check_clearing_sum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM payments.clearing_positions p
                WHERE p.window_id = NEW.window_id
               HAVING sum(p.sent) <> sum(p.received) OR sum(p.unwound_sent) <> sum(p.unwound_received)) THEN
        RAISE EXCEPTION 'the positions of window % do not sum to zero', NEW.window_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER sum_to_zero AFTER INSERT OR UPDATE OF sent, received, unwound_sent, unwound_received
    ON payments.clearing_positions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION payments.check_clearing_sum();

CREATE TABLE payments.clearing_bilateral (
    window_id uuid   NOT NULL REFERENCES payments.clearing_windows (id),
    debtor    text   NOT NULL REFERENCES payments.clearing_participants (code),
    creditor  text   NOT NULL REFERENCES payments.clearing_participants (code),
    amount    bigint NOT NULL CHECK (amount > 0),
    unwound   bigint NOT NULL DEFAULT 0 CHECK (unwound BETWEEN 0 AND amount),
    count     bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (window_id, debtor, creditor),
    CONSTRAINT clearing_bilateral_between_two CHECK (debtor <> creditor)
);
COMMENT ON TABLE payments.clearing_bilateral IS 'What one participant sent another one in a window.';

CREATE TABLE payments.clearing_payments (
    id           uuid        NOT NULL PRIMARY KEY,
    sequence     bigint      NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY,
    rail         text        NOT NULL CHECK (rail IN ('hvps', 'beps', 'ibps')),
    debtor       text        NOT NULL REFERENCES payments.clearing_participants (code),
    creditor     text        NOT NULL REFERENCES payments.clearing_participants (code),
    amount       bigint      NOT NULL CHECK (amount > 0),
    is_urgent    boolean     NOT NULL,
    state        text        NOT NULL CHECK (state IN ('queued', 'accepted', 'settled', 'refused', 'unwound')),
    window_id    uuid        REFERENCES payments.clearing_windows (id),
    transfer_id  uuid        UNIQUE,
    submitted_at timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL CHECK (changed_at >= submitted_at),
    reason       text        CHECK (length(reason) BETWEEN 1 AND 100),
    CONSTRAINT clearing_payments_between_two CHECK (debtor <> creditor),
    CONSTRAINT clearing_payments_netted_in_a_window CHECK
        ((rail <> 'hvps' AND state IN ('accepted', 'settled', 'unwound')) = (window_id IS NOT NULL)),
    CONSTRAINT clearing_payments_gross_moves_money CHECK ((rail = 'hvps' AND state = 'settled') = (transfer_id IS NOT NULL)),
    CONSTRAINT clearing_payments_gross_is_final CHECK (rail <> 'hvps' OR state NOT IN ('accepted', 'unwound')),
    CONSTRAINT clearing_payments_say_why CHECK ((state IN ('refused', 'unwound')) = (reason IS NOT NULL))
);
CREATE INDEX clearing_payments_queued ON payments.clearing_payments (sequence) WHERE state = 'queued';
CREATE INDEX clearing_payments_of_window ON payments.clearing_payments (window_id, sequence) WHERE window_id IS NOT NULL;
COMMENT ON COLUMN payments.clearing_payments.sequence IS 'Its place among all: the order of the queues.';
COMMENT ON COLUMN payments.clearing_payments.transfer_id IS 'For a gross payment, the transfer that settled it.';

GRANT SELECT, INSERT ON payments.clearing_participants, payments.clearing_windows, payments.clearing_positions,
    payments.clearing_bilateral, payments.clearing_payments TO huitong_app;
GRANT UPDATE (net_debit_cap, reserved) ON payments.clearing_participants TO huitong_app;
GRANT UPDATE (state, closed_at, settled_at, entry_id) ON payments.clearing_windows TO huitong_app;
GRANT UPDATE (sent, received, unwound_sent, unwound_received, carried, cap) ON payments.clearing_positions TO huitong_app;
GRANT UPDATE (amount, unwound, count) ON payments.clearing_bilateral TO huitong_app;
GRANT UPDATE (state, window_id, transfer_id, changed_at, reason) ON payments.clearing_payments TO huitong_app;
