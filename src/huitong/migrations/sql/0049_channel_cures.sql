-- Payments: breaks are cured by two people, and pay-ins may come by card or from a wallet.
ALTER TABLE payments.channel_breaks
    ADD COLUMN cure text CHECK (cure IN ('book', 'undo', 'close')),
    ADD COLUMN cure_transfer_id uuid,
    ADD COLUMN cured_at timestamptz;
-- What was booked for its order at once never lay in suspense.
UPDATE payments.channel_breaks b
   SET cure = 'book', cure_transfer_id = b.transfer_id, cured_at = b.found_at
  FROM payments.channel_orders c JOIN payments.orders o ON o.id = c.order_id
 WHERE c.id = b.channel_order_id AND b.transfer_id = o.transfer_id AND o.status = 'succeeded';
ALTER TABLE payments.channel_breaks
    ADD CONSTRAINT channel_breaks_cured_whole CHECK ((cure IS NULL) = (cured_at IS NULL)),
    ADD CONSTRAINT channel_breaks_cure_moves_money
        CHECK ((cure IS NOT NULL AND cure <> 'close' AND kind <> 'wrong_amount') = (cure_transfer_id IS NOT NULL)),
    ADD CONSTRAINT channel_breaks_suspense_is_emptied
        CHECK (kind <> 'success_after_failure' OR cure IS DISTINCT FROM 'close');
CREATE INDEX channel_breaks_open ON payments.channel_breaks (found_at) WHERE cure IS NULL;
COMMENT ON COLUMN payments.channel_breaks.cure IS 'book: for the customer after all; undo: the channel gave its money back; close: no money had to move; null: open.';
COMMENT ON COLUMN payments.channel_breaks.cure_transfer_id IS 'What took the money out of suspense; equal to transfer_id where it was booked for its order at once.';

CREATE FUNCTION payments.keep_channel_break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.cure IS NOT NULL THEN
        RAISE EXCEPTION 'break of channel order % is cured', OLD.channel_order_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_cure BEFORE UPDATE ON payments.channel_breaks
    FOR EACH ROW EXECUTE FUNCTION payments.keep_channel_break();

ALTER TABLE payments.channel_orders
    ADD COLUMN kind text NOT NULL DEFAULT 'bank_transfer'
        CHECK (kind IN ('bank_transfer', 'card_acquiring', 'wallet_qr', 'cross_border')),
    ADD COLUMN instrument text CHECK (length(instrument) BETWEEN 1 AND 128),
    ADD CONSTRAINT channel_orders_instrument_of_pay_in
        CHECK ((kind IN ('card_acquiring', 'wallet_qr')) = (instrument IS NOT NULL)
               AND (instrument IS NULL OR direction = 'in'));
ALTER TABLE payments.channel_orders ALTER COLUMN kind DROP DEFAULT;
COMMENT ON COLUMN payments.channel_orders.instrument IS 'What is charged: the acquirer''s token of a card, or the one-time code that a wallet showed. Never a card''s number.';

INSERT INTO payments.channels (name, kind, name_zh, name_en, directions, currencies, is_enabled, changed_at)
VALUES ('cards', 'card_acquiring', '银行卡收单', 'Card acquiring', '{in}', '{CNY}', true, '2026-01-01T00:00:00Z'),
       ('wallet', 'wallet_qr', '钱包扫码', 'Wallet QR', '{in}', '{CNY}', true, '2026-01-01T00:00:00Z')
ON CONFLICT (name) DO NOTHING;

GRANT UPDATE (cure, cure_transfer_id, cured_at) ON payments.channel_breaks TO huitong_app;
