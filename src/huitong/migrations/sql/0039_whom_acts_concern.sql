-- A change of a list, or a decision that is overturned, is about several people at once. The first of
-- them stays where it was, so that the version before reads and writes what it knows.
ALTER TABLE identity.approvals ADD COLUMN also_concerns uuid[] NOT NULL DEFAULT '{}'
    CONSTRAINT approvals_concern_few CHECK (cardinality(also_concerns) <= 199)
    CONSTRAINT approvals_concern_somebody CHECK (array_position(also_concerns, NULL) IS NULL)
    CONSTRAINT approvals_concern_one_first CHECK (also_concerns = '{}' OR concerns IS NOT NULL);
COMMENT ON COLUMN identity.approvals.also_concerns IS 'All others whom it is about, who neither ask nor decide either.';

-- Staff who reject what was held have found out that it was fraud.
ALTER TABLE risk.labels DROP CONSTRAINT labels_source_check,
    ADD CONSTRAINT labels_source_check
    CHECK (source IN ('case', 'dispute', 'customer', 'import', 'overturn', 'rejection'));

-- Who has logged out already cannot be ended any more, but objected to.
ALTER TABLE identity.logins ADD COLUMN objected_at timestamptz;
COMMENT ON COLUMN identity.logins.objected_at IS 'When its owner last objected to log-ins: by a new password, a suspension, by ending all others or one of reduced powers.';
GRANT UPDATE (objected_at) ON identity.logins TO huitong_app;

COMMENT ON COLUMN operations.state.verified_at IS 'As of when the books were last verified as a whole, to the end.';
