-- Staff: who they are, how they sign in, their roles, and what two of them decide together.
-- Names, e-mail addresses and TOTP secrets are here only sealed; addresses only as networks.
CREATE TABLE identity.staff (
    id            uuid        NOT NULL PRIMARY KEY,
    name_sealed   bytea       NOT NULL CHECK (length(name_sealed) BETWEEN 1 AND 1024),
    email_sealed  bytea       NOT NULL CHECK (length(email_sealed) BETWEEN 1 AND 1024),
    email_index   bytea       NOT NULL CHECK (length(email_index) = 32),
    branch        text        CHECK (branch ~ '^[A-Z0-9]{1,16}$'),
    customer_id   uuid,
    state         text        NOT NULL CHECK (state IN ('proposed', 'active', 'suspended')),
    password_hash text        CHECK (password_hash LIKE '$argon2id$%' AND length(password_hash) <= 256),
    totp_sealed   bytea       CHECK (length(totp_sealed) BETWEEN 1 AND 512),
    totp_step     bigint      CHECK (totp_step > 0),
    revision      integer     NOT NULL DEFAULT 1 CHECK (revision >= 1),
    created_at    timestamptz NOT NULL,
    -- The second factor is never missing where the first one is there.
    CONSTRAINT staff_have_both_factors CHECK ((password_hash IS NULL) = (totp_sealed IS NULL)
        AND (password_hash IS NULL) = (totp_step IS NULL))
);
CREATE UNIQUE INDEX staff_one_for_each_email ON identity.staff (email_index) WHERE state <> 'proposed';
CREATE UNIQUE INDEX staff_one_for_each_customer ON identity.staff (customer_id) WHERE state <> 'proposed';
COMMENT ON TABLE identity.staff IS 'Members of staff. One who is proposed signs in nowhere until another administrator approves.';
COMMENT ON COLUMN identity.staff.customer_id IS 'Their own customer record, on which they may do nothing.';
COMMENT ON COLUMN identity.staff.totp_step IS 'The last 30 seconds (RFC 6238) of which a code was taken: no code is taken twice.';
COMMENT ON COLUMN identity.staff.revision IS 'Counts changes of password and state, so that a check made before one is not believed after it.';

-- Once a code was taken, no code of that time or before it is: whatever the application asks for.
CREATE FUNCTION identity.refuse_earlier_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a TOTP step of staff % was taken already', OLD.id USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER totp_step_grows BEFORE UPDATE OF totp_step ON identity.staff
    FOR EACH ROW WHEN (NEW.totp_step < OLD.totp_step)
    EXECUTE FUNCTION identity.refuse_earlier_step();

CREATE TABLE identity.approvals (
    id              uuid        NOT NULL PRIMARY KEY,
    act             text        NOT NULL CHECK (act ~ '^[a-z_]+\.[a-z_]+$' AND length(act) <= 64),
    payload         text        NOT NULL CHECK (octet_length(payload) <= 16384),
    digest          bytea       NOT NULL,
    concerns        uuid,
    reason          text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    requested_by    uuid        NOT NULL REFERENCES identity.staff (id),
    requested_at    timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL CHECK (expires_at > requested_at),
    state           text        NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'approved', 'rejected', 'withdrawn')),
    decided_by      uuid        REFERENCES identity.staff (id),
    decided_at      timestamptz,
    decision_reason text        CHECK (length(decision_reason) BETWEEN 1 AND 500),
    outcome         jsonb,
    CONSTRAINT approvals_digest_is_of_payload
        CHECK (digest = sha256(convert_to(act || chr(10) || payload, 'UTF8'))),
    CONSTRAINT approvals_decided_whole CHECK ((state = 'pending') = (decided_at IS NULL)
        AND (state = 'pending') = (decided_by IS NULL)
        AND (state = 'pending') = (decision_reason IS NULL)
        AND (state = 'approved') = (outcome IS NOT NULL)),
    CONSTRAINT approvals_by_two CHECK (state NOT IN ('approved', 'rejected') OR decided_by <> requested_by),
    CONSTRAINT approvals_withdrawn_by_maker CHECK (state <> 'withdrawn' OR decided_by = requested_by),
    CONSTRAINT approvals_in_time CHECK (state <> 'approved' OR decided_at < expires_at)
);
CREATE INDEX approvals_pending ON identity.approvals (id) WHERE state = 'pending';
CREATE FUNCTION identity.refuse_second_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'approval % is decided for good', OLD.id USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER decided_once BEFORE UPDATE ON identity.approvals
    FOR EACH ROW WHEN (OLD.state <> 'pending') EXECUTE FUNCTION identity.refuse_second_decision();
COMMENT ON TABLE identity.approvals IS 'What one member of staff asks for and another one decides; approved is done, in one transaction.';
COMMENT ON COLUMN identity.approvals.payload IS 'What is to be done, as canonical JSON of ids and amounts; nobody can change it, and no person is in it.';
COMMENT ON COLUMN identity.approvals.digest IS 'SHA-256 of act and payload, which the checker repeats: what was shown is what is done.';
COMMENT ON COLUMN identity.approvals.concerns IS 'The member of staff or customer whom it is about, who neither asks nor decides.';

CREATE TABLE identity.staff_roles (
    id         uuid        NOT NULL PRIMARY KEY,
    staff_id   uuid        NOT NULL REFERENCES identity.staff (id),
    role       text        NOT NULL CHECK (role ~ '^[a-z_]{1,32}$'),
    granted_at timestamptz NOT NULL,
    granted_by uuid        REFERENCES identity.approvals (id),
    ended_at   timestamptz,
    ended_by   uuid        REFERENCES identity.approvals (id),
    CHECK (ended_at IS NULL OR ended_at >= granted_at)
);
CREATE UNIQUE INDEX staff_roles_once ON identity.staff_roles (staff_id, role) WHERE ended_at IS NULL;
CREATE TRIGGER set_once BEFORE UPDATE ON identity.staff_roles
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('ended_at', 'ended_by');
COMMENT ON TABLE identity.staff_roles IS 'Who had which role from when until when, and by which approval; none for the first administrators.';

CREATE TABLE identity.staff_enrolments (
    id            uuid        NOT NULL PRIMARY KEY,
    staff_id      uuid        NOT NULL REFERENCES identity.staff (id),
    digest        bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    approval_id   uuid        REFERENCES identity.approvals (id),
    password_hash text        CHECK (password_hash LIKE '$argon2id$%' AND length(password_hash) <= 256),
    totp_sealed   bytea       CHECK (length(totp_sealed) BETWEEN 1 AND 512),
    tries         smallint    NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL CHECK (expires_at > created_at),
    used_at       timestamptz,
    voided_at     timestamptz,
    CONSTRAINT enrolments_end_one_way CHECK (used_at IS NULL OR voided_at IS NULL),
    CONSTRAINT enrolments_used_have_both CHECK (used_at IS NULL OR (password_hash IS NOT NULL AND totp_sealed IS NOT NULL))
);
CREATE UNIQUE INDEX enrolments_one_open ON identity.staff_enrolments (staff_id)
    WHERE used_at IS NULL AND voided_at IS NULL;
CREATE TRIGGER set_once BEFORE UPDATE ON identity.staff_enrolments
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('used_at', 'voided_at');
COMMENT ON TABLE identity.staff_enrolments IS 'A token with which a member of staff sets password and second factor, once and within a day.';
COMMENT ON COLUMN identity.staff_enrolments.approval_id IS 'The approval that it comes from: then its maker''s invitation is needed besides its checker''s token.';

CREATE TABLE identity.staff_recovery_codes (
    id         uuid        NOT NULL PRIMARY KEY,
    staff_id   uuid        NOT NULL REFERENCES identity.staff (id),
    digest     bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    created_at timestamptz NOT NULL,
    used_at    timestamptz,
    voided_at  timestamptz
);
CREATE INDEX recovery_codes_by_staff ON identity.staff_recovery_codes (staff_id)
    WHERE used_at IS NULL AND voided_at IS NULL;
CREATE TRIGGER set_once BEFORE UPDATE ON identity.staff_recovery_codes
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('used_at', 'voided_at');
COMMENT ON TABLE identity.staff_recovery_codes IS 'Codes for a lost telephone, each good once; 80 random bits, of which only the digest is kept.';

CREATE TABLE identity.staff_sessions (
    id              uuid        NOT NULL PRIMARY KEY,
    staff_id        uuid        NOT NULL REFERENCES identity.staff (id),
    digest          bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    second_factor   text        NOT NULL CHECK (second_factor IN ('totp', 'recovery_code')),
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    idle_seconds    integer     NOT NULL CHECK (idle_seconds BETWEEN 1 AND 900),
    last_seen_at    timestamptz NOT NULL,
    revoked_at      timestamptz,
    revoked_because text        CHECK (revoked_because IN
        ('signed_out', 'suspended', 'roles_changed', 'credentials_reset', 'too_many')),
    CHECK (expires_at > created_at AND expires_at <= created_at + interval '8 hours'),
    CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX staff_sessions_open ON identity.staff_sessions (staff_id, id) WHERE revoked_at IS NULL;
CREATE TRIGGER set_once BEFORE UPDATE ON identity.staff_sessions
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('revoked_at', 'revoked_because');
COMMENT ON TABLE identity.staff_sessions IS 'Staff who are signed in, with two factors always; asked for at every request, so that an end is an end.';

CREATE TABLE identity.staff_attempts (
    id            uuid        NOT NULL PRIMARY KEY,
    attempted_at  timestamptz NOT NULL,
    staff_id      uuid        REFERENCES identity.staff (id),
    session_id    uuid        REFERENCES identity.staff_sessions (id),
    second_factor text        NOT NULL CHECK (second_factor IN ('totp', 'recovery_code')),
    outcome       text        NOT NULL CHECK (outcome IN ('signed_in', 'wrong', 'unknown', 'locked', 'suspended', 'replayed')),
    network       cidr        NOT NULL CHECK (masklen(network) <= CASE family(network) WHEN 4 THEN 24 ELSE 48 END),
    request_id    text        CHECK (length(request_id) <= 64),
    CHECK ((outcome = 'signed_in') = (session_id IS NOT NULL))
);
CREATE INDEX staff_attempts_by_staff ON identity.staff_attempts (staff_id, id) WHERE staff_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON identity.staff_attempts
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON identity.staff_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
COMMENT ON TABLE identity.staff_attempts IS 'Every try of staff to sign in, and what came of it. Append-only.';

GRANT SELECT, INSERT ON identity.staff, identity.approvals, identity.staff_roles, identity.staff_enrolments,
    identity.staff_recovery_codes, identity.staff_sessions, identity.staff_attempts TO huitong_app;
GRANT UPDATE (state, password_hash, totp_sealed, totp_step, revision) ON identity.staff TO huitong_app;
-- Act, payload, digest, maker and time limit of a request are what they were when it was made.
GRANT UPDATE (state, decided_by, decided_at, decision_reason, outcome) ON identity.approvals TO huitong_app;
GRANT UPDATE (ended_at, ended_by) ON identity.staff_roles TO huitong_app;
GRANT UPDATE (password_hash, totp_sealed, tries, used_at, voided_at) ON identity.staff_enrolments TO huitong_app;
GRANT UPDATE (used_at, voided_at) ON identity.staff_recovery_codes TO huitong_app;
GRANT UPDATE (last_seen_at, revoked_at, revoked_because) ON identity.staff_sessions TO huitong_app;

-- Of a partner's key nothing changes but its end: what it may do is what was decided.
REVOKE UPDATE ON kernel.api_keys FROM huitong_app;
GRANT UPDATE (revoked_at) ON kernel.api_keys TO huitong_app;
