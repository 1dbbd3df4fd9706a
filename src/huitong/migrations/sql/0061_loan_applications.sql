-- Applications for loans: kept at each step, decided, offered, read, signed and lent.
CREATE TABLE lending.applications (
    id                  uuid        NOT NULL PRIMARY KEY,
    customer_id         uuid        NOT NULL,
    product_id          smallint    NOT NULL,
    product_version     integer     NOT NULL,
    stage               text        NOT NULL DEFAULT 'draft'
        CHECK (stage IN ('draft', 'review', 'offered', 'lent', 'refused', 'withdrawn', 'lapsed')),
    borrower_account_id bigint      NOT NULL REFERENCES ledger.accounts (id),
    payout_account_id   bigint      NOT NULL REFERENCES ledger.accounts (id),
    wish                jsonb,
    parties             jsonb       NOT NULL DEFAULT '[]',
    collateral          jsonb       NOT NULL DEFAULT '[]',
    facts               bytea,
    reasons             jsonb       NOT NULL DEFAULT '[]',
    offer               jsonb,
    offer_until         date,
    has_appealed        boolean     NOT NULL DEFAULT false,
    is_decided_by_person boolean    NOT NULL DEFAULT false,
    decision_id         uuid,
    statement_digest    bytea       CHECK (length(statement_digest) = 32),
    statement_shown_at  timestamptz,
    statement_read_at   timestamptz,
    contract_digest     bytea       CHECK (length(contract_digest) = 32),
    signed_at           timestamptz,
    loan_id             uuid        UNIQUE REFERENCES lending.loans (id),
    device_id           uuid,
    started_at          timestamptz NOT NULL,
    changed_at          timestamptz NOT NULL,
    FOREIGN KEY (product_id, product_version) REFERENCES lending.product_versions (product_id, version),
    CONSTRAINT applications_ask_for_something CHECK (stage IN ('draft', 'withdrawn', 'lapsed') OR wish IS NOT NULL),
    CONSTRAINT applications_offer_terms CHECK ((offer IS NULL) = (offer_until IS NULL) AND (stage NOT IN ('offered', 'lent') OR offer IS NOT NULL)),
    CONSTRAINT applications_refuse_with_reasons CHECK (stage <> 'refused' OR jsonb_array_length(reasons) > 0),
    CONSTRAINT applications_show_before_reading CHECK ((statement_digest IS NULL) = (statement_shown_at IS NULL) AND statement_read_at > statement_shown_at),
    CONSTRAINT applications_read_before_signing CHECK (signed_at IS NULL OR statement_read_at <= signed_at),
    CONSTRAINT applications_sign_a_contract CHECK ((contract_digest IS NULL) = (signed_at IS NULL)),
    CONSTRAINT applications_lend_what_is_signed CHECK ((stage = 'lent') = (loan_id IS NOT NULL) AND (loan_id IS NULL OR signed_at IS NOT NULL))
);
CREATE INDEX applications_of_customers ON lending.applications (customer_id, started_at);
CREATE INDEX applications_on_devices ON lending.applications (device_id, changed_at) WHERE device_id IS NOT NULL;
CREATE INDEX applications_to_review ON lending.applications (changed_at, id) WHERE stage = 'review';
CREATE INDEX applications_to_lapse ON lending.applications (changed_at) WHERE stage IN ('draft', 'offered');
COMMENT ON COLUMN lending.applications.facts IS 'What the applicant said of income, work and household, sealed with their key.';
COMMENT ON COLUMN lending.applications.statement_digest IS 'SHA-256 of the cost statement that was shown.';
COMMENT ON COLUMN lending.applications.contract_digest IS 'SHA-256 of the contract that was signed.';

CREATE TABLE lending.application_steps (
    application_id uuid        NOT NULL REFERENCES lending.applications (id),
    position       integer     NOT NULL CHECK (position > 0),
    step           text        NOT NULL,
    actor          text        NOT NULL,
    at             timestamptz NOT NULL,
    details        jsonb       NOT NULL DEFAULT '{}',
    PRIMARY KEY (application_id, position)
);
COMMENT ON TABLE lending.application_steps IS 'What was done to an application, by whom and when; only added to.';

CREATE TABLE lending.report_queries (
    id             uuid        NOT NULL PRIMARY KEY,
    application_id uuid        NOT NULL REFERENCES lending.applications (id),
    subject_id     uuid        NOT NULL,
    consent_id     uuid        NOT NULL,
    asked_at       timestamptz NOT NULL,
    answered_at    timestamptz CHECK (answered_at >= asked_at),
    verdict        text        CHECK (verdict IN ('found', 'no_record', 'mismatch', 'unavailable')),
    trouble        text,
    report         bytea,
    CONSTRAINT report_queries_answer CHECK ((verdict IS NULL) = (answered_at IS NULL)),
    CONSTRAINT report_queries_report CHECK ((report IS NOT NULL) = (verdict IS NOT DISTINCT FROM 'found')),
    CONSTRAINT report_queries_trouble CHECK ((trouble IS NOT NULL) = (verdict IS NOT DISTINCT FROM 'unavailable'))
);
CREATE INDEX report_queries_of_applications ON lending.report_queries (application_id, asked_at);
COMMENT ON TABLE lending.report_queries IS 'Questions to the credit bureau, each with the consent that it rests on; written before it is asked.';
COMMENT ON COLUMN lending.report_queries.report IS 'What the bureau said, sealed with the key of the person.';

GRANT SELECT, INSERT, UPDATE ON lending.report_queries TO huitong_app;
GRANT SELECT, INSERT, UPDATE ON lending.applications TO huitong_app;
GRANT SELECT, INSERT ON lending.application_steps TO huitong_app;
