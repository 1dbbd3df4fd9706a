-- Room customers, revision 0018: restrictions with their reasons, minors and guardians, passports,
-- and questions about businesses. See docs/people.md.

-- Why money may not move, one row for each reason that holds; the ledger's account has the strictest.
CREATE TABLE customers.restrictions (
    customer_id        uuid        NOT NULL REFERENCES customers.customers (id),
    kind               text        NOT NULL CHECK (kind IN ('staff', 'document', 'guardian')),
    are_credits_frozen boolean     NOT NULL,
    reason             text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 256),
    placed_at          timestamptz NOT NULL,
    PRIMARY KEY (customer_id, kind)
);
COMMENT ON TABLE customers.restrictions IS 'What stops a customer''s account now; a row that is lifted is deleted, and the audit trail keeps it.';

ALTER TABLE customers.identities
    ADD COLUMN document      text        NOT NULL DEFAULT 'resident_id' CHECK (document IN ('resident_id', 'passport')),
    ADD COLUMN restricted_at timestamptz,
    DROP CONSTRAINT identities_review_reason_check,
    ADD CONSTRAINT identities_review_reason_check
        CHECK (review_reason IN ('document_expired', 'periodic', 'guardian_lost', 'came_of_age'));
CREATE INDEX identities_to_restrict ON customers.identities (valid_until_on)
    WHERE ended_at IS NULL AND restricted_at IS NULL AND valid_until_on IS NOT NULL;
COMMENT ON COLUMN customers.identities.restricted_at IS 'Since when the account is restricted because the document has expired.';

-- Minors: capacity decides what their account may do (民法典 Arts. 17-20).
ALTER TABLE customers.customers
    ADD COLUMN capacity text NOT NULL DEFAULT 'full' CHECK (capacity IN ('full', 'limited', 'none'));
CREATE TABLE customers.minors (
    customer_id uuid        NOT NULL PRIMARY KEY REFERENCES customers.customers (id),
    guardian_id uuid        REFERENCES customers.customers (id),
    relation    text        CHECK (relation IN ('parent', 'relative', 'appointed')),
    checked_on  date        NOT NULL,
    ended_at    timestamptz,
    CHECK (guardian_id <> customer_id)
);
CREATE INDEX minors_to_check ON customers.minors (checked_on) WHERE ended_at IS NULL;
CREATE INDEX minors_by_guardian ON customers.minors (guardian_id) WHERE ended_at IS NULL;
COMMENT ON TABLE customers.minors IS 'Customers who were not of age when they were opened, and who acts for them.';
COMMENT ON COLUMN customers.minors.checked_on IS 'When the age was last looked at; the day of birth is sealed.';
COMMENT ON COLUMN customers.minors.ended_at IS 'When the customer came of age.';

CREATE TABLE customers.guardian_consents (
    child_id    uuid        NOT NULL,
    guardian_id uuid        NOT NULL REFERENCES customers.customers (id),
    relation    text        NOT NULL CHECK (relation IN ('parent', 'relative', 'appointed')),
    consent_id  uuid        NOT NULL,
    given_at    timestamptz NOT NULL,
    PRIMARY KEY (child_id, guardian_id)
);
COMMENT ON COLUMN customers.guardian_consents.consent_id IS 'In privacy.consents, with the text that the guardian saw.';
COMMENT ON TABLE customers.guardian_consents IS 'That a guardian consented to the use of a child''s data (PIPL Art. 31). The child is an application, and then the customer of the same id.';

ALTER TABLE customers.picture_parts
    DROP CONSTRAINT picture_parts_kind_check,
    ADD CONSTRAINT picture_parts_kind_check CHECK (kind IN ('id_front', 'id_back', 'passport', 'selfie'));

ALTER TABLE customers.applications
    ADD COLUMN document text NOT NULL DEFAULT 'resident_id' CHECK (document IN ('resident_id', 'passport'));
GRANT UPDATE (document) ON customers.applications TO huitong_app;

CREATE TABLE customers.business_checks (
    id          uuid        NOT NULL PRIMARY KEY,
    merchant_id uuid        NOT NULL REFERENCES customers.merchants (id),
    verdict     text        NOT NULL CHECK (verdict IN ('consistent', 'inconsistent', 'not_found', 'unavailable')),
    status      text        CHECK (status IN ('active', 'revoked', 'deregistered', 'abnormal')),
    trouble     text        CHECK (length(trouble) <= 32),
    reference   text        CHECK (length(reference) <= 64),
    attempts    integer     NOT NULL CHECK (attempts >= 0),
    answered_at timestamptz NOT NULL
);
CREATE INDEX business_checks_by_merchant ON customers.business_checks (merchant_id);
COMMENT ON TABLE customers.business_checks IS 'What the business register answered about a merchant and the companies that own it; neither question nor shareholders are kept.';
ALTER TABLE customers.businesses
    DROP CONSTRAINT businesses_review_reason_check,
    ADD CONSTRAINT businesses_review_reason_check
        CHECK (review_reason IN ('document_expired', 'periodic', 'registry'));
CREATE INDEX businesses_under_review ON customers.businesses (merchant_id) WHERE review_marked_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON customers.restrictions TO huitong_app;
GRANT SELECT, INSERT ON customers.minors, customers.guardian_consents, customers.business_checks TO huitong_app;
GRANT UPDATE (guardian_id, relation, checked_on, ended_at) ON customers.minors TO huitong_app;
GRANT UPDATE (relation, consent_id, given_at) ON customers.guardian_consents TO huitong_app;
GRANT UPDATE (capacity) ON customers.customers TO huitong_app;
GRANT UPDATE (restricted_at) ON customers.identities TO huitong_app;
GRANT UPDATE (documents_until_on) ON customers.businesses TO huitong_app;
