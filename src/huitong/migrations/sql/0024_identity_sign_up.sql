-- How strangers become customers: whoever has proved a number may apply for an account with it.
CREATE TABLE identity.sign_ups (
    id           uuid        NOT NULL PRIMARY KEY,
    mobile_index bytea       NOT NULL CHECK (length(mobile_index) = 32),
    digest       bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    state        text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'completed', 'ended')),
    started_at   timestamptz NOT NULL,
    proved_at    timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    closed_at    timestamptz,
    exchanged_at timestamptz,
    CONSTRAINT sign_ups_live_an_hour CHECK (expires_at > proved_at AND expires_at <= proved_at + interval '1 hour'),
    CONSTRAINT sign_ups_closed_has_date CHECK ((state = 'open') = (closed_at IS NULL)),
    CONSTRAINT sign_ups_exchanged_was_completed CHECK (exchanged_at IS NULL OR state = 'completed')
);
CREATE UNIQUE INDEX sign_ups_one_for_each_number ON identity.sign_ups (mobile_index) WHERE state = 'open';
CREATE INDEX sign_ups_by_expiry ON identity.sign_ups (expires_at);
CREATE TRIGGER set_once BEFORE UPDATE ON identity.sign_ups
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('closed_at', 'exchanged_at');
COMMENT ON TABLE identity.sign_ups IS 'People who proved a number and have no login yet; one open one for each number. Its id is the person''s subject id, as an applicant and as a customer.';
COMMENT ON COLUMN identity.sign_ups.digest IS 'SHA-256 of the last token; whoever proves the number again gets another, and the one before is void.';
COMMENT ON COLUMN identity.sign_ups.state IS 'completed: the login is open. ended: the application was refused.';
GRANT SELECT, INSERT, DELETE ON identity.sign_ups TO huitong_app;
COMMENT ON COLUMN identity.sign_ups.exchanged_at IS 'When the token was exchanged for a session; it is good for nothing since.';
GRANT UPDATE (digest, state, proved_at, expires_at, closed_at, exchanged_at) ON identity.sign_ups TO huitong_app;

-- A proof is used in the statement that posts its payment, where nothing can look and then decide. So
-- the row refuses: HT001 sends the batch to be decided one by one.
ALTER TABLE identity.step_ups ADD COLUMN used_for uuid,
    ADD CONSTRAINT step_ups_used_for_was_used CHECK (used_for IS NULL OR used_at IS NOT NULL);
COMMENT ON COLUMN identity.step_ups.used_for IS 'The payment order that used the proof up.';
CREATE FUNCTION identity.refuse_second_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'step-up % was used already', OLD.id USING ERRCODE = 'HT001';
END $$;
CREATE TRIGGER used_once BEFORE UPDATE OF used_for ON identity.step_ups
    FOR EACH ROW WHEN (OLD.used_at IS NOT NULL AND NEW.used_for IS DISTINCT FROM OLD.used_for)
    EXECUTE FUNCTION identity.refuse_second_use();
GRANT UPDATE (used_for) ON identity.step_ups TO huitong_app;

-- Raising a class by evidence from outside is a permission of its own now: customers have it, too.
UPDATE kernel.api_keys SET scopes = array_append(scopes, 'customers:upgrade')
 WHERE 'customers:manage' = ANY(scopes) AND 'customers:upgrade' <> ALL(scopes) AND cardinality(scopes) < 32;
