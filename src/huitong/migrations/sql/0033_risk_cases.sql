-- Risk: alerts, written with their decision; the cases that they are grouped into; what people do.
CREATE TABLE risk.cases (
    id           uuid        NOT NULL PRIMARY KEY,
    state        text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'merged')),
    priority     smallint    NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 1000),
    alerts       integer     NOT NULL DEFAULT 0 CHECK (alerts BETWEEN 0 AND 500),
    opened_at    timestamptz NOT NULL,
    last_alert_at timestamptz NOT NULL CHECK (last_alert_at >= opened_at),
    assigned_to  uuid        REFERENCES identity.staff (id),
    assigned_at  timestamptz,
    outcome      text        CHECK (outcome IN ('fraud', 'genuine', 'unclear')),
    closed_at    timestamptz CHECK (closed_at >= opened_at),
    closed_by    uuid        REFERENCES identity.staff (id),
    merged_into  uuid        REFERENCES risk.cases (id),
    CONSTRAINT cases_assigned_whole CHECK ((assigned_to IS NULL) = (assigned_at IS NULL)),
    CONSTRAINT cases_closed_has_outcome CHECK ((state = 'closed') = (outcome IS NOT NULL)
        AND (state = 'closed') = (closed_by IS NOT NULL)),
    CONSTRAINT cases_ended_has_date CHECK ((state = 'open') = (closed_at IS NULL)),
    CONSTRAINT cases_merged_has_other CHECK ((state = 'merged') = (merged_into IS NOT NULL) AND merged_into <> id),
    -- Nobody loses a case that they are working on.
    CONSTRAINT cases_taken_are_not_merged CHECK (state <> 'merged' OR assigned_to IS NULL),
    CONSTRAINT cases_closed_by_who_had_it CHECK (closed_by IS NULL OR closed_by = assigned_to)
) WITH (fillfactor = 80);
CREATE INDEX cases_by_priority ON risk.cases (priority DESC, id) WHERE state = 'open';
CREATE INDEX cases_by_age ON risk.cases (id) WHERE state = 'open';
CREATE INDEX cases_by_investigator ON risk.cases (assigned_to, id) WHERE state = 'open' AND assigned_to IS NOT NULL;
CREATE INDEX cases_by_end ON risk.cases (id DESC) WHERE state = 'closed';
CREATE TRIGGER set_once BEFORE UPDATE ON risk.cases
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('outcome', 'closed_at', 'closed_by', 'merged_into');
COMMENT ON TABLE risk.cases IS 'Alerts that belong together, and who works on them. Once closed or merged a case does not change.';
COMMENT ON COLUMN risk.cases.priority IS 'What to look at first, made from action, weight, money and number of alerts.';
COMMENT ON COLUMN risk.cases.merged_into IS 'The case that took over its alerts, when something was found to connect the two.';

CREATE TABLE risk.alerts (
    decision_id uuid        NOT NULL PRIMARY KEY,
    purpose     text        NOT NULL CHECK (purpose IN ('payment', 'log_in', 'onboarding', 'loan')),
    action      smallint    NOT NULL CHECK (action BETWEEN 0 AND 4),
    raised_at   timestamptz NOT NULL,
    amount      bigint      CHECK (amount > 0),
    currency    char(3)     CHECK (currency ~ '^[A-Z]{3}$'),
    parties     text[]      NOT NULL CHECK (cardinality(parties) <= 20),
    case_id     uuid        REFERENCES risk.cases (id),
    weight      integer     CHECK (weight >= 0),
    CONSTRAINT alerts_amount_has_currency CHECK ((amount IS NULL) = (currency IS NULL)),
    CONSTRAINT alerts_grouped_have_weight CHECK ((case_id IS NULL) = (weight IS NULL))
);
CREATE INDEX alerts_to_group ON risk.alerts (decision_id) WHERE case_id IS NULL;
CREATE INDEX alerts_by_case ON risk.alerts (case_id, decision_id) WHERE case_id IS NOT NULL;
COMMENT ON TABLE risk.alerts IS 'A decision that people should look at, written in the transaction of the decision.';
COMMENT ON COLUMN risk.alerts.parties IS 'Who took part: side (actor, counterparty, means), kind and key, such as actor:account:00000000000003e8.';
COMMENT ON COLUMN risk.alerts.case_id IS 'None until the worker has grouped it.';
COMMENT ON COLUMN risk.alerts.weight IS 'Weights of the rules that were true, and 100 times the score of the model.';
CREATE FUNCTION risk.keep_alert_grouped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.case_id IS NULL OR (OLD.case_id <> NEW.case_id
            AND NOT EXISTS (SELECT FROM risk.cases WHERE id = OLD.case_id AND state = 'merged' AND merged_into = NEW.case_id)) THEN
        RAISE EXCEPTION 'alert % stays in its case', OLD.decision_id USING ERRCODE = 'HT002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_grouped BEFORE UPDATE ON risk.alerts
    FOR EACH ROW EXECUTE FUNCTION risk.keep_alert_grouped();

CREATE TABLE risk.case_entities (
    case_id  uuid    NOT NULL REFERENCES risk.cases (id),
    kind     text    NOT NULL CHECK (kind IN ('customer', 'account', 'device', 'address', 'merchant', 'mobile')),
    key      bytea   NOT NULL CHECK (length(key) = CASE kind WHEN 'account' THEN 8 WHEN 'mobile' THEN 32 ELSE 16 END),
    is_actor boolean NOT NULL,
    PRIMARY KEY (kind, key, case_id)
);
CREATE INDEX case_entities_by_case ON risk.case_entities (case_id);
COMMENT ON TABLE risk.case_entities IS 'Who and what takes part in the alerts of a case. Ids only.';
COMMENT ON COLUMN risk.case_entities.is_actor IS 'Whether some alert is about what they did, and not about what came to them.';

-- Both directions are looked for, so each link stands under both of its ends.
CREATE TABLE risk.links (
    kind       text        NOT NULL,
    key        bytea       NOT NULL,
    other_kind text        NOT NULL,
    other_key  bytea       NOT NULL,
    type       text        NOT NULL CHECK (type IN ('owns', 'uses', 'pays')),
    is_forward boolean     NOT NULL,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL CHECK (last_at >= first_at),
    times      integer     NOT NULL CHECK (times > 0),
    PRIMARY KEY (kind, key, other_kind, other_key, type, is_forward)
);
CREATE INDEX links_by_time ON risk.links (last_at);
COMMENT ON TABLE risk.links IS 'What alerts say about who belongs to whom: one row for each end. Ids only.';
COMMENT ON COLUMN risk.links.is_forward IS 'Whether kind and key are who owns, uses or pays.';

CREATE TABLE risk.case_entries (
    id        uuid        NOT NULL PRIMARY KEY,
    case_id   uuid        NOT NULL REFERENCES risk.cases (id),
    type      text        NOT NULL CHECK (type IN
        ('opened', 'alert', 'merged', 'related', 'assigned', 'released', 'note', 'list_proposed', 'overturned', 'closed')),
    at        timestamptz NOT NULL,
    actor     text        NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    about     text        CHECK (length(about) BETWEEN 1 AND 64),
    note      text        CHECK (length(note) BETWEEN 1 AND 2000)
);
CREATE INDEX case_entries_with_note ON risk.case_entries (case_id) WHERE note IS NOT NULL;
CREATE INDEX case_entries_by_case ON risk.case_entries (case_id, id);
COMMENT ON TABLE risk.case_entries IS 'What happened with a case. Append-only, but for notes of cases that were closed long ago.';
COMMENT ON COLUMN risk.case_entries.about IS 'Public id of what it is about: a decision, another case, a member of staff, a request.';
-- A note may be blanked ten years after its case was closed (反洗钱法 Art. 34), and nothing else changes.
CREATE FUNCTION risk.keep_case_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.note IS NOT NULL OR to_jsonb(NEW) - 'note' <> to_jsonb(OLD) - 'note'
            OR NOT EXISTS (SELECT FROM risk.cases WHERE id = OLD.case_id AND closed_at < now() - interval '10 years') THEN
        RAISE EXCEPTION 'entry % of a case stays as it is', OLD.id USING ERRCODE = 'HT002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_entry BEFORE UPDATE OR DELETE ON risk.case_entries
    FOR EACH ROW EXECUTE FUNCTION risk.keep_case_entry();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON risk.case_entries
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

-- Two people agreed that a decision was wrong; who they are stands with their request.
CREATE TABLE risk.overturns (
    decision_id   uuid        NOT NULL PRIMARY KEY,
    approval_id   uuid        NOT NULL UNIQUE REFERENCES identity.approvals (id),
    reason        text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    overturned_at timestamptz NOT NULL,
    exempt_until  timestamptz CHECK (exempt_until > overturned_at)
);
COMMENT ON TABLE risk.overturns IS 'Decisions that were found wrong. Append-only.';
COMMENT ON COLUMN risk.overturns.exempt_until IS 'Until when rules let this payer pay this payee; none if nothing was let through.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON risk.overturns
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON risk.overturns
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

ALTER TABLE risk.labels DROP CONSTRAINT labels_source_check,
    ADD CONSTRAINT labels_source_check CHECK (source IN ('case', 'dispute', 'customer', 'import', 'overturn'));
ALTER TABLE risk.list_entries DROP CONSTRAINT list_entries_kind_check,
    ADD CONSTRAINT list_entries_kind_check CHECK (kind IN ('customer', 'account', 'device', 'address', 'merchant', 'mobile', 'pair')),
    -- A pair is so narrow that to block or watch one makes no sense.
    ADD CONSTRAINT list_entries_pairs_are_allowed CHECK (kind <> 'pair' OR list = 'allow');
COMMENT ON COLUMN risk.list_entries.key IS 'Id (16 bytes), account number (8, big-endian), IPv6 or mapped IPv4 address (16), blind index of a mobile number (32), payer''s and payee''s account numbers (16).';

GRANT SELECT, INSERT ON risk.cases, risk.alerts, risk.case_entities, risk.links, risk.case_entries, risk.overturns TO huitong_app;
GRANT UPDATE (state, priority, alerts, last_alert_at, assigned_to, assigned_at, outcome, closed_at, closed_by, merged_into) ON risk.cases TO huitong_app;
GRANT UPDATE (case_id, weight) ON risk.alerts TO huitong_app;
GRANT UPDATE (is_actor) ON risk.case_entities TO huitong_app;
GRANT UPDATE (first_at, last_at, times), DELETE ON risk.links TO huitong_app;
GRANT UPDATE (note) ON risk.case_entries TO huitong_app;
