-- Collections: what is done about loans that are due or overdue, within caps and hours.
-- Amounts are minor units of the loan's currency; days are business days in Shanghai.
CREATE TABLE lending.collection_strategies (
    id             integer     NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    purpose        text        NOT NULL CHECK (purpose IN ('consumer', 'business', 'farm')),
    currency       char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    version        integer     NOT NULL CHECK (version > 0),
    name_zh        text        NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 100),
    name_en        text        NOT NULL CHECK (length(name_en) BETWEEN 1 AND 100),
    effective_from date        NOT NULL,
    approval_id    uuid        NOT NULL UNIQUE,
    agreed_at      timestamptz NOT NULL,
    UNIQUE (purpose, currency, version),
    CONSTRAINT collection_strategies_begin_on_different_days UNIQUE (purpose, currency, effective_from)
);
CREATE TABLE lending.collection_segments (
    strategy_id integer  NOT NULL REFERENCES lending.collection_strategies (id),
    code        text     NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    place       smallint NOT NULL CHECK (place >= 0),
    days_min    integer  NOT NULL,
    amount_min  bigint   NOT NULL CHECK (amount_min >= 0),
    score_max   integer  CHECK (score_max >= 0),
    PRIMARY KEY (strategy_id, code),
    UNIQUE (strategy_id, place),
    CONSTRAINT collection_segments_before_due CHECK ((code = 'before_due') = (place = 0) AND (place = 0) = (days_min <= 0))
);
COMMENT ON TABLE lending.collection_segments IS 'Which cases are treated alike: the first by place that fits takes a case. Place 0 is for loans that are not overdue.';
CREATE TABLE lending.collection_steps (
    strategy_id  integer  NOT NULL,
    segment      text     NOT NULL,
    day          integer  NOT NULL,
    channel      text     NOT NULL CHECK (channel IN ('app', 'sms', 'call', 'letter')),
    is_automatic boolean  NOT NULL CHECK (NOT is_automatic OR channel IN ('app', 'sms')),
    text_zh      text     NOT NULL CHECK (length(text_zh) BETWEEN 1 AND 200),
    text_en      text     NOT NULL CHECK (length(text_en) BETWEEN 1 AND 300),
    PRIMARY KEY (strategy_id, segment, day, channel),
    FOREIGN KEY (strategy_id, segment) REFERENCES lending.collection_segments (strategy_id, code),
    CONSTRAINT collection_steps_before_due CHECK ((segment = 'before_due') = (day <= 0) AND (day > 0 OR is_automatic))
);
COMMENT ON COLUMN lending.collection_steps.day IS 'Days past due on which it is taken; from the due day backwards 0, -1, -2 and so on.';

CREATE TABLE lending.collection_cases (
    number      bigint  NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    id          uuid    NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    loan        bigint  NOT NULL REFERENCES lending.loans (number),
    customer_id uuid    NOT NULL,
    purpose     text    NOT NULL,
    opened_on   date    NOT NULL,
    since_day   date    NOT NULL CHECK (since_day < as_of),
    as_of       date    NOT NULL CHECK (as_of >= opened_on),
    days        integer NOT NULL,
    owed        bigint  NOT NULL CHECK (owed > 0),
    score       integer NOT NULL CHECK (score >= 0),
    strategy_id integer,
    segment     text,
    closed_on   date    CHECK (closed_on >= opened_on),
    outcome     text    CHECK (outcome IN ('paid', 'eased', 'written_off')),
    FOREIGN KEY (strategy_id, segment) REFERENCES lending.collection_segments (strategy_id, code),
    CONSTRAINT collection_cases_count_days CHECK (days = as_of - since_day),
    CONSTRAINT collection_cases_are_placed_whole CHECK ((strategy_id IS NULL) = (segment IS NULL)),
    CONSTRAINT collection_cases_end_once CHECK ((closed_on IS NULL) = (outcome IS NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX collection_cases_one_open ON lending.collection_cases (loan) WHERE closed_on IS NULL;
CREATE INDEX collection_cases_of_loans ON lending.collection_cases (loan, number);
CREATE INDEX collection_cases_of_debtors ON lending.collection_cases (customer_id, number);
CREATE INDEX collection_cases_open ON lending.collection_cases (number) WHERE closed_on IS NULL;
COMMENT ON COLUMN lending.collection_cases.as_of IS 'The business day as of whose beginning days, owed, score and segment stand.';
COMMENT ON COLUMN lending.collection_cases.score IS 'Behaviour of the debtor over all loans: lower is worse.';

CREATE TABLE lending.collection_tasks (
    id           uuid    NOT NULL PRIMARY KEY DEFAULT gen_random_uuid(),
    loan         bigint  NOT NULL REFERENCES lending.loans (number),
    customer_id  uuid    NOT NULL,
    case_number  bigint  REFERENCES lending.collection_cases (number),
    strategy_id  integer NOT NULL,
    segment      text    NOT NULL,
    day          integer NOT NULL,
    channel      text    NOT NULL,
    is_automatic boolean NOT NULL,
    about_day    date    NOT NULL,
    on_day       date    NOT NULL,
    state        text    NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'taken', 'done', 'needless', 'refused', 'unreachable', 'lapsed')),
    rule         text    CHECK ((rule IS NOT NULL) = (state = 'refused')),
    assigned_to  uuid,
    ended_at     timestamptz,
    FOREIGN KEY (strategy_id, segment, day, channel) REFERENCES lending.collection_steps (strategy_id, segment, day, channel),
    CONSTRAINT collection_tasks_once UNIQUE (loan, about_day, day, channel),
    CONSTRAINT collection_tasks_of_cases CHECK ((case_number IS NULL) = (segment = 'before_due')),
    CONSTRAINT collection_tasks_are_taken_by_somebody CHECK (state <> 'taken' OR assigned_to IS NOT NULL),
    CONSTRAINT collection_tasks_end CHECK ((state IN ('waiting', 'taken')) = (ended_at IS NULL))
);
CREATE INDEX collection_tasks_to_send ON lending.collection_tasks (on_day, customer_id) WHERE is_automatic AND state = 'waiting';
CREATE INDEX collection_tasks_queue ON lending.collection_tasks (on_day, id) WHERE NOT is_automatic AND state IN ('waiting', 'taken');
CREATE INDEX collection_tasks_of_debtors ON lending.collection_tasks (customer_id) WHERE state IN ('waiting', 'taken');
COMMENT ON TABLE lending.collection_tasks IS 'Steps of strategies for single loans, each planned once: done by a worker, or by a member of staff who takes it.';
COMMENT ON COLUMN lending.collection_tasks.about_day IS 'The due day that it is about.';

CREATE TABLE lending.collection_contacts (
    id            uuid        NOT NULL PRIMARY KEY,
    task_id       uuid        NOT NULL REFERENCES lending.collection_tasks (id),
    loan          bigint      NOT NULL REFERENCES lending.loans (number),
    customer_id   uuid        NOT NULL,
    channel       text        NOT NULL CHECK (channel IN ('app', 'sms', 'call', 'letter')),
    counts_as     text        NOT NULL CHECK (counts_as IN ('call', 'message')),
    day           date        NOT NULL,
    nth           integer     NOT NULL CHECK (nth BETWEEN 1 AND most),
    most          integer     NOT NULL,
    allowed_from  timestamptz NOT NULL,
    allowed_until timestamptz NOT NULL,
    made_at       timestamptz NOT NULL,
    staff_id      uuid,
    text_zh       text        NOT NULL,
    text_en       text        NOT NULL,
    outcome       text        CHECK (outcome IN ('reached', 'promised', 'refuses', 'disputes', 'no_answer', 'other_person', 'wrong_number', 'sent')),
    outcome_at    timestamptz CHECK (outcome_at >= made_at),
    CONSTRAINT collection_contacts_count_as CHECK ((channel = 'call') = (counts_as = 'call')),
    CONSTRAINT collection_contacts_once_each UNIQUE (customer_id, day, counts_as, nth),
    CONSTRAINT collection_contacts_outside_quiet_hours CHECK (made_at >= allowed_from AND made_at < allowed_until),
    CONSTRAINT collection_contacts_end CHECK ((outcome IS NULL) = (outcome_at IS NULL))
);
CREATE INDEX collection_contacts_of_loans ON lending.collection_contacts (loan, made_at);
CREATE INDEX collection_contacts_of_tasks ON lending.collection_contacts (task_id);
COMMENT ON COLUMN lending.collection_contacts.nth IS 'Which one of the debtor''s that day it is, over all loans and agents; at most the rulebook''s number, which `most` repeats.';
COMMENT ON COLUMN lending.collection_contacts.allowed_from IS 'The hours of that time in which contact is allowed, until allowed_until.';

CREATE TABLE lending.collection_promises (
    id          uuid        NOT NULL PRIMARY KEY,
    case_number bigint      NOT NULL REFERENCES lending.collection_cases (number),
    loan        bigint      NOT NULL REFERENCES lending.loans (number),
    customer_id uuid        NOT NULL,
    amount      bigint      NOT NULL CHECK (amount > 0),
    made_at     timestamptz NOT NULL,
    pay_by      date        NOT NULL,
    staff_id    uuid,
    state       text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'kept', 'broken', 'void')),
    paid        bigint      CHECK (paid >= 0),
    judged_on   date,
    CONSTRAINT collection_promises_are_judged_once CHECK ((state = 'open') = (judged_on IS NULL) AND (judged_on IS NULL) = (paid IS NULL)),
    CONSTRAINT collection_promises_broken_when_due CHECK (state <> 'broken' OR (judged_on >= pay_by AND paid < amount))
);
CREATE UNIQUE INDEX collection_promises_one_open ON lending.collection_promises (loan) WHERE state = 'open';
CREATE INDEX collection_promises_of_cases ON lending.collection_promises (case_number);
CREATE INDEX collection_promises_of_debtors ON lending.collection_promises (customer_id, made_at);
COMMENT ON COLUMN lending.collection_promises.staff_id IS 'Who wrote it down for the debtor; null: the debtor.';

CREATE TABLE lending.collection_hardships (
    id          uuid        NOT NULL PRIMARY KEY,
    loan        bigint      NOT NULL REFERENCES lending.loans (number),
    customer_id uuid        NOT NULL,
    cause       text        NOT NULL CHECK (cause IN ('income_lost', 'illness', 'disaster', 'business_trouble', 'family', 'other')),
    count       integer     NOT NULL CHECK (count BETWEEN 1 AND 480),
    asked_at    timestamptz NOT NULL,
    due_on      date        NOT NULL,
    state       text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'granted', 'refused')),
    decided_at  timestamptz CHECK (decided_at >= asked_at),
    staff_id    uuid,
    reason_zh   text        CHECK (length(reason_zh) BETWEEN 1 AND 500),
    reason_en   text        CHECK (length(reason_en) BETWEEN 1 AND 500),
    event_id    uuid        UNIQUE REFERENCES lending.loan_events (id),
    CONSTRAINT collection_hardships_decide CHECK ((state = 'open') = (decided_at IS NULL)),
    CONSTRAINT collection_hardships_grant_by_a_change CHECK ((state = 'granted') = (event_id IS NOT NULL)),
    CONSTRAINT collection_hardships_refuse_with_reasons CHECK ((state = 'refused') = (reason_zh IS NOT NULL) AND (reason_zh IS NULL) = (reason_en IS NULL))
);
CREATE UNIQUE INDEX collection_hardships_one_open ON lending.collection_hardships (loan) WHERE state = 'open';
CREATE INDEX collection_hardships_of_loans ON lending.collection_hardships (loan, asked_at);
CREATE INDEX collection_hardships_of_debtors ON lending.collection_hardships (customer_id, asked_at);
CREATE INDEX collection_hardships_to_decide ON lending.collection_hardships (due_on, id) WHERE state = 'open';

CREATE TABLE lending.collection_complaints (
    id          uuid        NOT NULL PRIMARY KEY,
    customer_id uuid        NOT NULL,
    about       text        NOT NULL CHECK (about IN ('too_often', 'quiet_hours', 'other_people', 'conduct', 'amount', 'other')),
    words       bytea       NOT NULL,
    made_at     timestamptz NOT NULL,
    due_on      date        NOT NULL,
    answered_at timestamptz CHECK (answered_at >= made_at),
    staff_id    uuid,
    is_upheld   boolean,
    answer_zh   text        CHECK (length(answer_zh) BETWEEN 1 AND 500),
    answer_en   text        CHECK (length(answer_en) BETWEEN 1 AND 500),
    CONSTRAINT collection_complaints_answer CHECK ((answered_at IS NULL) = (staff_id IS NULL) AND (answered_at IS NULL) = (is_upheld IS NULL)
        AND (answered_at IS NULL) = (answer_zh IS NULL) AND (answered_at IS NULL) = (answer_en IS NULL))
);
CREATE INDEX collection_complaints_of_debtors ON lending.collection_complaints (customer_id, made_at);
CREATE INDEX collection_complaints_open ON lending.collection_complaints (due_on, id) WHERE answered_at IS NULL;
COMMENT ON COLUMN lending.collection_complaints.words IS 'What the debtor says, sealed with their key.';

CREATE TABLE lending.collection_days (
    day        date        NOT NULL PRIMARY KEY REFERENCES lending.closed_days (day),
    chunk_size integer     NOT NULL CHECK (chunk_size > 0),
    chunks     integer     NOT NULL CHECK (chunks >= 0),
    started_at timestamptz NOT NULL,
    done_at    timestamptz CHECK (done_at >= started_at)
);
CREATE UNIQUE INDEX collection_days_one_at_a_time ON lending.collection_days ((true)) WHERE done_at IS NULL;
CREATE TABLE lending.collection_chunks (
    day      date        NOT NULL REFERENCES lending.collection_days (day),
    chunk    integer     NOT NULL CHECK (chunk >= 0),
    opened   integer     NOT NULL CHECK (opened >= 0),
    closed   integer     NOT NULL CHECK (closed >= 0),
    kept     integer     NOT NULL CHECK (kept >= 0),
    broken   integer     NOT NULL CHECK (broken >= 0),
    planned  integer     NOT NULL CHECK (planned >= 0),
    done_at  timestamptz NOT NULL,
    PRIMARY KEY (day, chunk)
);
COMMENT ON TABLE lending.collection_chunks IS 'Loans by ranges of numbers that were looked at once a day was closed, written with what followed: each exactly once.';

ALTER TABLE identity.notices
    ADD COLUMN texts     jsonb,
    ADD COLUMN lapses_at timestamptz,
    ADD CONSTRAINT notices_bring_both_texts CHECK (texts IS NULL OR (texts ?& ARRAY['zh', 'en'])),
    ADD CONSTRAINT notices_of_reminders_bring_texts CHECK (texts IS NULL OR kind = 'loan_reminder'),
    ADD CONSTRAINT notices_lapse_after_asking CHECK (lapses_at > asked_at);
COMMENT ON TABLE identity.notices IS 'What people are told by text message. Holds no number, which is opened when it is sent, and no text but that of a reminder, which names nobody.';
COMMENT ON COLUMN identity.notices.lapses_at IS 'From when on it is not sent any more: the beginning of quiet hours.';

GRANT SELECT, INSERT ON lending.collection_strategies, lending.collection_segments, lending.collection_steps,
    lending.collection_cases, lending.collection_tasks, lending.collection_contacts, lending.collection_promises,
    lending.collection_hardships, lending.collection_complaints, lending.collection_days, lending.collection_chunks TO huitong_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA lending TO huitong_app;
GRANT UPDATE (since_day, as_of, days, owed, score, strategy_id, segment, closed_on, outcome) ON lending.collection_cases TO huitong_app;
GRANT UPDATE (state, rule, assigned_to, ended_at) ON lending.collection_tasks TO huitong_app;
GRANT UPDATE (outcome, outcome_at) ON lending.collection_contacts TO huitong_app;
GRANT UPDATE (state, paid, judged_on) ON lending.collection_promises TO huitong_app;
GRANT UPDATE (state, decided_at, staff_id, reason_zh, reason_en, event_id) ON lending.collection_hardships TO huitong_app;
GRANT UPDATE (answered_at, staff_id, is_upheld, answer_zh, answer_en) ON lending.collection_complaints TO huitong_app;
GRANT UPDATE (done_at) ON lending.collection_days TO huitong_app;
