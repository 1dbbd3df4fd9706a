-- Takes the plain name and mobile number away, once everybody is sealed (docs/decisions/0016).
DO $$ BEGIN
    IF EXISTS (SELECT FROM customers.customers WHERE mobile_index IS NULL) THEN
        RAISE EXCEPTION 'customers are not sealed yet: run huitong migrate, which seals them first';
    END IF;
END $$;
DROP INDEX customers.customers_not_sealed;
ALTER TABLE customers.customers
    DROP COLUMN name,
    DROP COLUMN mobile,
    ALTER COLUMN name_sealed SET NOT NULL,
    ALTER COLUMN mobile_sealed SET NOT NULL,
    ALTER COLUMN mobile_index SET NOT NULL,
    DROP CONSTRAINT customers_sealed_whole;
-- A dropped column stays in the rows, and old versions of rows in the file: this writes both anew.
CLUSTER customers.customers USING customers_pkey;
