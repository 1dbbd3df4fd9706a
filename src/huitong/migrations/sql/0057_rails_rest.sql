-- A refund that the merchant's balance does not cover: by the fee plan out of its reserve, and then as a debt.
ALTER TABLE payments.fee_plan_versions
    ADD COLUMN refunds_draw_reserve boolean NOT NULL DEFAULT false,
    ADD COLUMN refund_debt_max      bigint  NOT NULL DEFAULT 0 CHECK (refund_debt_max >= 0);
COMMENT ON COLUMN payments.fee_plan_versions.refunds_draw_reserve IS 'Whether a refund takes from the reserve what the merchant''s balance lacks.';
COMMENT ON COLUMN payments.fee_plan_versions.refund_debt_max IS 'Up to which sum owed to us a refund is paid in advance; 0: none is.';

CREATE TABLE payments.refund_covers (
    refund_id    uuid   NOT NULL PRIMARY KEY REFERENCES payments.refunds (id),
    account_id   bigint NOT NULL REFERENCES payments.settled_accounts (account_id),
    from_reserve bigint NOT NULL CHECK (from_reserve >= 0),
    from_owed    bigint NOT NULL CHECK (from_owed >= 0),
    CONSTRAINT refund_covers_cover CHECK (from_reserve > 0 OR from_owed > 0)
);
CREATE INDEX refund_covers_of_account ON payments.refund_covers (account_id);
COMMENT ON TABLE payments.refund_covers IS 'What a refund took from the merchant''s reserve, and what the merchant owes us for it.';
GRANT SELECT, INSERT ON payments.refund_covers TO huitong_app;

-- Profit shares that risk holds: reserved on the merchant's account until they are passed on or given back.
CREATE TABLE payments.held_shares (
    entry_id            uuid        NOT NULL PRIMARY KEY,
    order_id            uuid        NOT NULL REFERENCES payments.orders (id),
    merchant_account_id bigint      NOT NULL REFERENCES ledger.accounts (id),
    currency            char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount              bigint      NOT NULL CHECK (amount > 0),
    receivers           jsonb       NOT NULL CHECK (jsonb_typeof(receivers) = 'array' AND jsonb_array_length(receivers) BETWEEN 1 AND 50),
    description         text        CHECK (length(description) <= 256),
    action              text        NOT NULL CHECK (action IN ('review', 'delay')),
    state               text        NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'paid', 'given_back')),
    reasons             jsonb       NOT NULL CHECK (jsonb_typeof(reasons) = 'array' AND jsonb_array_length(reasons) > 0),
    held_at             timestamptz NOT NULL,
    due_at              timestamptz NOT NULL CHECK (due_at > held_at),
    outcome             text        CHECK (length(outcome) BETWEEN 1 AND 64),
    ended_at            timestamptz CHECK (ended_at >= held_at),
    ended_by            text        CHECK (length(ended_by) BETWEEN 1 AND 128),
    note                text        CHECK (length(note) BETWEEN 1 AND 256),
    CONSTRAINT held_shares_ended_says_how CHECK ((state = 'held') = (outcome IS NULL)
        AND (outcome IS NULL) = (ended_at IS NULL) AND (outcome IS NULL) = (ended_by IS NULL)),
    CONSTRAINT held_shares_outcome_fits_state CHECK (outcome IS NULL
        OR (state = 'paid') = (outcome IN ('released', 'settled'))),
    CONSTRAINT held_shares_people_say_why CHECK (outcome NOT IN ('released', 'rejected') OR note IS NOT NULL)
);
CREATE INDEX held_shares_due ON payments.held_shares (due_at) WHERE state = 'held';
CREATE INDEX held_shares_waiting ON payments.held_shares (entry_id) WHERE state = 'held';
CREATE INDEX held_shares_of_order ON payments.held_shares (order_id);
COMMENT ON TABLE payments.held_shares IS 'Profit shares that risk held back: passed on once or given back once.';
COMMENT ON COLUMN payments.held_shares.receivers IS 'Who gets how much, as [{"account", "amount"}] in minor units; holds are in the same order.';
COMMENT ON COLUMN payments.held_shares.due_at IS 'When a delayed one is passed on by itself, and when one under review is given back.';
CREATE FUNCTION payments.refuse_held_share_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'held share %: % does not become %', OLD.entry_id, OLD.state, NEW.state USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER held_shares_end_once BEFORE UPDATE ON payments.held_shares
    FOR EACH ROW WHEN (OLD.state <> 'held') EXECUTE FUNCTION payments.refuse_held_share_change();
GRANT SELECT, INSERT ON payments.held_shares TO huitong_app;
GRANT UPDATE (state, outcome, ended_at, ended_by, note) ON payments.held_shares TO huitong_app;

-- The language in which a person is told things.
CREATE TABLE identity.languages (
    subject_id uuid        NOT NULL PRIMARY KEY,
    language   text        NOT NULL CHECK (language IN ('zh', 'en')),
    chosen_at  timestamptz NOT NULL
);
COMMENT ON TABLE identity.languages IS 'Which language a customer reads, or somebody who signs up; who has none is written to in Chinese.';
GRANT SELECT, INSERT, DELETE ON identity.languages TO huitong_app;
GRANT UPDATE (language, chosen_at) ON identity.languages TO huitong_app;

COMMENT ON TABLE identity.staff_recovery_codes IS 'Codes for a lost telephone, each good once; 120 random bits (older ones 80), of which only the digest is kept.';

-- What incidents say of addresses goes when its time is over.
GRANT UPDATE (entity) ON operations.incidents TO huitong_app;
GRANT UPDATE (entity) ON operations.countermeasures TO huitong_app;
CREATE INDEX incidents_with_addresses ON operations.incidents (resolved_at)
    WHERE entity_kind = 'address' AND state = 'resolved' AND entity <> 'adr_removed';
CREATE FUNCTION operations.refuse_other_entity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an incident is about % for ever', OLD.entity USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER incidents_forget_addresses_only BEFORE UPDATE OF entity ON operations.incidents
    FOR EACH ROW WHEN (NEW.entity <> OLD.entity
        AND (OLD.entity_kind <> 'address' OR OLD.state <> 'resolved' OR NEW.entity <> 'adr_removed'))
    EXECUTE FUNCTION operations.refuse_other_entity();
CREATE TRIGGER countermeasures_forget_addresses_only BEFORE UPDATE OF entity ON operations.countermeasures
    FOR EACH ROW WHEN (NEW.entity <> OLD.entity
        AND (OLD.entity_kind <> 'address' OR NEW.entity <> 'adr_removed'))
    EXECUTE FUNCTION operations.refuse_other_entity();

-- Staff sign-in is decided by risk; who operates the platform may let somebody past a decision, once.
ALTER TABLE identity.staff_attempts DROP CONSTRAINT staff_attempts_outcome_check;
ALTER TABLE identity.staff_attempts ADD CONSTRAINT staff_attempts_outcome_check
    CHECK (outcome IN ('signed_in', 'wrong', 'unknown', 'locked', 'suspended', 'replayed',
                       'expired', 'cloned_passkey', 'blocked', 'passkey_wanted'));
CREATE TABLE identity.staff_passes (
    id       uuid        NOT NULL PRIMARY KEY,
    staff_id uuid        NOT NULL REFERENCES identity.staff (id),
    made_at  timestamptz NOT NULL,
    ends_at  timestamptz NOT NULL CHECK (ends_at > made_at),
    used_at  timestamptz CHECK (used_at >= made_at)
);
CREATE INDEX staff_passes_unused ON identity.staff_passes (staff_id, ends_at) WHERE used_at IS NULL;
CREATE TRIGGER set_once BEFORE UPDATE ON identity.staff_passes
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('used_at');
COMMENT ON TABLE identity.staff_passes IS 'Made at the command line: lets a member of staff sign in once although risk would not; both factors are needed all the same.';
GRANT SELECT, INSERT ON identity.staff_passes TO huitong_app;
GRANT UPDATE (used_at) ON identity.staff_passes TO huitong_app;
