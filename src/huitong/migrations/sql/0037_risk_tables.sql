-- Risk: back-tests that a worker runs for staff.
CREATE TABLE risk.backtest_runs (
    id           uuid        NOT NULL PRIMARY KEY,
    version_id   uuid        NOT NULL REFERENCES risk.rule_versions (id),
    first_day    date        NOT NULL,
    end_day      date        NOT NULL CHECK (end_day > first_day),
    state        text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    rows_read    bigint      NOT NULL DEFAULT 0 CHECK (rows_read >= 0),
    error        text        CHECK (length(error) BETWEEN 1 AND 500),
    requested_by text        NOT NULL CHECK (length(requested_by) BETWEEN 1 AND 128),
    requested_at timestamptz NOT NULL,
    finished_at  timestamptz CHECK (finished_at >= requested_at),
    CONSTRAINT backtest_runs_end_whole CHECK ((state IN ('done', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT backtest_runs_failure_has_reason CHECK ((state = 'failed') = (error IS NOT NULL))
);
CREATE UNIQUE INDEX backtest_runs_one_open ON risk.backtest_runs (version_id) WHERE state IN ('queued', 'running');
COMMENT ON TABLE risk.backtest_runs IS 'Back-tests that were asked for. The result is in risk.backtests under the same id.';
COMMENT ON COLUMN risk.backtest_runs.first_day IS 'The first business day of the history; until before end_day.';
CREATE FUNCTION risk.refuse_finished_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'back-test %: it is %', OLD.id, OLD.state USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER backtest_runs_end_once BEFORE UPDATE ON risk.backtest_runs
    FOR EACH ROW WHEN (OLD.state IN ('done', 'failed')) EXECUTE FUNCTION risk.refuse_finished_run();
GRANT SELECT, INSERT ON risk.backtest_runs TO huitong_app;
GRANT UPDATE (state, rows_read, error, finished_at) ON risk.backtest_runs TO huitong_app;

-- Risk: decision tables, and what they answered.
CREATE TABLE risk.table_locks (
    name text NOT NULL PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,63}$')
);
COMMENT ON TABLE risk.table_locks IS 'One row for each decision table: the lock for changes of its versions.';
CREATE TABLE risk.table_versions (
    id             uuid        NOT NULL PRIMARY KEY,
    name           text        NOT NULL REFERENCES risk.table_locks (name),
    number         integer     NOT NULL CHECK (number >= 1),
    content        text        NOT NULL CHECK (octet_length(content) <= 1048576),
    digest         bytea       NOT NULL,
    state          text        NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'live', 'retired')),
    approval_id    uuid        REFERENCES identity.approvals (id),
    effective_from date,
    effective_to   date,
    created_by     text        NOT NULL CHECK (length(created_by) BETWEEN 1 AND 128),
    created_at     timestamptz NOT NULL,
    UNIQUE (name, number),
    CONSTRAINT tables_digest_is_of_content CHECK (digest = sha256(convert_to(content, 'UTF8'))),
    CONSTRAINT tables_live_was_approved CHECK (state <> 'live' OR (approval_id IS NOT NULL AND effective_from IS NOT NULL)),
    CONSTRAINT tables_effective_in_order CHECK (effective_to >= effective_from)
);
CREATE UNIQUE INDEX tables_one_live ON risk.table_versions (name) WHERE state = 'live' AND effective_to IS NULL;
CREATE TRIGGER tables_go_forward BEFORE UPDATE OF state ON risk.table_versions
    FOR EACH ROW WHEN (OLD.state <> NEW.state
        AND (OLD.state, NEW.state) NOT IN (('draft', 'live'), ('draft', 'retired'), ('live', 'retired')))
    EXECUTE FUNCTION risk.refuse_step_back();
COMMENT ON TABLE risk.table_versions IS 'Versions of decision tables. What they say never changes; only how far they have come.';
COMMENT ON COLUMN risk.table_versions.content IS 'The table as canonical JSON: schema, hit policy, rows, test cases.';

CREATE TABLE risk.table_answers (
    id          uuid        NOT NULL PRIMARY KEY,
    version_id  uuid        NOT NULL REFERENCES risk.table_versions (id),
    subject_id  uuid        NOT NULL,
    inputs      jsonb       NOT NULL,
    rows_hit    text[]      NOT NULL,
    outputs     jsonb       NOT NULL,
    asked_by    text        NOT NULL CHECK (length(asked_by) BETWEEN 1 AND 128),
    answered_at timestamptz NOT NULL,
    took_us     integer     NOT NULL CHECK (took_us >= 0)
);
CREATE INDEX table_answers_of_subject ON risk.table_answers (subject_id, id);
COMMENT ON TABLE risk.table_answers IS 'What decision tables answered, and from what. Append-only.';
COMMENT ON COLUMN risk.table_answers.subject_id IS 'What was asked about, such as an application for a loan.';
COMMENT ON COLUMN risk.table_answers.outputs IS 'One object for each row that hit; decimals are text.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON risk.table_answers
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON risk.table_answers
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
GRANT SELECT, INSERT ON risk.table_locks, risk.table_versions, risk.table_answers TO huitong_app;
GRANT UPDATE (state, approval_id, effective_from, effective_to) ON risk.table_versions TO huitong_app;
GRANT UPDATE (name) ON risk.table_locks TO huitong_app;
