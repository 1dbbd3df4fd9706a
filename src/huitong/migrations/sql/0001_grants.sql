-- The application's own role: what it may do, table by table, and nothing by default.
GRANT USAGE ON SCHEMA kernel, ledger, customers, payments TO huitong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON kernel.outbox, kernel.replies TO huitong_app;
GRANT SELECT, INSERT ON kernel.audit TO huitong_app;
GRANT SELECT, INSERT, UPDATE ON kernel.api_keys TO huitong_app;
GRANT USAGE ON SCHEMA jobs TO huitong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO huitong_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO huitong_app;
GRANT SELECT, INSERT ON ledger.chart TO huitong_app;
GRANT UPDATE (name_en, name_zh) ON ledger.chart TO huitong_app;
GRANT SELECT, INSERT ON ledger.accounts TO huitong_app;
GRANT UPDATE (closed_at, name) ON ledger.accounts TO huitong_app;
GRANT SELECT, INSERT, UPDATE ON ledger.balances, ledger.meters, ledger.line_heads, ledger.movements TO huitong_app;
GRANT SELECT, INSERT ON ledger.transfers, ledger.refusals, ledger.lines, ledger.snapshots, ledger.closed_days TO huitong_app;
GRANT SELECT, INSERT ON ledger.holds TO huitong_app;
GRANT UPDATE (state, posted_amount, resolved_by) ON ledger.holds TO huitong_app;
GRANT SELECT, UPDATE ON ledger.projection TO huitong_app;
GRANT SELECT, INSERT ON ledger.log_tiles, ledger.log_checkpoints TO huitong_app;
GRANT UPDATE (hashes) ON ledger.log_tiles TO huitong_app;
GRANT SELECT, UPDATE (size, sequence) ON ledger.log_head TO huitong_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA ledger TO huitong_app;
-- The projector reads how far the numbers of batches have come.
GRANT SELECT ON SEQUENCE ledger.batches TO huitong_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ledger TO huitong_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA customers, payments TO huitong_app;
-- What an order was for never changes; how far it has come does.
GRANT UPDATE (status, amount, fee, fee_returned, refunded, refunds, shared, payer_account_id, transfer_id,
    completed_at, failure_code, details) ON payments.orders TO huitong_app;
GRANT UPDATE (returned) ON payments.shares TO huitong_app;
GRANT UPDATE (used_by) ON payments.customer_codes TO huitong_app;
GRANT DELETE ON payments.customer_codes TO huitong_app;
GRANT UPDATE (state, attempts, due_at, updated_at, reason) ON payments.channel_orders TO huitong_app;
-- Partitions are made ahead of time by the worker through a function that acts for the owner.
ALTER FUNCTION ledger.add_partition(date) SECURITY DEFINER SET search_path = pg_catalog;
-- Only the owner of an index may have it brought up to date; the projector does, after each step.
ALTER FUNCTION ledger.summarize_sequences() SECURITY DEFINER SET search_path = pg_catalog;
