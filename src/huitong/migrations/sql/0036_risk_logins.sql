-- Room identity: what log-ins are decided from, and what follows: docs/decisions/0036.
ALTER TABLE identity.sessions
    ADD COLUMN proof_until   timestamptz,
    ADD COLUMN confirmed_at  timestamptz,
    ADD COLUMN reduced_until timestamptz,
    ADD CONSTRAINT sessions_confirmed_in_time CHECK (confirmed_at IS NULL
        OR (proof_until IS NOT NULL AND confirmed_at < proof_until)),
    ADD CONSTRAINT sessions_wait_or_are_reduced CHECK (num_nonnulls(proof_until, reduced_until) < 2);
COMMENT ON COLUMN identity.sessions.proof_until IS 'Until when a second factor has to be proved before the session opens anything; NULL if none is asked for.';
COMMENT ON COLUMN identity.sessions.confirmed_at IS 'When it was proved.';
COMMENT ON COLUMN identity.sessions.reduced_until IS 'Until when the session pays nothing and changes no credential.';
CREATE TRIGGER confirmed_once BEFORE UPDATE ON identity.sessions
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('confirmed_at');
GRANT UPDATE (confirmed_at) ON identity.sessions TO huitong_app;

ALTER TABLE identity.devices ADD COLUMN trusted_from timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON COLUMN identity.devices.trusted_from IS 'From when on the device is known: infinity while its log-in waits for a second factor.';
GRANT UPDATE (trusted_from) ON identity.devices TO huitong_app;

-- In the order of `method`, `outcome` and so on; what there is fits the wider conditions.
ALTER TABLE identity.attempts
    DROP CONSTRAINT attempts_outcome_check,
    DROP CONSTRAINT attempts_check,
    DROP CONSTRAINT attempts_check1;
ALTER TABLE identity.attempts
    ADD COLUMN agent_index bytea,
    ADD CONSTRAINT attempts_outcome CHECK (outcome IN ('logged_in', 'awaits_proof', 'reduced', 'blocked', 'wrong',
        'unknown', 'locked', 'expired', 'not_open', 'suspended', 'cloned_passkey')) NOT VALID,
    ADD CONSTRAINT attempts_with_session CHECK ((outcome IN ('logged_in', 'awaits_proof', 'reduced')) = (session_id IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT attempts_with_session_whole CHECK (session_id IS NULL
        OR (audience IS NOT NULL AND login_id IS NOT NULL AND device_id IS NOT NULL AND is_new_device IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT attempts_agent CHECK (length(agent_index) = 16);
COMMENT ON COLUMN identity.attempts.agent_index IS 'The first half of the blind index of the program that was used (User-Agent).';
-- Failures are as many as strangers like: what a login's history is made of must not lie among them.
CREATE INDEX attempts_that_logged_in ON identity.attempts (login_id, id) WHERE outcome IN ('logged_in', 'reduced');

CREATE TABLE identity.failure_counts (
    kind        text             NOT NULL CHECK (kind IN ('address', 'number')),
    key         bytea            NOT NULL CHECK (length(key) = 32),
    failures_1h double precision NOT NULL CHECK (failures_1h > 0 AND failures_1h < 'Infinity'),
    counted_at  timestamptz      NOT NULL,
    PRIMARY KEY (kind, key)
) WITH (fillfactor = 70);
CREATE INDEX failure_counts_by_time ON identity.failure_counts (counted_at);
COMMENT ON TABLE identity.failure_counts IS 'Failed tries to log in of an address or a number, decayed with a half-life of an hour; success does not reset them.';
COMMENT ON COLUMN identity.failure_counts.counted_at IS 'The last failure: failures_1h is as of then.';

CREATE TABLE identity.address_tries (
    address_index bytea NOT NULL CHECK (length(address_index) = 32),
    on_day        date  NOT NULL,
    number_key    bytea NOT NULL CHECK (length(number_key) = 32),
    PRIMARY KEY (address_index, on_day, number_key)
);
CREATE INDEX address_tries_by_day ON identity.address_tries (on_day);
COMMENT ON TABLE identity.address_tries IS 'Which numbers were tried from an address on a business day, with a login or not. Kept for two days.';
GRANT SELECT, INSERT, DELETE ON identity.failure_counts, identity.address_tries TO huitong_app;
GRANT UPDATE (failures_1h, counted_at) ON identity.failure_counts TO huitong_app;

-- Room customers: what applications are recognised by. No values: blind indexes and digests under a key.
CREATE TABLE customers.application_marks (
    application_id uuid        NOT NULL PRIMARY KEY REFERENCES customers.applications (id),
    submitted_at   timestamptz NOT NULL,
    address_index  bytea       CHECK (length(address_index) = 32),
    id_index       bytea       CHECK (length(id_index) = 32),
    mobile_index   bytea       NOT NULL CHECK (length(mobile_index) = 32)
);
CREATE INDEX application_marks_by_address ON customers.application_marks (address_index, submitted_at) WHERE address_index IS NOT NULL;
CREATE INDEX application_marks_by_number ON customers.application_marks (id_index) WHERE id_index IS NOT NULL;
CREATE INDEX application_marks_by_mobile ON customers.application_marks (mobile_index, submitted_at);
COMMENT ON TABLE customers.application_marks IS 'What an application that was handed in is recognised by when the next one comes: blind indexes only.';
COMMENT ON COLUMN customers.application_marks.id_index IS 'NULL for a number that breaks its standard.';
CREATE TABLE customers.picture_marks (
    application_id uuid  NOT NULL REFERENCES customers.applications (id),
    kind           text  NOT NULL CHECK (kind IN ('id_front', 'id_back', 'passport', 'selfie')),
    picture_index  bytea NOT NULL CHECK (length(picture_index) = 32),
    PRIMARY KEY (application_id, kind)
);
CREATE INDEX picture_marks_by_picture ON customers.picture_marks (picture_index);
COMMENT ON TABLE customers.picture_marks IS 'The keyed digests of an application''s pictures, to see the same picture again.';
GRANT SELECT, INSERT, DELETE ON customers.application_marks, customers.picture_marks TO huitong_app;
GRANT UPDATE (picture_index) ON customers.picture_marks TO huitong_app;
ALTER TABLE customers.applications ADD COLUMN is_held_for_review boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN customers.applications.is_held_for_review IS 'Whether risk wants people to look at it, whatever its checks say.';
GRANT UPDATE (is_held_for_review) ON customers.applications TO huitong_app;
