-- Operations: what the platform sees of itself, what it did about it, and who looked at it.
CREATE SCHEMA operations;
GRANT USAGE ON SCHEMA operations TO huitong_app;

CREATE DOMAIN operations.entity_kind AS text
    CHECK (VALUE IN ('address', 'api_key', 'system_key', 'login', 'staff', 'component'));
CREATE DOMAIN operations.entity_name AS text CHECK (VALUE ~ '^[a-z0-9_.:-]{1,64}$');

CREATE TABLE operations.signals (
    minute      timestamptz            NOT NULL CHECK (minute = date_trunc('minute', minute)),
    kind        text                   NOT NULL CHECK (kind ~ '^[a-z_]{1,32}$'),
    entity_kind operations.entity_kind NOT NULL,
    entity      operations.entity_name NOT NULL,
    network     cidr,
    count       bigint                 NOT NULL CHECK (count > 0),
    sketch      bit(4096),
    PRIMARY KEY (minute, kind, entity_kind, entity)
);
COMMENT ON TABLE operations.signals IS 'What was counted in the processes, by minute, kind and entity. Deleted after some hours.';
COMMENT ON COLUMN operations.signals.entity IS 'A public id, the name of a component, or adr_ and the blind index of an address.';
COMMENT ON COLUMN operations.signals.network IS 'For an address, its network without the last part.';
COMMENT ON COLUMN operations.signals.sketch IS 'Linear counting of the different things that it was about: one bit for each hash.';

CREATE TABLE operations.incidents (
    id              uuid                   NOT NULL PRIMARY KEY,
    kind            text                   NOT NULL CHECK (kind ~ '^[a-z_]{1,32}$'),
    severity        text                   NOT NULL CHECK (severity IN ('warning', 'critical')),
    state           text                   NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'resolved')),
    entity_kind     operations.entity_kind NOT NULL,
    entity          operations.entity_name NOT NULL,
    network         cidr,
    evidence        jsonb                  NOT NULL CHECK (jsonb_typeof(evidence) = 'object'),
    opened_at       timestamptz            NOT NULL,
    last_seen_at    timestamptz            NOT NULL CHECK (last_seen_at >= opened_at),
    acknowledged_at timestamptz,
    acknowledged_by text                   CHECK (length(acknowledged_by) BETWEEN 1 AND 128),
    resolved_at     timestamptz,
    resolved_by     text                   CHECK (length(resolved_by) BETWEEN 1 AND 128),
    resolution      text                   CHECK (length(resolution) BETWEEN 1 AND 500),
    CONSTRAINT incidents_acknowledged_by_somebody CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)
        AND (state <> 'acknowledged' OR acknowledged_at IS NOT NULL)),
    CONSTRAINT incidents_resolved_by_somebody CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)
        AND (resolved_at IS NULL) = (resolved_by IS NULL) AND (resolved_at IS NULL) = (resolution IS NULL))
);
CREATE UNIQUE INDEX incidents_one_open ON operations.incidents (kind, entity_kind, entity) WHERE state <> 'resolved';
CREATE INDEX incidents_of_entity ON operations.incidents (entity_kind, entity, kind, resolved_at);
COMMENT ON TABLE operations.incidents IS 'Something that is not well, or somebody who misuses the API; one unresolved for each kind and entity.';
COMMENT ON COLUMN operations.incidents.evidence IS 'The numbers that it was opened for, as they were seen last.';
CREATE FUNCTION operations.refuse_step_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'incident %: % does not become %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'HT002';
END $$;
CREATE TRIGGER incidents_go_forward BEFORE UPDATE OF state ON operations.incidents
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN
        (('open', 'acknowledged'), ('open', 'resolved'), ('acknowledged', 'resolved')))
    EXECUTE FUNCTION operations.refuse_step_back();

CREATE TABLE operations.countermeasures (
    id          uuid                   NOT NULL PRIMARY KEY,
    incident_id uuid                   NOT NULL REFERENCES operations.incidents (id),
    kind        text                   NOT NULL CHECK (kind IN ('throttle', 'challenge', 'block')),
    entity_kind operations.entity_kind NOT NULL CHECK (entity_kind IN ('address', 'api_key', 'login')),
    entity      operations.entity_name NOT NULL,
    taken_at    timestamptz            NOT NULL,
    ends_at     timestamptz            NOT NULL CHECK (ends_at > taken_at),
    lifted_at   timestamptz            CHECK (lifted_at >= taken_at),
    lifted_by   text                   CHECK (length(lifted_by) BETWEEN 1 AND 128),
    lift_reason text                   CHECK (length(lift_reason) BETWEEN 1 AND 500),
    CONSTRAINT countermeasures_lifted_by_somebody CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)
        AND (lifted_at IS NULL) = (lift_reason IS NULL)),
    CONSTRAINT countermeasures_challenge_addresses CHECK (kind <> 'challenge' OR entity_kind = 'address')
);
CREATE INDEX countermeasures_by_end ON operations.countermeasures (ends_at) WHERE lifted_at IS NULL;
CREATE INDEX countermeasures_of_entity ON operations.countermeasures (entity_kind, entity);
CREATE INDEX countermeasures_of_incident ON operations.countermeasures (incident_id);
COMMENT ON TABLE operations.countermeasures IS 'What is done against a caller until an instant. Staff, the bank''s own systems and parts of the platform have none.';

CREATE TABLE operations.incident_steps (
    id          uuid        NOT NULL PRIMARY KEY,
    incident_id uuid        NOT NULL REFERENCES operations.incidents (id),
    step        text        NOT NULL CHECK (step IN ('opened', 'worsened', 'countermeasure_taken', 'countermeasure_lifted',
                                                     'acknowledged', 'resolved')),
    actor       text        NOT NULL CHECK (length(actor) BETWEEN 1 AND 128),
    details     jsonb       NOT NULL,
    at          timestamptz NOT NULL
);
CREATE INDEX incident_steps_of_incident ON operations.incident_steps (incident_id, id);
COMMENT ON TABLE operations.incident_steps IS 'The timeline of an incident. Append-only.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON operations.incident_steps
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON operations.incident_steps
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

CREATE TABLE operations.watchers (
    id          uuid        NOT NULL PRIMARY KEY,
    process     text        NOT NULL CHECK (process IN ('api', 'worker')),
    started_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    ended_at    timestamptz,
    queue_depth integer     NOT NULL CHECK (queue_depth >= 0)
);
COMMENT ON TABLE operations.watchers IS 'The processes that count, and when each was heard of last.';
COMMENT ON COLUMN operations.watchers.ended_at IS 'When it stopped in order, or was given up.';
COMMENT ON COLUMN operations.watchers.queue_depth IS 'Payments that waited for its poster then.';

CREATE TABLE operations.state (
    is_only      boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    news         bigint  NOT NULL DEFAULT 0,
    evaluated_at timestamptz,
    verified_at  timestamptz
);
INSERT INTO operations.state DEFAULT VALUES;
COMMENT ON TABLE operations.state IS 'One row: a number that grows with each change of counter-measures, and when the worker looked last.';
COMMENT ON COLUMN operations.state.verified_at IS 'When the books were last taken up to be verified as a whole.';

GRANT SELECT, INSERT, UPDATE, DELETE ON operations.signals, operations.watchers TO huitong_app;
GRANT SELECT, INSERT ON operations.incidents, operations.countermeasures, operations.incident_steps TO huitong_app;
GRANT UPDATE (severity, state, evidence, last_seen_at, network, acknowledged_at, acknowledged_by, resolved_at, resolved_by,
    resolution) ON operations.incidents TO huitong_app;
GRANT UPDATE (lifted_at, lifted_by, lift_reason) ON operations.countermeasures TO huitong_app;
GRANT SELECT, UPDATE ON operations.state TO huitong_app;

-- How a channel does is asked every few seconds; rows are changed about when they are made.
CREATE INDEX channel_orders_by_time ON payments.channel_orders USING brin (updated_at);
