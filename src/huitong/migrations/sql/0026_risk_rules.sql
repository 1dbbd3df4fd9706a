-- Risk: versions of rules and what they would have done; lists of known entities.
CREATE TABLE risk.rule_versions (
    id             uuid        NOT NULL PRIMARY KEY,
    purpose        text        NOT NULL CHECK (purpose IN ('payment', 'log_in', 'onboarding', 'loan')),
    number         integer     NOT NULL CHECK (number >= 1),
    rules          text        NOT NULL CHECK (octet_length(rules) <= 1048576),
    digest         bytea       NOT NULL,
    state          text        NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'shadow', 'live', 'retired')),
    backtest_id    uuid,
    approval_id    uuid        REFERENCES identity.approvals (id),
    effective_from date,
    effective_to   date,
    created_by     text        NOT NULL CHECK (length(created_by) BETWEEN 1 AND 128),
    created_at     timestamptz NOT NULL,
    UNIQUE (purpose, number),
    CONSTRAINT rules_digest_is_of_rules CHECK (digest = sha256(convert_to(rules, 'UTF8'))),
    CONSTRAINT rules_live_was_tested_and_approved CHECK (state <> 'live'
        OR (backtest_id IS NOT NULL AND approval_id IS NOT NULL AND effective_from IS NOT NULL)),
    CONSTRAINT rules_effective_in_order CHECK (effective_to >= effective_from)
);
CREATE UNIQUE INDEX rules_one_shadow ON risk.rule_versions (purpose) WHERE state = 'shadow';
CREATE UNIQUE INDEX rules_one_live ON risk.rule_versions (purpose) WHERE state = 'live' AND effective_to IS NULL;
COMMENT ON TABLE risk.rule_versions IS 'Versions of the rules of each purpose. What they say never changes; only how far they have come.';
COMMENT ON COLUMN risk.rule_versions.rules IS 'The rules as canonical JSON: key, predicate, action, weight, reasons, source.';
COMMENT ON COLUMN risk.rule_versions.effective_from IS 'The first business day on which it decides; until before effective_to.';
COMMENT ON COLUMN risk.rule_versions.approval_id IS 'By which decision of two people it went live, or was retired when it was.';

-- Forward only: what was retired never comes back, and what is live was a shadow.
CREATE FUNCTION risk.refuse_step_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rules %: % does not become %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER rules_go_forward BEFORE UPDATE OF state ON risk.rule_versions
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN
        (('draft', 'shadow'), ('shadow', 'live'), ('draft', 'retired'), ('shadow', 'retired'), ('live', 'retired')))
    EXECUTE FUNCTION risk.refuse_step_back();

CREATE TABLE risk.backtests (
    id         uuid        NOT NULL PRIMARY KEY,
    version_id uuid        NOT NULL REFERENCES risk.rule_versions (id),
    result     jsonb       NOT NULL,
    created_by text        NOT NULL CHECK (length(created_by) BETWEEN 1 AND 128),
    created_at timestamptz NOT NULL,
    UNIQUE (id, version_id)
);
CREATE INDEX backtests_of_version ON risk.backtests (version_id, id);
ALTER TABLE risk.rule_versions ADD CONSTRAINT rules_backtest_is_own
    FOREIGN KEY (backtest_id, id) REFERENCES risk.backtests (id, version_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON risk.backtests
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON risk.backtests
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
COMMENT ON TABLE risk.backtests IS 'What a version of rules would have done with stored history. Append-only.';

-- What a process asks for, twice a second, to know whether its rules are still those that decide.
CREATE TABLE risk.rule_news (
    purpose  text   NOT NULL PRIMARY KEY,
    revision bigint NOT NULL CHECK (revision >= 0)
);
INSERT INTO risk.rule_news (purpose, revision) VALUES ('payment', 0), ('log_in', 0), ('onboarding', 0), ('loan', 0);
COMMENT ON TABLE risk.rule_news IS 'Counts changes of state of the versions of each purpose; its row is the lock for them too.';
CREATE FUNCTION risk.tell_rule_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE risk.rule_news SET revision = revision + 1 WHERE purpose = NEW.purpose;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_tell_news AFTER UPDATE ON risk.rule_versions
    FOR EACH ROW EXECUTE FUNCTION risk.tell_rule_news();

CREATE TABLE risk.list_entries (
    id         uuid        NOT NULL PRIMARY KEY,
    list       text        NOT NULL CHECK (list IN ('allow', 'block', 'watch')),
    kind       text        NOT NULL CHECK (kind IN ('customer', 'account', 'device', 'address', 'merchant', 'mobile')),
    key        bytea       NOT NULL CHECK (length(key) = CASE kind WHEN 'account' THEN 8 WHEN 'mobile' THEN 32 ELSE 16 END),
    reason     text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    added_at   timestamptz NOT NULL,
    added_by   uuid        NOT NULL REFERENCES identity.approvals (id),
    expires_at timestamptz CHECK (expires_at > added_at),
    removed_at timestamptz CHECK (removed_at >= added_at),
    removed_by uuid        REFERENCES identity.approvals (id),
    CONSTRAINT list_entries_removed_whole CHECK ((removed_at IS NULL) = (removed_by IS NULL)),
    -- An exception that nobody has to think of again is a hole.
    CONSTRAINT list_entries_allowed_for_a_time CHECK (list <> 'allow' OR expires_at IS NOT NULL)
);
CREATE UNIQUE INDEX list_entries_once ON risk.list_entries (kind, key, list) WHERE removed_at IS NULL;
CREATE TRIGGER set_once BEFORE UPDATE ON risk.list_entries
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('removed_at', 'removed_by');
COMMENT ON TABLE risk.list_entries IS 'Who and what is always allowed, always blocked, or watched, until when and why.';
COMMENT ON COLUMN risk.list_entries.key IS 'Id (16 bytes), account number (8, big-endian), IPv6 or mapped IPv4 address (16), blind index of a mobile number (32).';

GRANT SELECT, INSERT ON risk.rule_versions, risk.backtests, risk.list_entries TO huitong_app;
GRANT UPDATE (state, backtest_id, approval_id, effective_from, effective_to) ON risk.rule_versions TO huitong_app;
GRANT UPDATE (removed_at, removed_by) ON risk.list_entries TO huitong_app;
GRANT SELECT, UPDATE (revision) ON risk.rule_news TO huitong_app;
