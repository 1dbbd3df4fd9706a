-- What is known of people leaves applications and bureau reports when it may no longer be kept.
ALTER TABLE lending.applications ADD COLUMN is_erased boolean NOT NULL DEFAULT false;
ALTER TABLE lending.applications ADD CONSTRAINT applications_erase_what_ended
    CHECK (NOT is_erased OR facts IS NULL AND stage IN ('lent', 'refused', 'withdrawn', 'lapsed'));
CREATE INDEX applications_to_erase ON lending.applications (changed_at)
    WHERE NOT is_erased AND stage IN ('refused', 'withdrawn', 'lapsed');
COMMENT ON COLUMN lending.applications.is_erased IS 'What was known of people is gone; numbers, stages and reasons stay.';

ALTER TABLE lending.report_queries ADD COLUMN is_erased boolean NOT NULL DEFAULT false;
ALTER TABLE lending.report_queries DROP CONSTRAINT report_queries_report;
ALTER TABLE lending.report_queries ADD CONSTRAINT report_queries_report
    CHECK ((report IS NOT NULL) = (verdict IS NOT DISTINCT FROM 'found' AND NOT is_erased));
CREATE INDEX report_queries_of_people ON lending.report_queries (subject_id, asked_at);

-- A history is only added to, but for what is taken out of it when it may no longer be kept.
CREATE FUNCTION lending.keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.application_id, NEW.position, NEW.step, NEW.actor, NEW.at)
       IS DISTINCT FROM (OLD.application_id, OLD.position, OLD.step, OLD.actor, OLD.at)
       OR NOT OLD.details @> NEW.details THEN
        RAISE EXCEPTION 'UPDATE on lending.application_steps is refused: only taking away is allowed'
            USING ERRCODE = 'HT002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_history BEFORE UPDATE ON lending.application_steps
    FOR EACH ROW EXECUTE FUNCTION lending.keep_history();
GRANT UPDATE (details) ON lending.application_steps TO huitong_app;
