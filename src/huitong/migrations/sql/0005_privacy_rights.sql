-- Room privacy, revision 0005: consents, requests, retention, access monitoring. See docs/people.md.
CREATE TABLE privacy.consents (
    id          uuid        NOT NULL PRIMARY KEY,
    subject_id  uuid        NOT NULL REFERENCES privacy.subject_keys (subject_id),
    purpose     text        NOT NULL CHECK (purpose ~ '^[a-z][a-z0-9_]{0,62}$'),
    number      integer     NOT NULL CHECK (number >= 1),
    action      text        NOT NULL CHECK (action IN ('given', 'withdrawn')),
    version     integer     NOT NULL CHECK (version >= 1),
    digest      bytea       NOT NULL CHECK (length(digest) = 32),
    channel     text        NOT NULL CHECK (channel ~ '^[a-z][a-z0-9_]{0,31}$'),
    actor       text        NOT NULL CHECK (length(actor) BETWEEN 1 AND 128),
    recorded_at timestamptz NOT NULL,
    UNIQUE (subject_id, purpose, number)
);
COMMENT ON TABLE privacy.consents IS 'Every giving and withdrawing of a consent (PIPL Arts. 14-16); the highest number of a purpose is what holds. Append-only.';
COMMENT ON COLUMN privacy.consents.number IS 'Counts up for each subject and purpose; its unique key decides when two come at once.';
COMMENT ON COLUMN privacy.consents.digest IS 'SHA-256 of the text that the person saw, in all its languages.';
COMMENT ON COLUMN privacy.consents.channel IS 'How it was given: app, web, counter, api.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON privacy.consents
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON privacy.consents
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE privacy.requests (
    id          uuid        NOT NULL PRIMARY KEY,
    subject_id  uuid        NOT NULL REFERENCES privacy.subject_keys (subject_id),
    kind        text        NOT NULL CHECK (kind IN ('see', 'copy', 'correct', 'delete', 'close_account', 'object_automated')),
    state       text        NOT NULL CHECK (state IN ('received', 'approved', 'blocked', 'done', 'refused', 'cancelled')),
    content     bytea       CHECK (length(content) BETWEEN 34 AND 65570),
    received_at timestamptz NOT NULL,
    due_on      date        NOT NULL,
    latest_on   date        NOT NULL CHECK (latest_on >= due_on),
    attempts    integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    try_at      timestamptz NOT NULL,
    closed_at   timestamptz,
    CHECK ((closed_at IS NOT NULL) = (state IN ('done', 'refused', 'cancelled'))),
    CHECK (content IS NULL OR (kind = 'correct' AND closed_at IS NULL))
);
CREATE INDEX requests_open ON privacy.requests (due_on, id) WHERE closed_at IS NULL;
CREATE INDEX requests_to_do ON privacy.requests (try_at, id) WHERE state = 'approved';
CREATE INDEX requests_by_subject ON privacy.requests (subject_id, id);
-- Two of one kind at a time would be the same request twice.
CREATE UNIQUE INDEX requests_one_open ON privacy.requests (subject_id, kind) WHERE closed_at IS NULL;
COMMENT ON TABLE privacy.requests IS 'What people ask about their data (PIPL Arts. 24, 44-48), with the days by which it must be answered.';
COMMENT ON COLUMN privacy.requests.content IS 'What is to be corrected, sealed with the subject''s key; gone once closed.';
COMMENT ON COLUMN privacy.requests.due_on IS 'Our own deadline, in business days.';
COMMENT ON COLUMN privacy.requests.latest_on IS 'The last day that is permitted.';
COMMENT ON COLUMN privacy.requests.try_at IS 'When it may be carried out, or tried again after a failure.';
CREATE TRIGGER closed_for_good BEFORE UPDATE ON privacy.requests
    FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON privacy.requests
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON privacy.requests
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE privacy.request_history (
    id          uuid        NOT NULL PRIMARY KEY,
    request_id  uuid        NOT NULL REFERENCES privacy.requests (id),
    state       text        NOT NULL CHECK (state IN ('received', 'approved', 'blocked', 'done', 'refused', 'cancelled')),
    actor       text        NOT NULL CHECK (length(actor) BETWEEN 1 AND 128),
    reasons     text[]      NOT NULL CHECK (cardinality(reasons) <= 64),
    recorded_at timestamptz NOT NULL
);
CREATE INDEX request_history_by_request ON privacy.request_history (request_id, id);
COMMENT ON TABLE privacy.request_history IS 'Each step of a request: who, when, and codes of the reasons; no free text, which would hold personal data. Append-only.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON privacy.request_history
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON privacy.request_history
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE privacy.exports (
    request_id    uuid        NOT NULL PRIMARY KEY REFERENCES privacy.requests (id),
    subject_id    uuid        NOT NULL REFERENCES privacy.subject_keys (subject_id),
    digest        bytea       NOT NULL CHECK (length(digest) = 32),
    made_at       timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL CHECK (expires_at > made_at),
    downloaded_at timestamptz
);
CREATE TABLE privacy.export_parts (
    request_id uuid    NOT NULL REFERENCES privacy.exports (request_id),
    number     integer NOT NULL CHECK (number BETWEEN 0 AND 63),
    sealed     bytea   NOT NULL CHECK (length(sealed) BETWEEN 34 AND 65570),
    PRIMARY KEY (request_id, number)
);
COMMENT ON TABLE privacy.exports IS 'Copies of somebody''s data, to be fetched once.';
COMMENT ON COLUMN privacy.exports.digest IS 'SHA-256 of the whole text, so that the person can show what we gave.';
COMMENT ON TABLE privacy.export_parts IS 'The text of a copy, sealed with the subject''s key; deleted once fetched or expired.';

CREATE TABLE privacy.restrictions (
    subject_id    uuid        NOT NULL PRIMARY KEY REFERENCES privacy.subject_keys (subject_id),
    request_id    uuid        NOT NULL REFERENCES privacy.requests (id),
    data_classes  text[]      NOT NULL CHECK (cardinality(data_classes) BETWEEN 1 AND 64),
    restricted_at timestamptz NOT NULL,
    until_on      date        NOT NULL,
    destroyed_at  timestamptz
);
CREATE INDEX restrictions_due ON privacy.restrictions (until_on, subject_id) WHERE destroyed_at IS NULL;
COMMENT ON TABLE privacy.restrictions IS 'People whose data is only stored and kept safe until the law lets it go (PIPL Art. 47).';
COMMENT ON COLUMN privacy.restrictions.until_on IS 'From this day on nothing must be kept any more.';
CREATE TRIGGER never_deleted BEFORE DELETE ON privacy.restrictions
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON privacy.restrictions
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE privacy.destructions (
    id           uuid        NOT NULL PRIMARY KEY,
    data_class   text        NOT NULL CHECK (data_class ~ '^[a-z][a-z0-9_]{0,62}$'),
    rule         text        NOT NULL CHECK (length(rule) BETWEEN 1 AND 256),
    cutoff_on    date        NOT NULL,
    count        integer     NOT NULL CHECK (count >= 1),
    digest       bytea       NOT NULL CHECK (length(digest) = 32),
    destroyed_at timestamptz NOT NULL
);
COMMENT ON TABLE privacy.destructions IS 'Evidence of what was destroyed because its time was over. Append-only.';
COMMENT ON COLUMN privacy.destructions.rule IS 'The period and its source, as they stood in the schedule that day.';
COMMENT ON COLUMN privacy.destructions.cutoff_on IS 'Everything of this class whose period began on or before this day was due.';
COMMENT ON COLUMN privacy.destructions.digest IS 'SHA-256 over the sorted identifiers of what was destroyed.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON privacy.destructions
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON privacy.destructions
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE privacy.lookups (
    id         uuid        NOT NULL PRIMARY KEY,
    viewer     text        NOT NULL CHECK (length(viewer) BETWEEN 1 AND 128),
    kind       text        NOT NULL CHECK (kind IN ('view', 'search')),
    subject_id uuid,
    is_related boolean     NOT NULL,
    searched   bytea       CHECK (length(searched) = 16),
    next       bytea       CHECK (length(next) = 16),
    looked_at  timestamptz NOT NULL,
    CHECK (kind = 'search' OR (subject_id IS NOT NULL AND searched IS NULL AND next IS NULL))
);
CREATE INDEX lookups_by_viewer ON privacy.lookups (viewer, looked_at);
CREATE INDEX lookups_by_next ON privacy.lookups (viewer, next) WHERE next IS NOT NULL;
CREATE INDEX lookups_by_time ON privacy.lookups USING brin (looked_at);
COMMENT ON TABLE privacy.lookups IS 'Masked reads and searches by staff, without values. Append-only for six months.';
COMMENT ON COLUMN privacy.lookups.subject_id IS 'Who was looked at or found; null for a search that found nobody.';
COMMENT ON COLUMN privacy.lookups.is_related IS 'Whether the viewer was working on something of this person: a case, a call, a request.';
COMMENT ON COLUMN privacy.lookups.searched IS 'Blind index of the value that was searched for.';
COMMENT ON COLUMN privacy.lookups.next IS 'Blind index of the number after it: a search that follows on another one is found by it.';
CREATE TRIGGER unchangeable BEFORE UPDATE ON privacy.lookups
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
-- 网络安全法: logs are kept for six months at least, whoever asks.
CREATE TRIGGER kept_for_six_months BEFORE DELETE ON privacy.lookups
    FOR EACH ROW WHEN (OLD.looked_at > now() - interval '6 months') EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON privacy.lookups
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE privacy.alerts (
    id        uuid        NOT NULL PRIMARY KEY,
    rule      text        NOT NULL CHECK (rule ~ '^[a-z][a-z0-9_]{0,62}$'),
    viewer    text        NOT NULL CHECK (length(viewer) BETWEEN 1 AND 128),
    count     integer     NOT NULL CHECK (count >= 1),
    threshold integer     NOT NULL CHECK (threshold >= 1 AND count >= threshold),
    from_at   timestamptz NOT NULL,
    raised_at timestamptz NOT NULL CHECK (raised_at > from_at)
);
CREATE INDEX alerts_by_viewer ON privacy.alerts (viewer, rule, raised_at);
COMMENT ON TABLE privacy.alerts IS 'Unusual reading of people''s data, by rule and viewer. Append-only.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON privacy.alerts
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON privacy.alerts
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE privacy.cut_viewers (
    id        uuid        NOT NULL PRIMARY KEY,
    viewer    text        NOT NULL CHECK (length(viewer) BETWEEN 1 AND 128),
    alert_id  uuid        REFERENCES privacy.alerts (id),
    cut_by    text        NOT NULL CHECK (length(cut_by) BETWEEN 1 AND 128),
    cut_at    timestamptz NOT NULL,
    lifted_by text        CHECK (length(lifted_by) BETWEEN 1 AND 128),
    lifted_at timestamptz,
    reason    text        CHECK (length(reason) BETWEEN 1 AND 500),
    CHECK (num_nulls(lifted_by, lifted_at, reason) IN (0, 3)),
    CHECK (lifted_by <> viewer AND lifted_by <> cut_by)
);
CREATE UNIQUE INDEX cut_viewers_now ON privacy.cut_viewers (viewer) WHERE lifted_at IS NULL;
COMMENT ON TABLE privacy.cut_viewers IS 'Who may not see people''s data at present, until another person lifts it.';
COMMENT ON COLUMN privacy.cut_viewers.reason IS 'Why it was lifted.';
CREATE TRIGGER lifted_for_good BEFORE UPDATE ON privacy.cut_viewers
    FOR EACH ROW WHEN (OLD.lifted_at IS NOT NULL) EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON privacy.cut_viewers
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON privacy.cut_viewers
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

-- A scan of one viewer's full views in a window.
CREATE INDEX disclosures_by_viewer_time ON privacy.disclosures (viewer, disclosed_at);

GRANT SELECT, INSERT ON privacy.consents, privacy.requests, privacy.request_history, privacy.exports,
    privacy.export_parts, privacy.restrictions, privacy.destructions, privacy.lookups, privacy.alerts,
    privacy.cut_viewers TO huitong_app;
GRANT UPDATE (state, content, attempts, try_at, closed_at) ON privacy.requests TO huitong_app;
GRANT UPDATE (downloaded_at) ON privacy.exports TO huitong_app;
GRANT UPDATE (data_classes, until_on, destroyed_at) ON privacy.restrictions TO huitong_app;
GRANT UPDATE (lifted_by, lifted_at, reason) ON privacy.cut_viewers TO huitong_app;
GRANT DELETE ON privacy.export_parts, privacy.lookups TO huitong_app;
