-- Room customers, revision 0004: see docs/people.md and docs/decisions/0016.
-- Old processes still write the plain columns until they have stopped; `post` takes these away.
ALTER TABLE customers.customers
    ALTER COLUMN name DROP NOT NULL,
    ALTER COLUMN mobile DROP NOT NULL,
    ADD COLUMN name_sealed   bytea CHECK (length(name_sealed) BETWEEN 34 AND 1024),
    ADD COLUMN mobile_sealed bytea CHECK (length(mobile_sealed) BETWEEN 34 AND 256),
    ADD COLUMN mobile_index  bytea CHECK (length(mobile_index) = 32),
    ADD COLUMN closed_at     timestamptz,
    ADD CONSTRAINT customers_sealed_whole
        CHECK (num_nulls(name_sealed, mobile_sealed, mobile_index) IN (0, 3)),
    ADD CONSTRAINT customers_sealed_or_plain
        CHECK (name_sealed IS NOT NULL OR (name IS NOT NULL AND mobile IS NOT NULL));
COMMENT ON COLUMN customers.customers.name_sealed IS 'The name, sealed with the data key of the customer.';
COMMENT ON COLUMN customers.customers.mobile_index IS 'Blind index of the mobile number, by which payments find the customer.';
COMMENT ON COLUMN customers.customers.closed_at IS 'When the relationship ended; the number may then be somebody else''s.';
CREATE UNIQUE INDEX customers_by_mobile ON customers.customers (mobile_index) WHERE closed_at IS NULL;
CREATE INDEX customers_not_sealed ON customers.customers (id) WHERE mobile_index IS NULL;

-- An application keeps its evidence under its own id, which is the customer's id once approved: one
-- data key seals both. Findings name fields and codes, never values.
CREATE TABLE customers.applications (
    id                uuid        NOT NULL PRIMARY KEY,
    state             text        NOT NULL CHECK (state IN ('draft', 'checking', 'pending_review', 'approved', 'refused')),
    requested_class   smallint    NOT NULL CHECK (requested_class BETWEEN 1 AND 3),
    consent_reference text        NOT NULL CHECK (length(consent_reference) BETWEEN 1 AND 64),
    person            bytea       CHECK (length(person) BETWEEN 34 AND 65536),
    remarks           jsonb       NOT NULL DEFAULT '[]',
    channels          text[]      NOT NULL DEFAULT '{}' CHECK (cardinality(channels) <= 16),
    check_attempts    smallint    NOT NULL DEFAULT 0 CHECK (check_attempts >= 0),
    checks_due_at     timestamptz,
    decided_by        text        CHECK (length(decided_by) <= 128),
    reason            text        CHECK (length(reason) BETWEEN 1 AND 256),
    decided_at        timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT applications_checking_is_due CHECK ((state = 'checking') = (checks_due_at IS NOT NULL)),
    CONSTRAINT applications_decided CHECK ((state IN ('approved', 'refused')) = (decided_at IS NOT NULL)),
    CONSTRAINT applications_submitted_has_person CHECK (state = 'draft' OR person IS NOT NULL)
);
CREATE INDEX applications_to_check ON customers.applications (checks_due_at) WHERE state = 'checking';
CREATE INDEX applications_by_state ON customers.applications (state, id);
COMMENT ON COLUMN customers.applications.person IS 'The nine items and the bank cards as JSON, sealed.';
COMMENT ON COLUMN customers.applications.channels IS 'Independent outside channels that confirmed the identity.';

CREATE TABLE customers.picture_parts (
    application_id uuid     NOT NULL REFERENCES customers.applications (id),
    kind           text     NOT NULL CHECK (kind IN ('id_front', 'id_back', 'selfie')),
    part           smallint NOT NULL CHECK (part BETWEEN 0 AND 63),
    sealed         bytea    NOT NULL CHECK (length(sealed) BETWEEN 34 AND 66000),
    PRIMARY KEY (application_id, kind, part)
);
COMMENT ON TABLE customers.picture_parts IS 'Uploaded pictures in parts, each sealed with the key of the applicant and bound to its place.';

CREATE TABLE customers.checks (
    id             uuid        NOT NULL PRIMARY KEY,
    application_id uuid        NOT NULL REFERENCES customers.applications (id),
    kind           text        NOT NULL CHECK (kind IN ('identity', 'bank_card', 'mobile', 'liveness')),
    verdict        text        NOT NULL CHECK (verdict IN ('consistent', 'inconsistent', 'not_found', 'unavailable')),
    trouble        text        CHECK (length(trouble) <= 32),
    reference      text        CHECK (length(reference) <= 64),
    attempts       integer     NOT NULL CHECK (attempts >= 0),
    answered_at    timestamptz NOT NULL
);
CREATE INDEX checks_by_application ON customers.checks (application_id);
COMMENT ON TABLE customers.checks IS 'What the registries outside answered; the question is not kept.';

CREATE TABLE customers.identities (
    customer_id      uuid        NOT NULL PRIMARY KEY REFERENCES customers.customers (id),
    id_number        bytea       NOT NULL CHECK (length(id_number) BETWEEN 34 AND 256),
    person           bytea       NOT NULL CHECK (length(person) BETWEEN 34 AND 65536),
    id_index         bytea       NOT NULL CHECK (length(id_index) = 32),
    name_birth_index bytea       NOT NULL CHECK (length(name_birth_index) = 32),
    valid_until_on   date,
    channels         text[]      NOT NULL CHECK (cardinality(channels) <= 16),
    is_in_person     boolean     NOT NULL,
    verified_at      timestamptz NOT NULL,
    review_due_on    date        NOT NULL,
    review_reason    text        CHECK (review_reason IN ('document_expired', 'periodic')),
    review_marked_at timestamptz,
    ended_at         timestamptz,
    CHECK ((review_reason IS NULL) = (review_marked_at IS NULL))
);
-- One person is one customer, as long as the relationship lasts.
CREATE UNIQUE INDEX identities_by_id_number ON customers.identities (id_index) WHERE ended_at IS NULL;
CREATE INDEX identities_by_name_and_birth ON customers.identities (name_birth_index) WHERE ended_at IS NULL;
CREATE INDEX identities_to_review ON customers.identities (least(review_due_on, valid_until_on))
    WHERE ended_at IS NULL AND review_marked_at IS NULL;
CREATE INDEX identities_under_review ON customers.identities (customer_id)
    WHERE ended_at IS NULL AND review_marked_at IS NOT NULL;
COMMENT ON COLUMN customers.identities.valid_until_on IS 'Last day of the document, NULL for one that is valid for ever.';
COMMENT ON COLUMN customers.identities.review_due_on IS 'When the customer is looked at again at the latest.';

GRANT SELECT, INSERT ON customers.applications, customers.picture_parts, customers.checks, customers.identities TO huitong_app;
GRANT UPDATE (state, person, remarks, channels, check_attempts, checks_due_at, decided_by, reason, decided_at,
    updated_at) ON customers.applications TO huitong_app;
GRANT DELETE ON customers.picture_parts TO huitong_app;
GRANT UPDATE (verdict, trouble, reference, attempts, answered_at) ON customers.checks TO huitong_app;
GRANT UPDATE (channels, is_in_person, valid_until_on, review_due_on, review_reason, review_marked_at, ended_at) ON customers.identities TO huitong_app;
GRANT UPDATE (account_class, closed_at) ON customers.customers TO huitong_app;

CREATE TABLE customers.businesses (
    merchant_id      uuid        NOT NULL PRIMARY KEY REFERENCES customers.merchants (id),
    credit_code      bytea       NOT NULL CHECK (length(credit_code) BETWEEN 34 AND 256),
    credit_code_index bytea      NOT NULL UNIQUE CHECK (length(credit_code_index) = 32),
    details          bytea       NOT NULL CHECK (length(details) BETWEEN 34 AND 66000),
    remarks          jsonb       NOT NULL,
    documents_until_on date,
    verified_at      timestamptz NOT NULL,
    review_due_on    date        NOT NULL,
    review_reason    text        CHECK (review_reason IN ('document_expired', 'periodic')),
    review_marked_at timestamptz,
    CHECK ((review_reason IS NULL) = (review_marked_at IS NULL))
);
CREATE INDEX businesses_to_review ON customers.businesses (least(review_due_on, documents_until_on))
    WHERE review_marked_at IS NULL;
COMMENT ON COLUMN customers.businesses.details IS 'Legal representative, owners, managers and documents as JSON, sealed with the merchant''s key.';
COMMENT ON COLUMN customers.businesses.documents_until_on IS 'Last day of the document that expires first, NULL if none does.';
GRANT SELECT, INSERT ON customers.businesses TO huitong_app;
GRANT UPDATE (review_due_on, review_reason, review_marked_at) ON customers.businesses TO huitong_app;
