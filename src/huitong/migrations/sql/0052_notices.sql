-- Messages that tell people what happened to their account: who they go to is the login's affair.
CREATE TABLE identity.notices (
    id       uuid        PRIMARY KEY,
    login_id uuid        NOT NULL REFERENCES identity.logins (id),
    kind     text        NOT NULL CHECK (kind ~ '^[a-z_]{1,32}$'),
    amount   bigint      CHECK (amount > 0),
    currency text        CHECK (currency ~ '^[A-Z]{3}$'),
    until    timestamptz,
    asked_at timestamptz NOT NULL,
    due_at   timestamptz NOT NULL CHECK (due_at >= asked_at),
    tries    smallint    NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 20),
    outcome  text        CHECK (outcome IN ('sent', 'given_up')),
    ended_at timestamptz CHECK (ended_at >= asked_at),
    CONSTRAINT notices_amount_has_currency CHECK ((amount IS NULL) = (currency IS NULL)),
    CONSTRAINT notices_ended_says_how CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CONSTRAINT notices_sent_was_tried CHECK (outcome IS DISTINCT FROM 'sent' OR tries > 0)
);
CREATE INDEX notices_due ON identity.notices (due_at) WHERE ended_at IS NULL;
CREATE INDEX notices_ended ON identity.notices (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX notices_of_login ON identity.notices (login_id);
COMMENT ON TABLE identity.notices IS 'What people are told by text message. Holds neither number nor text: both are made when it is sent.';
COMMENT ON COLUMN identity.notices.id IS 'The event''s: told of one event twice is told once.';
COMMENT ON COLUMN identity.notices.until IS 'The time that the text names: until when something waits.';

CREATE FUNCTION identity.refuse_notice_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'notice % has ended', OLD.id USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER notices_end_once BEFORE UPDATE ON identity.notices
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION identity.refuse_notice_change();

GRANT SELECT, INSERT, DELETE ON identity.notices TO huitong_app;
GRANT UPDATE (due_at, tries, outcome, ended_at) ON identity.notices TO huitong_app;
