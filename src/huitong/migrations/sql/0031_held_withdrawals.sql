-- Payments: what risk delays or wants reviewed is not sent to a bank yet, and may be cancelled until then.
ALTER TABLE payments.channel_orders
    ADD COLUMN held_until timestamptz,
    DROP CONSTRAINT channel_orders_state_check,
    ADD CONSTRAINT channel_orders_state_check
        CHECK (state IN ('held', 'to_send', 'sent', 'succeeded', 'failed', 'cancelled')),
    ADD CONSTRAINT channel_orders_only_payouts_are_held
        CHECK (direction = 'out' OR (state NOT IN ('held', 'cancelled') AND held_until IS NULL)),
    ADD CONSTRAINT channel_orders_held_were_not_sent CHECK (state <> 'held' OR attempts = 0);
COMMENT ON COLUMN payments.channel_orders.held_until IS 'When a held order is sent without anybody''s word; null while held: only when staff release it.';
DROP INDEX payments.channel_orders_open;
CREATE INDEX channel_orders_open ON payments.channel_orders (due_at)
    WHERE state IN ('to_send', 'sent') OR (state = 'held' AND held_until IS NOT NULL);
CREATE INDEX channel_orders_held ON payments.channel_orders (order_id) WHERE state = 'held';
