-- Risk: lists are kept in memory by each process, which reads what has changed since it looked last.
CREATE TABLE risk.list_news (
    id       boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (id),
    revision bigint  NOT NULL CHECK (revision >= 0)
);
INSERT INTO risk.list_news (revision) VALUES (0);
COMMENT ON TABLE risk.list_news IS 'Counts changes of entries of lists; its row is held until a change is committed, so no number is seen before the change.';

ALTER TABLE risk.list_entries ADD COLUMN revision bigint NOT NULL DEFAULT 0 CHECK (revision >= 0);
COMMENT ON COLUMN risk.list_entries.revision IS 'The change with which it came to be as it is.';
CREATE INDEX list_entries_by_revision ON risk.list_entries (revision);
CREATE FUNCTION risk.number_list_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE risk.list_news SET revision = revision + 1 RETURNING revision INTO NEW.revision;
    RETURN NEW;
END
$$;
CREATE TRIGGER number_change BEFORE INSERT OR UPDATE ON risk.list_entries
    FOR EACH ROW EXECUTE FUNCTION risk.number_list_change();
GRANT SELECT, UPDATE (revision) ON risk.list_news TO huitong_app;
GRANT UPDATE (revision) ON risk.list_entries TO huitong_app;
