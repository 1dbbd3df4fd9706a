-- Risk: every decision with what it was made from, so that it can be made again.
CREATE TABLE risk.feature_names (
    id    uuid   NOT NULL PRIMARY KEY,
    names text[] NOT NULL CHECK (cardinality(names) BETWEEN 1 AND 500),
    types text[] NOT NULL CHECK (types <@ ARRAY['integer', 'number', 'flag', 'text']),
    CONSTRAINT feature_names_have_types CHECK (cardinality(names) = cardinality(types))
);
COMMENT ON TABLE risk.feature_names IS 'In which order the decisions that name this id keep their values; its id is a digest of it.';

-- No foreign keys: all decisions of a day point to the same few rows, which must not be locked for that.
CREATE TABLE risk.decisions (
    id                uuid        NOT NULL PRIMARY KEY,
    purpose           text        NOT NULL CHECK (purpose IN ('payment', 'log_in', 'onboarding', 'loan')),
    action            smallint    NOT NULL CHECK (action BETWEEN 0 AND 4),
    decided_at        timestamptz NOT NULL,
    listed            text[]      NOT NULL,
    version_id        uuid,
    hits              text[]      NOT NULL,
    failed            text[]      NOT NULL,
    shadow_version_id uuid,
    shadow_action     smallint    CHECK (shadow_action BETWEEN 0 AND 4),
    shadow_hits       text[]      NOT NULL,
    fallback          text        CHECK (fallback IN ('no_rules', 'slow')),
    names_id          uuid,
    feature_values    bytea       CHECK (length(feature_values) <= 65536),
    took_us           integer     NOT NULL CHECK (took_us >= 0),
    CONSTRAINT decisions_hits_are_of_a_version CHECK (version_id IS NOT NULL OR cardinality(hits) + cardinality(failed) = 0),
    CONSTRAINT decisions_shadow_is_of_a_version CHECK ((shadow_version_id IS NULL) = (shadow_action IS NULL)),
    CONSTRAINT decisions_values_have_names CHECK ((names_id IS NULL) = (feature_values IS NULL)),
    CONSTRAINT decisions_without_values_fell_back CHECK (feature_values IS NOT NULL OR fallback IS NOT NULL)
);
CREATE INDEX decisions_by_time ON risk.decisions USING brin (decided_at);
CREATE INDEX decisions_not_allowed ON risk.decisions (purpose, id) WHERE action > 0;
COMMENT ON TABLE risk.decisions IS 'What was decided and what it was made from. Append-only.';
COMMENT ON COLUMN risk.decisions.id IS 'The id of what was decided about: a payment order.';
COMMENT ON COLUMN risk.decisions.action IS '0 allow, 1 step up, 2 review, 3 delay, 4 block.';
COMMENT ON COLUMN risk.decisions.listed IS 'Lists and the kinds of parties that are on them, such as block:account.';
COMMENT ON COLUMN risk.decisions.hits IS 'Keys of the rules of version_id that were true.';
COMMENT ON COLUMN risk.decisions.failed IS 'Keys of rules that could not be computed, each of which asks for a review.';
COMMENT ON COLUMN risk.decisions.feature_values IS 'The values of the features in the order of names_id, as MessagePack; null is nil.';
COMMENT ON COLUMN risk.decisions.took_us IS 'This decision''s part of the time of its batch, in microseconds.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON risk.decisions
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON risk.decisions
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
GRANT SELECT, INSERT ON risk.feature_names, risk.decisions TO huitong_app;

-- Payments with a mark (to a new payee, a test, money that came in just now, round at night to a
-- merchant), counted beside the others: zero in the rows of those to whom it does not apply.
ALTER TABLE risk.features
    ADD COLUMN new_payees_1d     double precision NOT NULL DEFAULT 0 CHECK (new_payees_1d >= 0 AND new_payees_1d < 'Infinity'),
    ADD COLUMN tests_1h          double precision NOT NULL DEFAULT 0 CHECK (tests_1h >= 0 AND tests_1h < 'Infinity'),
    ADD COLUMN fast_outflows_30d double precision NOT NULL DEFAULT 0 CHECK (fast_outflows_30d >= 0 AND fast_outflows_30d < 'Infinity'),
    ADD COLUMN round_nights_30d  double precision NOT NULL DEFAULT 0 CHECK (round_nights_30d >= 0 AND round_nights_30d < 'Infinity');
