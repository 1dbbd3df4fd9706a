-- What stands beside Procrastinate's own tables, which were made just before in the schema `jobs`.
-- Each function finds its tables by itself, so that a job can be deferred in a transaction that
-- knows nothing of this schema.
DO $$
DECLARE each regprocedure;
BEGIN
    FOR each IN SELECT oid FROM pg_proc WHERE pronamespace = 'jobs'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = jobs, pg_catalog', each);
    END LOOP;
END $$;

CREATE TABLE jobs.failures (
    job_id    bigint      NOT NULL PRIMARY KEY
              REFERENCES jobs.procrastinate_jobs (id) ON DELETE CASCADE,
    failed_at timestamptz NOT NULL,
    error     text        NOT NULL CHECK (length(error) <= 2000)
);
COMMENT ON TABLE jobs.failures IS 'Why a job failed the last time; Procrastinate itself keeps only that it did.';
CREATE INDEX jobs_that_failed ON jobs.procrastinate_jobs (id) WHERE status = 'failed';
