-- Risk: what models said of each decision; who let which model decide; how models do. See docs/risk.md.
ALTER TABLE risk.decisions
    ADD COLUMN model_id         uuid,
    ADD COLUMN score            double precision CHECK (score BETWEEN 0 AND 1),
    ADD COLUMN model_action     smallint CHECK (model_action BETWEEN 0 AND 4),
    ADD COLUMN is_challenged    boolean NOT NULL DEFAULT false,
    ADD COLUMN challenger_id    uuid,
    ADD COLUMN challenger_score double precision CHECK (challenger_score BETWEEN 0 AND 1),
    ADD COLUMN shadow_model_id  uuid,
    ADD COLUMN shadow_score     double precision CHECK (shadow_score BETWEEN 0 AND 1),
    ADD COLUMN model_fallback   text CHECK (model_fallback IN ('model_missing', 'model_slow', 'model_drifting', 'features_poisoned', 'model_failed')),
    ADD CONSTRAINT decisions_score_is_of_a_model CHECK ((model_id IS NULL) = (score IS NULL)),
    ADD CONSTRAINT decisions_challenger_score_is_of_a_model CHECK ((challenger_id IS NULL) = (challenger_score IS NULL)),
    ADD CONSTRAINT decisions_shadow_score_is_of_a_model CHECK ((shadow_model_id IS NULL) = (shadow_score IS NULL)),
    ADD CONSTRAINT decisions_model_action_has_a_score CHECK ((model_action IS NOT NULL)
        = CASE WHEN is_challenged THEN challenger_id IS NOT NULL ELSE model_id IS NOT NULL END),
    ADD CONSTRAINT decisions_challenged_by_a_model CHECK (NOT is_challenged OR challenger_id IS NOT NULL),
    ADD CONSTRAINT decisions_without_score_fell_back CHECK (model_fallback IS NULL OR model_id IS NULL),
    ADD CONSTRAINT decisions_scored_have_values CHECK (feature_values IS NOT NULL
        OR (model_id IS NULL AND challenger_id IS NULL AND shadow_model_id IS NULL)),
    -- Only a list lets through, or blocks, what the model would not.
    ADD CONSTRAINT decisions_hold_the_hardest CHECK (cardinality(listed) > 0 OR action >= model_action);
COMMENT ON COLUMN risk.decisions.model_id IS 'The champion of then, if it gave a score.';
COMMENT ON COLUMN risk.decisions.score IS 'Its calibrated probability.';
COMMENT ON COLUMN risk.decisions.model_action IS 'What the score that counted asked for: the champion''s, or the challenger''s where is_challenged.';
COMMENT ON COLUMN risk.decisions.is_challenged IS 'The challenger''s score counted instead of the champion''s.';
COMMENT ON COLUMN risk.decisions.shadow_model_id IS 'A model that scored without effect.';
COMMENT ON COLUMN risk.decisions.model_fallback IS 'Why the champion gave no score, and rules decided alone.';

-- Who let it decide. A new installation's first model comes with the product, and nobody approves it.
ALTER TABLE risk.models
    ADD COLUMN approval_id   uuid REFERENCES identity.approvals (id),
    ADD COLUMN installed_at  timestamptz,
    ADD COLUMN champion_from timestamptz;
UPDATE risk.models SET installed_at = registered_at, champion_from = registered_at WHERE status = 'champion';
UPDATE risk.models SET status = 'shadow' WHERE status = 'challenger';
CREATE UNIQUE INDEX models_one_installed ON risk.models (name) WHERE installed_at IS NOT NULL;
ALTER TABLE risk.models
    ADD CONSTRAINT models_deciding_was_approved CHECK (status NOT IN ('champion', 'challenger')
        OR approval_id IS NOT NULL OR installed_at IS NOT NULL),
    ADD CONSTRAINT models_champion_has_begun CHECK (status <> 'champion' OR champion_from IS NOT NULL);
COMMENT ON COLUMN risk.models.approval_id IS 'By which decision of two people it last changed its status.';
COMMENT ON COLUMN risk.models.installed_at IS 'When it was installed as the first champion of its name, without an approval.';
COMMENT ON COLUMN risk.models.champion_from IS 'When it last became the champion.';
GRANT UPDATE (approval_id, installed_at, champion_from) ON risk.models TO huitong_app;

-- What takes a model out of use until somebody looked.
CREATE TABLE risk.model_alarms (
    id          uuid        NOT NULL PRIMARY KEY,
    model_id    uuid        NOT NULL REFERENCES risk.models (id),
    cause       text        NOT NULL CHECK (cause IN ('drift', 'decay')),
    details     jsonb       NOT NULL,
    raised_at   timestamptz NOT NULL,
    cleared_at  timestamptz CHECK (cleared_at >= raised_at),
    approval_id uuid        REFERENCES identity.approvals (id),
    CONSTRAINT model_alarms_cleared_by_two CHECK ((cleared_at IS NULL) = (approval_id IS NULL))
);
CREATE UNIQUE INDEX model_alarms_one_open ON risk.model_alarms (model_id, cause) WHERE cleared_at IS NULL;
CREATE INDEX model_alarms_of_model ON risk.model_alarms (model_id, id);
CREATE TRIGGER set_once BEFORE UPDATE ON risk.model_alarms
    FOR EACH ROW EXECUTE FUNCTION identity.refuse_unsetting('cleared_at', 'approval_id');
CREATE TRIGGER never_deleted BEFORE DELETE ON risk.model_alarms
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON risk.model_alarms
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
COMMENT ON TABLE risk.model_alarms IS 'Models that drift or decay: out of use while an alarm is open, which two people clear.';

CREATE TABLE risk.model_drift (
    id          uuid        NOT NULL PRIMARY KEY,
    model_id    uuid        NOT NULL REFERENCES risk.models (id),
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL CHECK (last_at >= first_at),
    decisions   integer     NOT NULL CHECK (decisions >= 1),
    score_psi   double precision NOT NULL CHECK (score_psi >= 0 AND score_psi < 'Infinity'),
    feature_psi jsonb       NOT NULL,
    measured_at timestamptz NOT NULL
);
CREATE INDEX model_drift_of_model ON risk.model_drift (model_id, measured_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON risk.model_drift
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON risk.model_drift
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
COMMENT ON TABLE risk.model_drift IS 'Population stability of the score and the features of stored decisions against training. Append-only.';

CREATE TABLE risk.model_weeks (
    model_id          uuid        NOT NULL REFERENCES risk.models (id),
    week_on           date        NOT NULL CHECK (extract(isodow FROM week_on) = 1),
    role              text        NOT NULL CHECK (role IN ('champion', 'challenger', 'shadow')),
    decisions         bigint      NOT NULL CHECK (decisions >= 1),
    labelled          bigint      NOT NULL CHECK (labelled BETWEEN 0 AND decisions),
    frauds            bigint      NOT NULL CHECK (frauds BETWEEN 0 AND labelled),
    alerts            bigint      NOT NULL CHECK (alerts BETWEEN 0 AND decisions),
    caught            bigint      NOT NULL CHECK (caught >= 0 AND caught <= alerts AND caught <= frauds),
    average_precision double precision CHECK (average_precision BETWEEN 0 AND 1),
    precision_as_trained double precision CHECK (precision_as_trained BETWEEN 0 AND 1),
    measured_at       timestamptz NOT NULL,
    PRIMARY KEY (model_id, week_on, role),
    CONSTRAINT model_weeks_precision_needs_fraud CHECK ((average_precision IS NULL) = (frauds = 0)),
    CONSTRAINT model_weeks_both_precisions CHECK ((average_precision IS NULL) = (precision_as_trained IS NULL))
);
COMMENT ON TABLE risk.model_weeks IS 'How each model did in each week, once its labels had time to arrive; measured again while they come.';
COMMENT ON COLUMN risk.model_weeks.precision_as_trained IS 'Average precision as it would be if fraud were as frequent as in training.';
COMMENT ON COLUMN risk.model_weeks.alerts IS 'Scores above the review threshold; caught are the frauds among them.';

CREATE TABLE risk.model_week_rounds (
    name        text        NOT NULL,
    week_on     date        NOT NULL CHECK (extract(isodow FROM week_on) = 1),
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (name, week_on)
);
COMMENT ON TABLE risk.model_week_rounds IS 'When each week was last measured for the models of a name, scores or none.';

-- What a process asks for to know whether the models that it has are still those that decide.
CREATE TABLE risk.model_news (
    id       smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    revision bigint   NOT NULL CHECK (revision >= 0)
);
INSERT INTO risk.model_news (id, revision) VALUES (1, 0);
COMMENT ON TABLE risk.model_news IS 'Counts new models, changes of their status, and alarms.';
CREATE FUNCTION risk.tell_model_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE risk.model_news SET revision = revision + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER models_tell_news AFTER INSERT OR UPDATE ON risk.models
    FOR EACH STATEMENT EXECUTE FUNCTION risk.tell_model_news();
CREATE TRIGGER model_alarms_tell_news AFTER INSERT OR UPDATE ON risk.model_alarms
    FOR EACH STATEMENT EXECUTE FUNCTION risk.tell_model_news();

GRANT SELECT, INSERT ON risk.model_alarms, risk.model_drift, risk.model_weeks, risk.model_week_rounds TO huitong_app;
GRANT UPDATE (cleared_at, approval_id) ON risk.model_alarms TO huitong_app;
GRANT UPDATE (decisions, labelled, frauds, alerts, caught, average_precision, precision_as_trained, measured_at) ON risk.model_weeks TO huitong_app;
GRANT UPDATE (measured_at) ON risk.model_week_rounds TO huitong_app;
GRANT SELECT, UPDATE (revision) ON risk.model_news TO huitong_app;
