-- Names of people compared without being opened; lines of files paid without being written again.
ALTER TABLE customers.customers
    ADD COLUMN name_index bytea CHECK (length(name_index) = 32),
    ADD CONSTRAINT customers_closed_has_no_name_index CHECK (closed_at IS NULL OR name_index IS NULL);
CREATE INDEX customers_without_name_index ON customers.customers (id) WHERE name_index IS NULL AND closed_at IS NULL;
COMMENT ON COLUMN customers.customers.name_index IS 'Keyed digest of the customer''s id and folded name: tells whether a given name is this person''s, and nothing of two people. Gone when the customer leaves.';

CREATE FUNCTION customers.drop_name_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name_index := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER name_index_goes_with_the_customer BEFORE UPDATE OF closed_at ON customers.customers
    FOR EACH ROW WHEN (NEW.closed_at IS NOT NULL) EXECUTE FUNCTION customers.drop_name_index();
