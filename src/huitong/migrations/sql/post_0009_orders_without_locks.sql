-- Three look-ups and share locks for every payment, for what posting has just established (decision
-- 0020). `huitong ledger verify` compares instead.
ALTER TABLE payments.orders
    DROP CONSTRAINT orders_payer_account_id_fkey,
    DROP CONSTRAINT orders_payee_account_id_fkey,
    DROP CONSTRAINT orders_merchant_id_fkey;
