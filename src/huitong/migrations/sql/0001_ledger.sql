-- The ledger: chart of accounts, accounts, balances, journal, holds, meters, lines.
CREATE SCHEMA ledger;

CREATE TABLE ledger.chart (
    code        text     NOT NULL PRIMARY KEY CHECK (code ~ '^[1-9][0-9]{3}([.][0-9]{2})?$'),
    name_en     text     NOT NULL,
    name_zh     text     NOT NULL,
    kind        text     NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense')),
    normal_side text     NOT NULL CHECK (normal_side IN ('debit', 'credit')),
    CHECK ((kind IN ('asset', 'expense')) = (normal_side = 'debit'))
);

CREATE SEQUENCE ledger.account_numbers START 1000000001;

-- A number carries two check digits (ISO 7064 MOD 97-10), as in an IBAN.
CREATE TABLE ledger.accounts (
    id         bigint      NOT NULL PRIMARY KEY CHECK (id > 0 AND id % 97 = 1),
    chart_code text        NOT NULL REFERENCES ledger.chart (code),
    currency   char(3)     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    owner_id   uuid,
    system_key text        UNIQUE CHECK (length(system_key) BETWEEN 1 AND 64),
    opened_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at  timestamptz
);
CREATE INDEX accounts_by_owner ON ledger.accounts (owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX accounts_by_chart ON ledger.accounts (chart_code, id);

-- state: 0 open, 1 debits frozen, 2 frozen, 3 closed.
-- limits: 0 none, 1 debits must not exceed credits, 2 credits must not exceed debits.
CREATE TABLE ledger.balances (
    account_id      bigint   NOT NULL PRIMARY KEY REFERENCES ledger.accounts (id),
    currency        char(3)  NOT NULL,
    state           smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
    limits          smallint NOT NULL DEFAULT 0 CHECK (limits BETWEEN 0 AND 2),
    balance_max     bigint   CHECK (balance_max IS NULL OR (balance_max > 0 AND limits = 1)),
    debits_posted   bigint   NOT NULL DEFAULT 0,
    credits_posted  bigint   NOT NULL DEFAULT 0,
    debits_pending  bigint   NOT NULL DEFAULT 0,
    credits_pending bigint   NOT NULL DEFAULT 0,
    CONSTRAINT balances_not_negative CHECK (debits_posted >= 0 AND credits_posted >= 0
        AND debits_pending >= 0 AND credits_pending >= 0),
    CONSTRAINT balances_within_limits CHECK (
        (limits <> 1 OR debits_posted + debits_pending <= credits_posted)
        AND (limits <> 2 OR credits_posted + credits_pending <= debits_posted)
        AND (balance_max IS NULL OR credits_posted + credits_pending - debits_posted <= balance_max)),
    CONSTRAINT balances_closed_is_empty CHECK (state <> 3
        OR (debits_posted = credits_posted AND debits_pending = 0 AND credits_pending = 0))
) WITH (fillfactor = 50);

-- kind: 0 posted, 1 pending, 2 post of a pending one, 3 void, 4 expiry.
-- The identifier is a UUIDv7 made by the client: identity, idempotency and partition in one column.
CREATE TABLE ledger.transfers (
    id                uuid        NOT NULL PRIMARY KEY,
    sequence          bigint      NOT NULL,
    recorded_at       timestamptz NOT NULL,
    debit_account_id  bigint      NOT NULL,
    credit_account_id bigint      NOT NULL,
    amount            bigint      NOT NULL,
    effective_on      date        NOT NULL,
    currency          char(3)     NOT NULL,
    code              smallint    NOT NULL,
    kind              smallint    NOT NULL,
    entry_id          uuid,
    pending_id        uuid,
    corrects_id       uuid,
    CONSTRAINT transfers_sound CHECK (amount >= 0 AND (amount > 0 OR kind IN (3, 4))
        AND debit_account_id <> credit_account_id
        AND kind BETWEEN 0 AND 4 AND (kind >= 2) = (pending_id IS NOT NULL))
) PARTITION BY RANGE (id);
CREATE INDEX transfers_by_sequence ON ledger.transfers USING brin (sequence) WITH (pages_per_range = 32);
CREATE INDEX transfers_by_entry ON ledger.transfers (entry_id) WHERE entry_id IS NOT NULL;
CREATE INDEX transfers_by_correction ON ledger.transfers (corrects_id) WHERE corrects_id IS NOT NULL;
CREATE SEQUENCE ledger.batches;

-- Makes the partition for the month (UTC) that starts on `p_month`; true if it was missing.
CREATE FUNCTION ledger.add_partition(p_month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    name text := 'transfers_' || to_char(p_month, 'YYYY_MM');
    low  text := lpad(to_hex((extract(epoch FROM p_month::timestamp AT TIME ZONE 'UTC') * 1000)::bigint), 12, '0');
    high text := lpad(to_hex((extract(epoch FROM (p_month + interval '1 month')::timestamp AT TIME ZONE 'UTC') * 1000)::bigint), 12, '0');
BEGIN
    IF p_month <> date_trunc('month', p_month)::date THEN
        RAISE EXCEPTION '% is not the first day of a month', p_month;
    END IF;
    IF to_regclass('ledger.' || name) IS NOT NULL THEN RETURN false; END IF;
    EXECUTE format('CREATE TABLE ledger.%I PARTITION OF ledger.transfers FOR VALUES FROM (%L) TO (%L)',
        name, (low || repeat('0', 20))::uuid, (high || repeat('0', 20))::uuid);
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON ledger.%I FOR EACH STATEMENT '
        'EXECUTE FUNCTION kernel.refuse_change()', name);
    RETURN true;
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.transfers
    FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON ledger.transfers
    FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();

-- What became of each pending transfer. state: 0 pending, 1 posted, 2 voided, 3 expired.
CREATE TABLE ledger.holds (
    id                uuid        NOT NULL PRIMARY KEY,
    debit_account_id  bigint      NOT NULL REFERENCES ledger.accounts (id),
    credit_account_id bigint      NOT NULL REFERENCES ledger.accounts (id),
    amount            bigint      NOT NULL CHECK (amount > 0),
    currency          char(3)     NOT NULL,
    expires_at        timestamptz,
    state             smallint    NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
    posted_amount     bigint      NOT NULL DEFAULT 0,
    resolved_by       uuid,
    CHECK ((state = 0) = (resolved_by IS NULL)),
    CHECK (posted_amount BETWEEN 0 AND amount AND (state = 1) = (posted_amount > 0))
) WITH (fillfactor = 80);
CREATE INDEX holds_to_expire ON ledger.holds (expires_at) WHERE state = 0 AND expires_at IS NOT NULL;
CREATE INDEX holds_of_debtor ON ledger.holds (debit_account_id) WHERE state = 0;
CREATE INDEX holds_of_creditor ON ledger.holds (credit_account_id) WHERE state = 0;

-- Identifiers that were refused: the same content gets the same "no" again, other content is refused.
CREATE TABLE ledger.refusals (
    id          uuid        NOT NULL PRIMARY KEY,
    fingerprint bytea       NOT NULL CHECK (length(fingerprint) = 32),
    reason      text        NOT NULL,
    position    smallint,
    account_id  bigint,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- How much an account has used of the caps that rules put on it, by meter, in its current day and year.
CREATE TABLE ledger.meters (
    account_id bigint   NOT NULL REFERENCES ledger.accounts (id),
    meter      smallint NOT NULL,
    on_day     date     NOT NULL,
    day_used   bigint   NOT NULL CHECK (day_used >= 0),
    day_count  integer  NOT NULL CHECK (day_count >= 0),
    year_used  bigint   NOT NULL CHECK (year_used >= 0),
    total_used bigint   NOT NULL CHECK (total_used >= 0),
    PRIMARY KEY (account_id, meter)
) WITH (fillfactor = 50);

-- Statement lines in account order, built behind the hot path from the journal.
CREATE TABLE ledger.lines (
    account_id    bigint      NOT NULL,
    line          bigint      NOT NULL,
    transfer_id   uuid        NOT NULL,
    side          smallint    NOT NULL CHECK (side IN (-1, 1)),
    amount        bigint      NOT NULL CHECK (amount > 0),
    balance_after bigint      NOT NULL,
    other_id      bigint      NOT NULL,
    code          smallint    NOT NULL,
    effective_on  date        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (account_id, line)
);
COMMENT ON COLUMN ledger.lines.side IS '1 for a debit, -1 for a credit; balance_after counts credits minus debits.';

CREATE TABLE ledger.line_heads (
    account_id bigint NOT NULL PRIMARY KEY,
    line       bigint NOT NULL,
    balance    bigint NOT NULL
) WITH (fillfactor = 50);

-- One row: up to which sequence the journal is in `lines`, and the fence for the next step.
CREATE TABLE ledger.projection (
    only_one       boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (only_one),
    sequence       bigint  NOT NULL DEFAULT 0,
    fence_sequence bigint  NOT NULL DEFAULT 0,
    fence_xid      xid8    NOT NULL DEFAULT '0'
);
INSERT INTO ledger.projection DEFAULT VALUES;

-- What moved on each account and business day, kept by the same projection.
CREATE TABLE ledger.movements (
    account_id   bigint NOT NULL,
    effective_on date   NOT NULL,
    debits       bigint NOT NULL CHECK (debits >= 0),
    credits      bigint NOT NULL CHECK (credits >= 0),
    lines        bigint NOT NULL CHECK (lines > 0),
    PRIMARY KEY (account_id, effective_on)
) WITH (fillfactor = 80);

-- Closing balances of a business day, as they were known when the day was closed.
CREATE TABLE ledger.snapshots (
    on_day     date   NOT NULL,
    account_id bigint NOT NULL,
    debits     bigint NOT NULL CHECK (debits >= 0),
    credits    bigint NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (on_day, account_id)
);
CREATE TABLE ledger.closed_days (
    on_day    date        NOT NULL PRIMARY KEY,
    sequence  bigint      NOT NULL,
    closed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Applies the net of plain posted transfers, once for each account, if nothing can be refused
-- whatever their order; raises HT001 otherwise, and the caller then decides one by one.
-- p_account is sorted: rows are locked in that order (hash and merge joins are off to keep it).
CREATE FUNCTION ledger.post_net(p_account bigint[], p_debits bigint[], p_credits bigint[], p_currency char(3))
RETURNS TABLE (sequence bigint, recorded_at timestamptz) LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE changed bigint;
BEGIN
    -- Two large batches always share accounts. The second would find each of those rows changed
    -- under it and check it again one by one, so it waits here instead, before its snapshot.
    IF cardinality(p_account) > 1000 THEN
        PERFORM pg_advisory_xact_lock(4071830);
    END IF;
    UPDATE ledger.balances b
       SET debits_posted = b.debits_posted + n.debits, credits_posted = b.credits_posted + n.credits
      FROM (SELECT unnest(p_account) AS account_id, unnest(p_debits) AS debits, unnest(p_credits) AS credits) n
     WHERE b.account_id = n.account_id
       AND b.currency = p_currency
       AND b.state <= CASE WHEN n.debits > 0 THEN 0 ELSE 1 END
       AND (n.debits = 0 OR b.limits <> 1 OR b.credits_posted - b.debits_posted - b.debits_pending >= n.debits)
       AND (n.credits = 0 OR b.limits <> 2 OR b.debits_posted - b.credits_posted - b.credits_pending >= n.credits)
       AND (n.credits = 0 OR b.balance_max IS NULL
            OR b.credits_posted + b.credits_pending - b.debits_posted + n.credits <= b.balance_max)
       -- Each pending amount may be posted and must still fit then.
       AND b.debits_posted + b.debits_pending <= 9223372036854775807 - n.debits
       AND b.credits_posted + b.credits_pending <= 9223372036854775807 - n.credits;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed <> cardinality(p_account) THEN
        RAISE EXCEPTION 'some account could refuse' USING ERRCODE = 'HT001';
    END IF;
    -- After the locks: of two batches that share an account, the later one has the larger sequence.
    sequence := nextval('ledger.batches') << 16;
    recorded_at := clock_timestamp();
    RETURN NEXT;
END $$;

-- post_net and the journal rows in one call, for small batches.
CREATE FUNCTION ledger.post_plain(p_account bigint[], p_debits bigint[], p_credits bigint[], p_currency char(3),
    p_id uuid[], p_debit bigint[], p_credit bigint[], p_amount bigint[], p_code smallint[], p_effective_on date[],
    p_entry uuid[], p_corrects uuid[])
RETURNS TABLE (sequence bigint, recorded_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    SELECT p.sequence, p.recorded_at INTO sequence, recorded_at
      FROM ledger.post_net(p_account, p_debits, p_credits, p_currency) p;
    -- What was refused once gets the same answer again, even if money has come in since.
    IF EXISTS (SELECT FROM ledger.refusals r WHERE r.id = ANY (p_id)) THEN
        RAISE EXCEPTION 'an identifier was refused before' USING ERRCODE = 'HT001';
    END IF;
    INSERT INTO ledger.transfers (id, sequence, recorded_at, debit_account_id, credit_account_id, amount,
                                  effective_on, currency, code, kind, entry_id, corrects_id)
    SELECT t.id, post_plain.sequence + t.position, post_plain.recorded_at, t.debit, t.credit, t.amount,
           t.effective_on, p_currency, t.code, 0, t.entry, t.corrects
      FROM unnest(p_id, p_debit, p_credit, p_amount, p_code, p_effective_on, p_entry, p_corrects)
           WITH ORDINALITY t(id, debit, credit, amount, code, effective_on, entry, corrects, position);
    RETURN NEXT;
END $$;

-- Brings the index on sequences up to date with rows that were appended since. Until then every
-- search has to read them all; autovacuum does the same, but only now and then. Gives up at once
-- rather than wait for a lock: a longer wait would cancel an autovacuum that holds it.
CREATE FUNCTION ledger.summarize_sequences() RETURNS integer LANGUAGE plpgsql
SET lock_timeout = '20ms' AS $$
DECLARE
    part  regclass;
    total integer := 0;
BEGIN
    FOR part IN
        SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'ledger.transfers_by_sequence'::regclass
         ORDER BY c.relname
    LOOP
        total := total + brin_summarize_new_values(part);
    END LOOP;
    RETURN total;
EXCEPTION WHEN lock_not_available THEN
    RETURN 0;
END $$;

-- Counts uses against the caps of their meters, one row for each; raises HT001 if any cap binds.
CREATE FUNCTION ledger.use_meters(p_account bigint[], p_meter smallint[], p_on_day date[], p_used bigint[],
    p_count integer[], p_day_max bigint[], p_day_count_max integer[], p_year_max bigint[], p_total_max bigint[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE within bigint;
BEGIN
    WITH uses AS (
        SELECT * FROM unnest(p_account, p_meter, p_on_day, p_used, p_count, p_day_max, p_day_count_max,
                             p_year_max, p_total_max)
               n(account_id, meter, on_day, used, count, day_max, day_count_max, year_max, total_max)
    ), counted AS (
        INSERT INTO ledger.meters AS m (account_id, meter, on_day, day_used, day_count, year_used, total_used)
        SELECT account_id, meter, on_day, used, count, used, used FROM uses
            ON CONFLICT (account_id, meter) DO UPDATE
           SET on_day = excluded.on_day,
               day_used = CASE WHEN m.on_day = excluded.on_day THEN m.day_used ELSE 0 END + excluded.day_used,
               day_count = CASE WHEN m.on_day = excluded.on_day THEN m.day_count ELSE 0 END + excluded.day_count,
               year_used = CASE WHEN date_part('year', m.on_day) = date_part('year', excluded.on_day)
                                THEN m.year_used ELSE 0 END + excluded.year_used,
               total_used = m.total_used + excluded.total_used
         WHERE m.on_day <= excluded.on_day OR m.day_count = 0
        RETURNING m.*
    )
    SELECT count(*) INTO within FROM counted c JOIN uses u USING (account_id, meter)
     WHERE c.day_used <= u.day_max AND c.day_count <= u.day_count_max
       AND c.year_used <= u.year_max AND c.total_used <= u.total_max;
    IF within <> cardinality(p_account) THEN
        RAISE EXCEPTION 'some cap could bind' USING ERRCODE = 'HT001';
    END IF;
END $$;

-- Meters, then balances and journal: a whole batch of plain transfers in one call.
CREATE FUNCTION ledger.post_batch(p_account bigint[], p_debits bigint[], p_credits bigint[], p_currency char(3),
    p_id uuid[], p_debit bigint[], p_credit bigint[], p_amount bigint[], p_code smallint[], p_effective_on date[],
    p_entry uuid[], p_corrects uuid[],
    m_account bigint[], m_meter smallint[], m_on_day date[], m_used bigint[], m_count integer[],
    m_day_max bigint[], m_day_count_max integer[], m_year_max bigint[], m_total_max bigint[])
RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(m_account) > 0 THEN
        PERFORM ledger.use_meters(m_account, m_meter, m_on_day, m_used, m_count, m_day_max, m_day_count_max,
                                  m_year_max, m_total_max);
    END IF;
    RETURN (SELECT p.recorded_at FROM ledger.post_plain(p_account, p_debits, p_credits, p_currency, p_id, p_debit,
        p_credit, p_amount, p_code, p_effective_on, p_entry, p_corrects) p);
END $$;

-- The last line of an account that was recorded at or before an instant; 0 if there is none.
-- Lines are recorded in order, so halving finds it with some twenty look-ups.
CREATE FUNCTION ledger.line_at(p_account bigint, p_instant timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 0; high bigint; middle bigint; at timestamptz;
BEGIN
    SELECT line INTO high FROM ledger.line_heads WHERE account_id = p_account;
    IF high IS NULL THEN RETURN 0; END IF;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        SELECT recorded_at INTO at FROM ledger.lines WHERE account_id = p_account AND line = middle;
        IF at <= p_instant THEN low := middle; ELSE high := middle - 1; END IF;
    END LOOP;
    RETURN low;
END $$;
