-- Room risk, revision 0027: the registry of models. See docs/risk.md.
CREATE TABLE risk.models (
    id            uuid        NOT NULL PRIMARY KEY,
    name          text        NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    version       integer     NOT NULL CHECK (version >= 1),
    status        text        NOT NULL DEFAULT 'shadow' CHECK (status IN ('shadow', 'challenger', 'champion', 'retired')),
    onnx          bytea       NOT NULL CHECK (length(onnx) BETWEEN 1 AND 33554432),
    trees         text        NOT NULL CHECK (length(trees) BETWEEN 1 AND 33554432),
    settings      jsonb       NOT NULL,
    digest        bytea       NOT NULL CHECK (length(digest) = 32),
    metrics       jsonb       NOT NULL,
    card          text        NOT NULL CHECK (length(card) BETWEEN 1 AND 65536),
    registered_by text        NOT NULL CHECK (length(registered_by) BETWEEN 1 AND 128),
    registered_at timestamptz NOT NULL,
    UNIQUE (name, version)
);
-- Who decides must never be a question: one champion and one challenger of a name.
CREATE UNIQUE INDEX models_one_champion ON risk.models (name) WHERE status = 'champion';
CREATE UNIQUE INDEX models_one_challenger ON risk.models (name) WHERE status = 'challenger';
COMMENT ON TABLE risk.models IS 'Trained models; nothing of one changes but its status. Decisions name the model that scored them.';
COMMENT ON COLUMN risk.models.onnx IS 'The trees for serving, in ONNX.';
COMMENT ON COLUMN risk.models.trees IS 'The same trees in LightGBM''s text, for explanations.';
COMMENT ON COLUMN risk.models.settings IS 'Names of the features in order, calibration, and the distributions in training that drift is measured against.';
COMMENT ON COLUMN risk.models.digest IS 'SHA-256 of trees and settings; a model that differs from it is not served.';
COMMENT ON COLUMN risk.models.card IS 'The model card, written by the training run (Markdown).';
CREATE TRIGGER retired_for_good BEFORE UPDATE ON risk.models
    FOR EACH ROW WHEN (OLD.status = 'retired') EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON risk.models
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON risk.models
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

GRANT SELECT, INSERT ON risk.models TO huitong_app;
GRANT UPDATE (status) ON risk.models TO huitong_app;
