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

-- A line that did not fail is paid once its file's place is past it: it is written once, not twice.
COMMENT ON COLUMN payments.bulk_lines.state IS '0 waiting, or paid once the file''s next_number is past it; 1 paid (as written before 0054); 2 failed. Decided once.';
CREATE OR REPLACE FUNCTION payments.refuse_bulk_line_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 0 OR EXISTS (SELECT FROM payments.bulk_files f WHERE f.id = OLD.file_id AND f.next_number > OLD.number) THEN
        RAISE EXCEPTION 'bulk file %: line % is decided', OLD.file_id, OLD.number USING ERRCODE = 'HT002';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER bulk_lines_decided_once ON payments.bulk_lines;
CREATE TRIGGER bulk_lines_decided_once BEFORE UPDATE ON payments.bulk_lines
    FOR EACH ROW EXECUTE FUNCTION payments.refuse_bulk_line_change();

CREATE FUNCTION payments.refuse_bulk_place_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bulk file %: line % is decided', OLD.id, NEW.next_number USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER bulk_files_place_goes_forward BEFORE UPDATE OF next_number ON payments.bulk_files
    FOR EACH ROW WHEN (NEW.next_number < OLD.next_number) EXECUTE FUNCTION payments.refuse_bulk_place_back();
