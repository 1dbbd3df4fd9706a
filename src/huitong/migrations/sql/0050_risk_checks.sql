-- Risk: the conditions of two tables that every batch of payments writes to, each checked in one.
-- A CHECK is read from its text and prepared again by every statement: 23 of them took longer than
-- the rows of a batch. A trigger's query is prepared once for a session, and asks all rows at once.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint
                 WHERE conrelid IN ('risk.decisions'::regclass, 'risk.features'::regclass) AND contype = 'c'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', each.owner, each.conname);
    END LOOP;
END $$;

-- As with a CHECK, a condition that is NULL holds.
CREATE FUNCTION risk.check_decisions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM new_decisions WHERE NOT (
        purpose IN ('payment', 'log_in', 'onboarding', 'loan')
        AND action BETWEEN 0 AND 4
        AND shadow_action BETWEEN 0 AND 4
        AND fallback IN ('no_rules', 'slow')
        AND length(feature_values) <= 65536
        AND took_us >= 0
        AND (version_id IS NOT NULL OR cardinality(hits) + cardinality(failed) = 0)
        AND (shadow_version_id IS NULL) = (shadow_action IS NULL)
        AND (names_id IS NULL) = (feature_values IS NULL)
        AND (feature_values IS NOT NULL OR fallback IS NOT NULL)
        AND score BETWEEN 0 AND 1
        AND challenger_score BETWEEN 0 AND 1
        AND shadow_score BETWEEN 0 AND 1
        AND model_action BETWEEN 0 AND 4
        AND model_fallback IN ('model_missing', 'model_slow', 'model_drifting', 'features_poisoned', 'model_failed')
        AND (model_id IS NULL) = (score IS NULL)
        AND (challenger_id IS NULL) = (challenger_score IS NULL)
        AND (shadow_model_id IS NULL) = (shadow_score IS NULL)
        AND (model_action IS NOT NULL)
            = CASE WHEN is_challenged THEN challenger_id IS NOT NULL ELSE model_id IS NOT NULL END
        AND (NOT is_challenged OR challenger_id IS NOT NULL)
        AND (model_fallback IS NULL OR model_id IS NULL)
        AND (feature_values IS NOT NULL
            OR (model_id IS NULL AND challenger_id IS NULL AND shadow_model_id IS NULL))
        -- Only a list lets through, or blocks, what the model would not.
        AND (cardinality(listed) > 0 OR action >= model_action)
    )) THEN
        RAISE EXCEPTION 'a decision contradicts itself' USING
            ERRCODE = 'check_violation', SCHEMA = 'risk', TABLE = 'decisions', CONSTRAINT = 'decisions_are_sound';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION risk.check_decisions() IS 'What must hold of each decision, whoever writes it.';
CREATE TRIGGER decisions_are_sound AFTER INSERT ON risk.decisions
    REFERENCING NEW TABLE AS new_decisions FOR EACH STATEMENT EXECUTE FUNCTION risk.check_decisions();
-- Nobody changes one; whoever is let to by hand makes no other kind of it.
CREATE TRIGGER decisions_stay_sound AFTER UPDATE ON risk.decisions
    REFERENCING NEW TABLE AS new_decisions FOR EACH STATEMENT EXECUTE FUNCTION risk.check_decisions();

-- No NaN passes, as it is more than infinity to the database; what is not negative and infinite
-- makes the sum so.
ALTER TABLE risk.features ADD CONSTRAINT features_are_sound CHECK (
    least(count_1m, count_1h, count_1d, count_30d) > 0
    AND least(amount_1h, amount_1d, amount_30d, new_payees_1d, tests_1h, fast_outflows_30d, round_nights_30d) >= 0
    AND count_1m + count_1h + count_1d + count_30d + amount_1h + amount_1d + amount_30d + new_payees_1d + tests_1h
        + fast_outflows_30d + round_nights_30d < 'Infinity'
    AND last_us >= first_us AND others >= 0 AND length(key) BETWEEN 9 AND 17
);
