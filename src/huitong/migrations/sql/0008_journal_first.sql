-- Large batches write their journal rows first and lock balances afterwards, so that two of them
-- work at once (decision 0013). Their place in the order of batches is reserved beforehand, ahead
-- of all numbers that are drawn meanwhile, and becomes the last number drawn under the locks.

-- How far places have been reserved. One row.
CREATE TABLE ledger.places (
    only_one boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (only_one),
    reserved bigint  NOT NULL DEFAULT 0 CHECK (reserved >= 0)
);
INSERT INTO ledger.places DEFAULT VALUES;

-- Statement lines are shown from the time at which all lines before them were recorded: the rows
-- of a large batch carry the time before its locks, and others may have come in between.
ALTER TABLE ledger.line_heads ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT 'epoch';
COMMENT ON COLUMN ledger.line_heads.recorded_at IS 'The time on the last line; no later line has an earlier one.';

-- Reserves a number of a batch and those after it, p_gap after the last one drawn or reserved. In a
-- transaction of its own: whoever comes next must not wait for the batch. `previous` is the place
-- reserved before. A lock of the session, taken before anybody can see the reservation, says that
-- the place is on its way, until leave_place.
CREATE FUNCTION ledger.reserve_place(p_gap integer)
RETURNS TABLE (place bigint, previous bigint, recorded_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    SELECT p.reserved INTO previous FROM ledger.places p FOR UPDATE;
    place := greatest(previous, (SELECT last_value FROM ledger.batches)) + p_gap;
    UPDATE ledger.places SET reserved = reserve_place.place;
    PERFORM pg_advisory_lock(4071832, (place & 2147483647)::integer);
    recorded_at := clock_timestamp();
    RETURN NEXT;
END $$;

-- Draws the next number of a batch, in a transaction that has its locks. While a large batch takes
-- its reserved place, nobody draws: a number beyond that place would come before it.
CREATE FUNCTION ledger.draw_place() RETURNS TABLE (sequence bigint, recorded_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4071831);
    sequence := nextval('ledger.batches') << 16;
    recorded_at := clock_timestamp();
    RETURN NEXT;
END $$;

-- Adds sums to balances, once for each account, if nothing can be refused whatever the order of the
-- transfers; raises HT001 otherwise. p_account is sorted: rows are locked in that order.
CREATE FUNCTION ledger.add_net(p_account bigint[], p_debits bigint[], p_credits bigint[], p_currency char(3))
RETURNS void LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE changed bigint;
BEGIN
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
END $$;

CREATE OR REPLACE FUNCTION ledger.post_net(p_account bigint[], p_debits bigint[], p_credits bigint[], p_currency char(3))
RETURNS TABLE (sequence bigint, recorded_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    -- Two large batches always share accounts. The second would find each of those rows changed
    -- under it and check it again one by one, so it waits here instead, before its snapshot.
    IF cardinality(p_account) > 1000 THEN
        PERFORM pg_advisory_xact_lock(4071830);
    END IF;
    PERFORM ledger.add_net(p_account, p_debits, p_credits, p_currency);
    -- After the locks: of two batches that share an account, the later one has the larger sequence.
    RETURN QUERY SELECT d.sequence, d.recorded_at FROM ledger.draw_place() d;
END $$;
ALTER FUNCTION ledger.post_net(bigint[], bigint[], bigint[], char(3)) RESET ALL;

-- The batch has ended, one way or the other: whoever reserved after it need not wait any more.
CREATE FUNCTION ledger.leave_place(p_place bigint) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_unlock(4071832, (p_place & 2147483647)::integer)
$$;

-- Adds the sums of a batch whose journal rows were written at a reserved place, and makes the place
-- the last number drawn. Raises HT001 as add_net does, and HT003 if the place has been passed.
CREATE FUNCTION ledger.take_place(p_place bigint, p_previous bigint, p_numbers integer,
    p_account bigint[], p_debits bigint[], p_credits bigint[], p_currency char(3))
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Places are taken in their order.
    PERFORM pg_advisory_xact_lock_shared(4071832, (p_previous & 2147483647)::integer);
    PERFORM pg_advisory_xact_lock(4071830);
    PERFORM ledger.add_net(p_account, p_debits, p_credits, p_currency);
    PERFORM pg_advisory_xact_lock(4071831);
    IF (SELECT last_value FROM ledger.batches) >= p_place THEN
        RAISE EXCEPTION 'the place has been passed' USING ERRCODE = 'HT003';
    END IF;
    PERFORM setval('ledger.batches', p_place + p_numbers - 1);
END $$;

GRANT SELECT, UPDATE (reserved) ON ledger.places TO huitong_app;
GRANT EXECUTE ON FUNCTION ledger.reserve_place(integer), ledger.draw_place(), ledger.leave_place(bigint),
    ledger.add_net(bigint[], bigint[], bigint[], char(3)),
    ledger.take_place(bigint, bigint, integer, bigint[], bigint[], bigint[], char(3)) TO huitong_app;
-- Only forward, and only by a batch that holds its locks: the application itself may not set the sequence.
ALTER FUNCTION ledger.take_place(bigint, bigint, integer, bigint[], bigint[], bigint[], char(3))
    SECURITY DEFINER SET search_path = pg_catalog;
