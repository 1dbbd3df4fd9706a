-- A passkey is a login's or a member of staff's, and a challenge is of a session of either.
ALTER TABLE identity.passkeys ALTER COLUMN login_id DROP NOT NULL;
ALTER TABLE identity.passkeys ADD COLUMN staff_id uuid REFERENCES identity.staff (id);
ALTER TABLE identity.passkeys ADD CONSTRAINT passkeys_have_one_owner
    CHECK (num_nonnulls(login_id, staff_id) = 1);
CREATE INDEX passkeys_by_staff ON identity.passkeys (staff_id, id) WHERE staff_id IS NOT NULL;
COMMENT ON COLUMN identity.passkeys.staff_id IS 'The member of staff whose passkey it is; it then takes the place of a TOTP code.';

ALTER TABLE identity.challenges ADD COLUMN staff_session_id uuid REFERENCES identity.staff_sessions (id);
ALTER TABLE identity.challenges DROP CONSTRAINT challenges_purpose_check;
ALTER TABLE identity.challenges ADD CONSTRAINT challenges_purpose_check
    CHECK (purpose IN ('register', 'log_in', 'step_up', 'sign_in'));
ALTER TABLE identity.challenges DROP CONSTRAINT challenges_are_of_a_session_or_an_address;
ALTER TABLE identity.challenges ADD CONSTRAINT challenges_are_of_a_session_or_an_address
    CHECK (num_nonnulls(session_id, staff_session_id, address_index) = 1
           AND (purpose IN ('log_in', 'sign_in')) = (address_index IS NOT NULL));
ALTER TABLE identity.challenges ADD CONSTRAINT challenges_of_staff_are_the_staffs
    CHECK (audience = 'staff' OR (staff_session_id IS NULL AND purpose <> 'sign_in'));
COMMENT ON COLUMN identity.challenges.purpose IS 'log_in is the door of logins, sign_in that of members of staff: a signature for one does not open the other.';

ALTER TABLE identity.staff_sessions DROP CONSTRAINT staff_sessions_second_factor_check;
ALTER TABLE identity.staff_sessions ADD CONSTRAINT staff_sessions_second_factor_check
    CHECK (second_factor IN ('totp', 'recovery_code', 'passkey'));
ALTER TABLE identity.staff_attempts DROP CONSTRAINT staff_attempts_second_factor_check;
ALTER TABLE identity.staff_attempts ADD CONSTRAINT staff_attempts_second_factor_check
    CHECK (second_factor IN ('totp', 'recovery_code', 'passkey'));
ALTER TABLE identity.staff_attempts DROP CONSTRAINT staff_attempts_outcome_check;
ALTER TABLE identity.staff_attempts ADD CONSTRAINT staff_attempts_outcome_check
    CHECK (outcome IN ('signed_in', 'wrong', 'unknown', 'locked', 'suspended', 'replayed',
                       'expired', 'cloned_passkey'));
