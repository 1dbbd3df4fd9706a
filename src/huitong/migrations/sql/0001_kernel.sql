-- The kernel's tables: events, replies, audit trail, API keys.
CREATE SCHEMA kernel;

CREATE TABLE kernel.outbox (
    id           uuid        NOT NULL PRIMARY KEY,
    topic        text        NOT NULL CHECK (topic ~ '^[a-z_]+\.[A-Za-z]+\.v[0-9]+$'),
    payload      jsonb       NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts     smallint    NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    delivered_at timestamptz,
    parked_at    timestamptz,
    last_error   text CHECK (length(last_error) <= 2000),
    CHECK (delivered_at IS NULL OR parked_at IS NULL)
) WITH (fillfactor = 70);
CREATE INDEX outbox_waiting ON kernel.outbox (due_at) WHERE delivered_at IS NULL AND parked_at IS NULL;
CREATE INDEX outbox_parked ON kernel.outbox (parked_at) WHERE parked_at IS NOT NULL;
COMMENT ON TABLE kernel.outbox IS 'Facts waiting to be told; written in the transaction that made them true.';

CREATE TABLE kernel.replies (
    scope       text        NOT NULL CHECK (length(scope) BETWEEN 1 AND 64),
    key         text        NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
    fingerprint bytea       NOT NULL CHECK (length(fingerprint) = 32),
    status      smallint    NOT NULL CHECK (status BETWEEN 200 AND 499),
    body        bytea       NOT NULL CHECK (length(body) <= 65536),
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX replies_expiry ON kernel.replies USING brin (expires_at);
COMMENT ON TABLE kernel.replies IS 'The answer that was given for an Idempotency-Key, to be given again.';

CREATE TABLE kernel.audit (
    id          uuid        NOT NULL PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       text        NOT NULL CHECK (length(actor) BETWEEN 1 AND 128),
    action      text        NOT NULL CHECK (length(action) BETWEEN 1 AND 128),
    subject     text        NOT NULL CHECK (length(subject) <= 256),
    request_id  text        CHECK (length(request_id) <= 64),
    details     jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_subject ON kernel.audit (subject, id);
CREATE INDEX audit_by_time ON kernel.audit USING brin (recorded_at);
COMMENT ON TABLE kernel.audit IS 'Who did what to which thing, when and through which request. Append-only.';

CREATE TABLE kernel.api_keys (
    id           uuid        NOT NULL PRIMARY KEY,
    digest       bytea       NOT NULL UNIQUE CHECK (length(digest) = 32),
    name         text        NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    scopes       text[]      NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 32),
    merchant_id  uuid,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at   timestamptz
);
COMMENT ON TABLE kernel.api_keys IS 'Keys of programs; only a SHA-256 digest of the secret is kept.';

-- Refuses every change of a recorded row, whoever asks.
CREATE FUNCTION kernel.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: it is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'HT002';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON kernel.audit
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON kernel.audit
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
