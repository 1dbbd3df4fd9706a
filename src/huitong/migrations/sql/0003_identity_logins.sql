-- How people log in: logins, one-time codes, passkeys, devices, sessions, step-up, lock-outs.
-- Mobile numbers and addresses are here only as blind indexes, sealed, or truncated.
CREATE SCHEMA identity;

-- What ends a thing is set once: a used code stays used, a revoked session stays revoked. The
-- arguments name the columns.
CREATE FUNCTION identity.refuse_unsetting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY TG_ARGV LOOP
        IF to_jsonb(OLD) ->> name IS NOT NULL
           AND to_jsonb(NEW) ->> name IS DISTINCT FROM to_jsonb(OLD) ->> name THEN
            RAISE EXCEPTION '%.% of % is set for good', TG_TABLE_NAME, name, OLD.id
                USING ERRCODE = 'HT002';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;

CREATE TABLE identity.logins (
    id                  uuid        NOT NULL PRIMARY KEY,
    audience            text        NOT NULL CHECK (audience IN ('customer', 'staff')),
    subject_id          uuid        NOT NULL,
    mobile_index        bytea       NOT NULL CHECK (length(mobile_index) = 32),
    mobile_sealed       bytea       NOT NULL CHECK (length(mobile_sealed) BETWEEN 1 AND 512),
    state               text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'closed')),
    password_hash       text        CHECK (password_hash LIKE '$argon2id$%' AND length(password_hash) <= 256),
    password_changed_at timestamptz,
    pin_hash            text        CHECK (pin_hash LIKE '$argon2id$%' AND length(pin_hash) <= 256),
    pin_changed_at      timestamptz,
    revision            integer     NOT NULL DEFAULT 1 CHECK (revision >= 1),
    opened_at           timestamptz NOT NULL,
    closed_at           timestamptz,
    CONSTRAINT logins_password_has_date CHECK ((password_hash IS NULL) = (password_changed_at IS NULL)),
    CONSTRAINT logins_pin_has_date CHECK ((pin_hash IS NULL) = (pin_changed_at IS NULL)),
    CONSTRAINT logins_closed_has_date CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX logins_one_for_each_number ON identity.logins (audience, mobile_index) WHERE state <> 'closed';
CREATE UNIQUE INDEX logins_one_for_each_subject ON identity.logins (audience, subject_id) WHERE state <> 'closed';
CREATE TRIGGER set_once BEFORE UPDATE ON identity.logins
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('closed_at');
COMMENT ON TABLE identity.logins IS 'A person''s way in, as a customer or as staff; one open login for each person and for each number.';
COMMENT ON COLUMN identity.logins.subject_id IS 'The customer or the member of staff; it is also whose data key seals what is sealed here.';
COMMENT ON COLUMN identity.logins.mobile_index IS 'Keyed digest of the mobile number: finds the login without holding the number.';
COMMENT ON COLUMN identity.logins.mobile_sealed IS 'The mobile number, sealed with the subject''s data key: codes are sent to it.';
COMMENT ON COLUMN identity.logins.revision IS 'Counts changes of password, PIN and state, so that a check made before one is not believed after it.';
COMMENT ON COLUMN identity.logins.pin_hash IS 'Six digits have no strength of their own: a keyed digest of them is what is hashed.';

CREATE TABLE identity.devices (
    id           uuid        NOT NULL PRIMARY KEY,
    login_id     uuid        NOT NULL REFERENCES identity.logins (id),
    digest       bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    name_sealed  bytea       CHECK (length(name_sealed) BETWEEN 1 AND 1024),
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    revoked_at   timestamptz,
    UNIQUE (id, login_id),
    CHECK (last_seen_at >= created_at)
);
CREATE INDEX devices_by_login ON identity.devices (login_id, id);
CREATE TRIGGER set_once BEFORE UPDATE ON identity.devices
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('revoked_at');
COMMENT ON TABLE identity.devices IS 'Phones and browsers that were bound to a login; the digest is of a secret that the device keeps.';

CREATE TABLE identity.sessions (
    id              uuid        NOT NULL PRIMARY KEY,
    login_id        uuid        NOT NULL REFERENCES identity.logins (id),
    device_id       uuid        NOT NULL,
    digest          bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    method          text        NOT NULL CHECK (method IN ('one_time_code', 'password', 'passkey')),
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    idle_seconds    integer     NOT NULL CHECK (idle_seconds > 0),
    last_seen_at    timestamptz NOT NULL,
    revoked_at      timestamptz,
    revoked_because text        CHECK (revoked_because IN
        ('logged_out', 'revoked', 'device_revoked', 'password_changed', 'login_suspended', 'login_closed', 'too_many')),
    FOREIGN KEY (device_id, login_id) REFERENCES identity.devices (id, login_id),
    CHECK (expires_at > created_at),
    CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX sessions_by_login ON identity.sessions (login_id, id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_by_device ON identity.sessions (device_id) WHERE revoked_at IS NULL;
CREATE TRIGGER set_once BEFORE UPDATE ON identity.sessions
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('revoked_at', 'revoked_because');
COMMENT ON TABLE identity.sessions IS 'Somebody who is logged in; the token is with the client, only its SHA-256 digest is here.';

CREATE TABLE identity.session_factors (
    session_id uuid        NOT NULL REFERENCES identity.sessions (id),
    factor     text        NOT NULL CHECK (factor IN ('one_time_code', 'password', 'passkey', 'pin')),
    proved_at  timestamptz NOT NULL,
    PRIMARY KEY (session_id, factor)
);
COMMENT ON TABLE identity.session_factors IS 'What a session''s person has proved, and when last.';

CREATE TABLE identity.revocations (
    id             bigint      NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    session_id     uuid        NOT NULL,
    transaction_id xid8        NOT NULL DEFAULT pg_current_xact_id(),
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX revocations_by_transaction ON identity.revocations (transaction_id);
COMMENT ON TABLE identity.revocations IS 'Sessions that ended, for the processes that remember sessions: they ask about what is new every second.';
COMMENT ON COLUMN identity.revocations.transaction_id IS 'Readers go on from the oldest transaction that was still running, so none is missed that commits late.';

-- By a trigger, so that no way to end a session can forget to say so.
CREATE FUNCTION identity.announce_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO identity.revocations (session_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER announce_revocation AFTER UPDATE OF revoked_at ON identity.sessions
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION identity.announce_revocation();

CREATE TABLE identity.one_time_codes (
    id            uuid        NOT NULL PRIMARY KEY,
    audience      text        NOT NULL CHECK (audience IN ('customer', 'staff')),
    purpose       text        NOT NULL CHECK (purpose IN ('log_in', 'step_up')),
    mobile_index  bytea       NOT NULL CHECK (length(mobile_index) = 32),
    is_known_device boolean   NOT NULL,
    address_index bytea       NOT NULL CHECK (length(address_index) = 32),
    digest        bytea       NOT NULL CHECK (length(digest) = 32),
    session_id    uuid        REFERENCES identity.sessions (id),
    tries         smallint    NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz,
    voided_at     timestamptz,
    CONSTRAINT codes_live_minutes CHECK (expires_at > created_at AND expires_at <= created_at + interval '10 minutes'),
    CONSTRAINT codes_end_one_way CHECK (used_at IS NULL OR voided_at IS NULL),
    CONSTRAINT codes_of_step_up_have_session CHECK ((purpose = 'step_up') = (session_id IS NOT NULL))
);
CREATE INDEX codes_by_number ON identity.one_time_codes (mobile_index, created_at);
CREATE INDEX codes_by_address ON identity.one_time_codes (address_index, created_at);
CREATE INDEX codes_by_expiry ON identity.one_time_codes (expires_at);
CREATE TRIGGER set_once BEFORE UPDATE ON identity.one_time_codes
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('used_at', 'voided_at');
COMMENT ON TABLE identity.one_time_codes IS 'Codes sent by text message: six digits, five minutes, one use. Asked for by number, whether or not it has a login.';
COMMENT ON COLUMN identity.one_time_codes.digest IS 'Keyed digest of the code and the row''s id: a million codes are soon tried against any other.';
COMMENT ON COLUMN identity.one_time_codes.is_known_device IS 'Whether a device of the login asked: counted apart, so that strangers cannot use up the owner''s codes.';
COMMENT ON COLUMN identity.one_time_codes.voided_at IS 'When a newer code took its place, or the gateway did not take it.';

CREATE TABLE identity.passkeys (
    id            uuid        NOT NULL PRIMARY KEY,
    login_id      uuid        NOT NULL REFERENCES identity.logins (id),
    credential_id bytea       NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 1 AND 1023),
    public_key    bytea       NOT NULL CHECK (length(public_key) BETWEEN 1 AND 2048),
    sign_count    bigint      NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295),
    aaguid        uuid        NOT NULL,
    is_backed_up  boolean     NOT NULL,
    name_sealed   bytea       CHECK (length(name_sealed) BETWEEN 1 AND 1024),
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    suspected_at  timestamptz,
    revoked_at    timestamptz
);
CREATE INDEX passkeys_by_login ON identity.passkeys (login_id, id);
CREATE TRIGGER set_once BEFORE UPDATE ON identity.passkeys
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('suspected_at', 'revoked_at');
CREATE FUNCTION identity.refuse_lower_sign_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the sign counter of passkey % cannot go back', OLD.id USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER sign_count_grows BEFORE UPDATE OF sign_count ON identity.passkeys
    FOR EACH ROW WHEN (NEW.sign_count < OLD.sign_count)
    EXECUTE FUNCTION identity.refuse_lower_sign_count();
COMMENT ON TABLE identity.passkeys IS 'Public keys of authenticators (W3C WebAuthn Level 3); the private keys never leave the devices.';
COMMENT ON COLUMN identity.passkeys.suspected_at IS 'When its signature counter went back: somebody may have a copy, so it opens nothing any more.';

CREATE TABLE identity.challenges (
    id         uuid        NOT NULL PRIMARY KEY,
    purpose    text        NOT NULL CHECK (purpose IN ('register', 'log_in', 'step_up')),
    audience   text        NOT NULL CHECK (audience IN ('customer', 'staff')),
    challenge  bytea       NOT NULL UNIQUE CHECK (length(challenge) BETWEEN 32 AND 64),
    session_id uuid        REFERENCES identity.sessions (id),
    address_index bytea    CHECK (length(address_index) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    CHECK (expires_at > created_at),
    CONSTRAINT challenges_are_of_a_session_or_an_address CHECK ((purpose = 'log_in') = (session_id IS NULL)
        AND (purpose = 'log_in') = (address_index IS NOT NULL))
);
CREATE INDEX challenges_by_address ON identity.challenges (address_index, created_at) WHERE address_index IS NOT NULL;
CREATE INDEX challenges_by_expiry ON identity.challenges (expires_at);
CREATE TRIGGER set_once BEFORE UPDATE ON identity.challenges
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('used_at');
COMMENT ON TABLE identity.challenges IS 'Random bytes that an authenticator signs, each once and within minutes.';

CREATE TABLE identity.step_ups (
    id           uuid        NOT NULL PRIMARY KEY,
    session_id   uuid        NOT NULL REFERENCES identity.sessions (id),
    act          text        NOT NULL CHECK (act ~ '^[a-z_]+\.[a-z_]+$' AND length(act) <= 64),
    act_digest   bytea       NOT NULL CHECK (length(act_digest) = 32),
    factor       text        NOT NULL CHECK (factor IN ('pin', 'one_time_code', 'passkey')),
    code_id      uuid        REFERENCES identity.one_time_codes (id),
    challenge_id uuid        REFERENCES identity.challenges (id),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    proved_at    timestamptz,
    used_at      timestamptz,
    CHECK (expires_at > created_at),
    CONSTRAINT step_ups_used_were_proved CHECK (used_at IS NULL OR proved_at IS NOT NULL),
    CONSTRAINT step_ups_have_what_is_proved CHECK ((factor = 'one_time_code') = (code_id IS NOT NULL)
        AND (factor = 'passkey') = (challenge_id IS NOT NULL))
);
CREATE INDEX step_ups_by_expiry ON identity.step_ups (expires_at);
CREATE TRIGGER set_once BEFORE UPDATE ON identity.step_ups
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('proved_at', 'used_at');
COMMENT ON TABLE identity.step_ups IS 'A factor proved once more, for one act: kind, amount and payee. It serves that act, once.';

CREATE TABLE identity.attempts (
    id            uuid        NOT NULL PRIMARY KEY,
    attempted_at  timestamptz NOT NULL,
    audience      text        CHECK (audience IN ('customer', 'staff')),
    method        text        NOT NULL CHECK (method IN ('one_time_code', 'password', 'passkey')),
    outcome       text        NOT NULL CHECK (outcome IN
        ('logged_in', 'wrong', 'unknown', 'locked', 'expired', 'not_open', 'suspended', 'cloned_passkey')),
    mobile_index  bytea       CHECK (length(mobile_index) = 32),
    login_id      uuid        REFERENCES identity.logins (id),
    session_id    uuid        REFERENCES identity.sessions (id),
    device_id     uuid        REFERENCES identity.devices (id),
    is_new_device boolean,
    network       cidr        NOT NULL CHECK (masklen(network) <= CASE family(network) WHEN 4 THEN 24 ELSE 48 END),
    place         text        CHECK (place ~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$'),
    request_id    text        CHECK (length(request_id) <= 64),
    CHECK ((outcome = 'logged_in') = (session_id IS NOT NULL)),
    CHECK (outcome <> 'logged_in' OR (audience IS NOT NULL AND login_id IS NOT NULL AND device_id IS NOT NULL AND is_new_device IS NOT NULL))
);
CREATE INDEX attempts_by_login ON identity.attempts (login_id, id) WHERE login_id IS NOT NULL;
CREATE INDEX attempts_by_time ON identity.attempts USING brin (attempted_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON identity.attempts
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON identity.attempts
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
COMMENT ON TABLE identity.attempts IS 'Every try to log in, and what came of it. Append-only.';
COMMENT ON COLUMN identity.attempts.audience IS 'Whose door it was; NULL for a code or challenge that nobody made.';
COMMENT ON COLUMN identity.attempts.network IS 'The address without its last part (IPv4 /24, IPv6 /48): a neighbourhood, not a person.';
COMMENT ON COLUMN identity.attempts.place IS 'Country or province (ISO 3166-1 or 3166-2), where the edge knows it.';

CREATE TABLE identity.lockouts (
    kind           text        NOT NULL CHECK (kind IN ('address', 'number', 'pin')),
    key            bytea       NOT NULL CHECK (length(key) = 32),
    failures       integer     NOT NULL DEFAULT 0 CHECK (failures >= 0),
    last_failed_at timestamptz,
    locked_until   timestamptz,
    PRIMARY KEY (kind, key),
    CHECK ((failures = 0) = (last_failed_at IS NULL)),
    CHECK (locked_until IS NULL OR failures > 0)
) WITH (fillfactor = 70);
CREATE INDEX lockouts_by_time ON identity.lockouts (last_failed_at);
COMMENT ON TABLE identity.lockouts IS 'Failures in a row of an address, a number (with a login or not) or a known device of it, or a PIN, and until when no more is tried.';

GRANT USAGE ON SCHEMA identity TO huitong_app;
GRANT SELECT, INSERT ON identity.logins, identity.devices, identity.sessions, identity.session_factors,
    identity.revocations, identity.one_time_codes, identity.passkeys, identity.challenges, identity.step_ups,
    identity.attempts, identity.lockouts TO huitong_app;
GRANT UPDATE (state, password_hash, password_changed_at, pin_hash, pin_changed_at, revision, closed_at)
    ON identity.logins TO huitong_app;
GRANT UPDATE (name_sealed, last_seen_at, revoked_at) ON identity.devices TO huitong_app;
GRANT UPDATE (last_seen_at, revoked_at, revoked_because) ON identity.sessions TO huitong_app;
GRANT UPDATE (proved_at) ON identity.session_factors TO huitong_app;
GRANT UPDATE (tries, used_at, voided_at) ON identity.one_time_codes TO huitong_app;
GRANT UPDATE (sign_count, is_backed_up, name_sealed, last_used_at, suspected_at, revoked_at) ON identity.passkeys TO huitong_app;
GRANT UPDATE (used_at) ON identity.challenges TO huitong_app;
GRANT UPDATE (proved_at, used_at) ON identity.step_ups TO huitong_app;
GRANT UPDATE (failures, last_failed_at, locked_until) ON identity.lockouts TO huitong_app;
-- What is over is pruned; logins, devices, sessions, passkeys and attempts are not.
GRANT DELETE ON identity.one_time_codes, identity.challenges, identity.step_ups, identity.lockouts,
    identity.revocations TO huitong_app;
