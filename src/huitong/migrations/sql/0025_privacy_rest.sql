-- 网络安全法 Art. 21: logs are kept for six months at least, whoever asks. They are changed never.
DROP TRIGGER append_only ON identity.attempts;
CREATE TRIGGER unchangeable BEFORE UPDATE ON identity.attempts
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER kept_for_six_months BEFORE DELETE ON identity.attempts
    FOR EACH ROW WHEN (OLD.attempted_at > now() - interval '6 months') EXECUTE FUNCTION kernel.refuse_change();
DROP TRIGGER append_only ON identity.staff_attempts;
CREATE TRIGGER unchangeable BEFORE UPDATE ON identity.staff_attempts
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER kept_for_six_months BEFORE DELETE ON identity.staff_attempts
    FOR EACH ROW WHEN (OLD.attempted_at > now() - interval '6 months') EXECUTE FUNCTION kernel.refuse_change();
CREATE INDEX staff_attempts_by_time ON identity.staff_attempts USING brin (attempted_at);
CREATE INDEX attempts_by_session ON identity.attempts (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX sessions_by_expiry ON identity.sessions (expires_at);
CREATE INDEX step_ups_by_session ON identity.step_ups (session_id);
CREATE INDEX codes_by_session ON identity.one_time_codes (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX challenges_by_session ON identity.challenges (session_id) WHERE session_id IS NOT NULL;
GRANT DELETE ON identity.attempts, identity.staff_attempts, identity.sessions, identity.session_factors TO huitong_app;
COMMENT ON TABLE identity.attempts IS 'Every try to log in, and what came of it. Unchangeable, and kept for six months.';
COMMENT ON TABLE identity.staff_attempts IS 'Every try of staff to sign in, and what came of it. Unchangeable, and kept for six months.';

-- Whose data key is gone is not to be found by number either: the blind indexes are overwritten.
GRANT UPDATE (mobile_index) ON identity.logins, customers.customers TO huitong_app;
GRANT UPDATE (id_index, name_birth_index) ON customers.identities TO huitong_app;
GRANT UPDATE (description) ON payments.orders TO huitong_app;

ALTER TABLE customers.applications ADD COLUMN erased_at timestamptz,
    ADD CONSTRAINT applications_erased_led_to_nothing CHECK (erased_at IS NULL OR state IN ('draft', 'refused'));
CREATE INDEX applications_to_erase ON customers.applications (updated_at)
    WHERE state IN ('draft', 'refused') AND erased_at IS NULL;
COMMENT ON COLUMN customers.applications.erased_at IS 'When pictures and data key of an application that led to nothing were destroyed.';
GRANT UPDATE (erased_at) ON customers.applications TO huitong_app;

-- Only of those who have left: an index of somebody who is here never changes.
CREATE TRIGGER index_of_the_open_stays BEFORE UPDATE OF mobile_index ON identity.logins
    FOR EACH ROW WHEN (OLD.state <> 'closed' AND NEW.mobile_index <> OLD.mobile_index)
    EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER index_of_the_open_stays BEFORE UPDATE OF mobile_index ON customers.customers
    FOR EACH ROW WHEN (OLD.closed_at IS NULL AND NEW.mobile_index <> OLD.mobile_index)
    EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER index_of_the_open_stays BEFORE UPDATE OF id_index, name_birth_index ON customers.identities
    FOR EACH ROW WHEN (OLD.ended_at IS NULL)
    EXECUTE FUNCTION kernel.refuse_change();
