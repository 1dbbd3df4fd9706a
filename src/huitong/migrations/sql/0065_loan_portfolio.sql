-- The portfolio: stage and expected loss of each loan, and figures by business day.
-- Amounts are minor units of the product's currency; rates and shares are millionths.
ALTER TABLE lending.balances
    ADD COLUMN stage         smallint NOT NULL DEFAULT 1 CHECK (stage BETWEEN 1 AND 3),
    ADD COLUMN expected_loss bigint   NOT NULL DEFAULT 0 CHECK (expected_loss >= 0),
    ADD CONSTRAINT balances_end_without_expected_loss CHECK (is_active OR expected_loss = 0),
    ADD CONSTRAINT balances_provide_for_expected_loss CHECK (provision >= expected_loss);
COMMENT ON COLUMN lending.balances.provision IS 'The greater of the expected loss and the share of the class, as the last day was closed.';

-- What valuing a loan needs beside its balances, and what it remembers: changed only when it changes.
CREATE TABLE lending.credit_marks (
    loan         bigint   NOT NULL PRIMARY KEY REFERENCES lending.loans (number),
    grade        smallint NOT NULL CHECK (grade BETWEEN 0 AND 5),
    grade_now    smallint NOT NULL CHECK (grade_now BETWEEN 0 AND 5),
    rate         integer  NOT NULL CHECK (rate BETWEEN 0 AND 1000000),
    ends_day     date     NOT NULL,
    is_level     boolean  NOT NULL,
    is_watched   boolean  NOT NULL DEFAULT false,
    better_day   date     NOT NULL DEFAULT '9999-01-01',
    worst        smallint NOT NULL DEFAULT 0 CHECK (worst BETWEEN 0 AND 5),
    month_bucket smallint NOT NULL DEFAULT -1 CHECK (month_bucket BETWEEN -1 AND 5),
    vintage      date     NOT NULL CHECK (extract(day FROM vintage) = 1),
    use          text     NOT NULL,
    region       text     NOT NULL
);
COMMENT ON COLUMN lending.credit_marks.grade IS 'As it was lent: 1 to 5 for A to E, 0 without one; grade_now as last found.';
COMMENT ON COLUMN lending.credit_marks.better_day IS 'Since when nothing speaks for the stage that the loan is in: its cure has begun.';
COMMENT ON COLUMN lending.credit_marks.worst IS 'The worst bucket of days past due that the loan was ever in, 0 (none) to 5.';
COMMENT ON COLUMN lending.credit_marks.month_bucket IS 'The bucket at the last month''s end; -1 for loans that were not lent yet, or have ended.';

-- Figures are written with each chunk of the close and summed up as the day is done: chunk -1 is the
-- whole day. Reading sums over chunks, so it is right in between, too.
CREATE TABLE lending.portfolio_figures (
    day           date     NOT NULL,
    chunk         integer  NOT NULL CHECK (chunk >= -1),
    product_id    smallint NOT NULL REFERENCES lending.products (id),
    grade         smallint NOT NULL,
    class         smallint NOT NULL,
    stage         smallint NOT NULL,
    bucket        smallint NOT NULL,
    use           text     NOT NULL,
    region        text     NOT NULL,
    loans         integer  NOT NULL CHECK (loans > 0),
    principal     bigint   NOT NULL CHECK (principal >= 0),
    owed          bigint   NOT NULL CHECK (owed >= principal),
    overdue       bigint   NOT NULL CHECK (overdue BETWEEN 0 AND owed),
    expected_loss bigint   NOT NULL CHECK (expected_loss >= 0),
    provision     bigint   NOT NULL CHECK (provision >= expected_loss),
    PRIMARY KEY (day, chunk, product_id, grade, class, stage, bucket, use, region)
);
COMMENT ON TABLE lending.portfolio_figures IS 'Active loans as a business day closed, counted and summed by what they have in common.';
CREATE TABLE lending.portfolio_losses (
    day           date     NOT NULL,
    chunk         integer  NOT NULL CHECK (chunk >= -1),
    product_id    smallint NOT NULL REFERENCES lending.products (id),
    stage         smallint NOT NULL CHECK (stage BETWEEN 1 AND 3),
    scenario      text     NOT NULL,
    exposure      bigint   NOT NULL CHECK (exposure >= 0),
    expected_loss bigint   NOT NULL CHECK (expected_loss >= 0),
    PRIMARY KEY (day, chunk, product_id, stage, scenario)
);
COMMENT ON TABLE lending.portfolio_losses IS 'Expected loss if a scenario came, without its weight.';
CREATE TABLE lending.portfolio_rolls (
    day         date     NOT NULL,
    chunk       integer  NOT NULL CHECK (chunk >= -1),
    product_id  smallint NOT NULL REFERENCES lending.products (id),
    from_bucket smallint NOT NULL CHECK (from_bucket BETWEEN 0 AND 5),
    to_bucket   smallint NOT NULL CHECK (to_bucket BETWEEN 0 AND 7),
    loans       integer  NOT NULL CHECK (loans > 0),
    PRIMARY KEY (day, chunk, product_id, from_bucket, to_bucket)
);
COMMENT ON COLUMN lending.portfolio_rolls.to_bucket IS 'Buckets of days past due as months end; 6 is paid off, 7 written off.';
CREATE TABLE lending.portfolio_vintages (
    day         date     NOT NULL,
    chunk       integer  NOT NULL CHECK (chunk >= -1),
    product_id  smallint NOT NULL REFERENCES lending.products (id),
    grade       smallint NOT NULL,
    vintage     date     NOT NULL CHECK (vintage <= day),
    loans       integer  NOT NULL CHECK (loans > 0),
    lent        bigint   NOT NULL CHECK (lent > 0),
    owed        bigint   NOT NULL CHECK (owed BETWEEN 0 AND lent),
    late_30     bigint   NOT NULL CHECK (late_30 BETWEEN late_90 AND owed),
    late_90     bigint   NOT NULL CHECK (late_90 >= 0),
    ever_30     bigint   NOT NULL CHECK (ever_30 BETWEEN ever_90 AND lent),
    ever_90     bigint   NOT NULL CHECK (ever_90 >= 0),
    written_off bigint   NOT NULL CHECK (written_off BETWEEN 0 AND lent),
    recovered   bigint   NOT NULL CHECK (recovered >= 0),
    PRIMARY KEY (day, chunk, product_id, grade, vintage)
);
COMMENT ON TABLE lending.portfolio_vintages IS 'Loans of a month of disbursement as a later month ends; principal, ended loans included.';

GRANT SELECT, INSERT ON lending.credit_marks, lending.portfolio_figures, lending.portfolio_losses,
    lending.portfolio_rolls, lending.portfolio_vintages TO huitong_app;
GRANT UPDATE ON lending.credit_marks TO huitong_app;
GRANT DELETE ON lending.portfolio_figures, lending.portfolio_losses, lending.portfolio_rolls,
    lending.portfolio_vintages TO huitong_app;

-- Early warnings: a sign stays open while it is seen, until it is gone or a person closes it.
CREATE TABLE lending.credit_warnings (
    id           uuid        NOT NULL PRIMARY KEY,
    sign         text        NOT NULL CHECK (sign ~ '^[a-z_]{1,32}$'),
    subject      text        NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    customer_id  uuid,
    details      jsonb       NOT NULL,
    found_on     date        NOT NULL,
    last_seen_on date        NOT NULL CHECK (last_seen_on >= found_on),
    outcome      text        CHECK (outcome IN ('gone', 'handled', 'unfounded', 'watched')),
    note         text        CHECK (length(note) BETWEEN 1 AND 1000),
    closed_on    date,
    CONSTRAINT credit_warnings_close_once CHECK ((outcome IS NULL) = (closed_on IS NULL)),
    CONSTRAINT credit_warnings_by_people_have_a_note CHECK (outcome IS NULL OR outcome = 'gone' OR note IS NOT NULL)
);
COMMENT ON COLUMN lending.credit_warnings.subject IS 'A customer''s id, or the part of the portfolio that the sign is about.';
CREATE UNIQUE INDEX credit_warnings_open_once ON lending.credit_warnings (sign, subject) WHERE outcome IS NULL;
CREATE INDEX credit_warnings_closed ON lending.credit_warnings (sign, subject, closed_on) WHERE outcome IS NOT NULL;
CREATE TABLE lending.warned_days (
    day     date        NOT NULL PRIMARY KEY REFERENCES lending.closed_days (day),
    opened  integer     NOT NULL CHECK (opened >= 0),
    gone    integer     NOT NULL CHECK (gone >= 0),
    done_at timestamptz NOT NULL
);
GRANT SELECT, INSERT ON lending.credit_warnings, lending.warned_days TO huitong_app;
GRANT UPDATE (details, last_seen_on, outcome, note, closed_on) ON lending.credit_warnings TO huitong_app;
CREATE INDEX application_steps_decided ON lending.application_steps (at) WHERE step = 'decided';
