-- Whom a bank is to pay for an order. Name and number are sealed with the key of the subject that
-- named them, and opened only by the worker that sends the order.
CREATE TABLE payments.channel_payees (
    order_id   uuid  NOT NULL PRIMARY KEY REFERENCES payments.orders (id),
    subject_id uuid  NOT NULL,
    bank_code  text  NOT NULL CHECK (bank_code ~ '^[0-9]{12}$'),
    name       bytea NOT NULL,
    number     bytea NOT NULL,
    sealed_as  text  NOT NULL CHECK (sealed_as IN ('payments.channel_payees', 'payments.corporate_payees'))
);
COMMENT ON TABLE payments.channel_payees IS 'The account at a bank that an order pays, sealed with the key of subject_id as fields of sealed_as. Never changed.';

INSERT INTO payments.channel_payees (order_id, subject_id, bank_code, name, number, sealed_as)
SELECT made.order_id, p.merchant_id, p.bank_code, p.name, p.number, 'payments.corporate_payees'
  FROM (SELECT i.order_id, i.payee_id FROM payments.corporate_instructions i
         WHERE i.order_id IS NOT NULL
         UNION ALL
        SELECT r.order_id, s.payee_id
          FROM payments.standing_runs r JOIN payments.standing_orders s ON s.id = r.standing_order_id
         WHERE r.order_id IS NOT NULL) made
  JOIN payments.corporate_payees p ON p.id = made.payee_id
 WHERE p.bank_code IS NOT NULL;

GRANT SELECT, INSERT ON payments.channel_payees TO huitong_app;

-- A message may come without the payer's bank, and what is credited is confirmed to the bank that sent it.
ALTER TABLE payments.crossborder_payments
    ALTER COLUMN agent_bic DROP NOT NULL,
    ADD COLUMN is_report_due boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT crossborder_ours_name_a_bank CHECK (direction = 'in' OR agent_bic IS NOT NULL),
    ADD CONSTRAINT crossborder_reports_what_was_credited
        CHECK (NOT is_report_due OR (direction = 'in' AND state = 'credited'));
UPDATE payments.crossborder_payments SET agent_bic = NULL WHERE direction = 'in' AND agent_bic = 'XXXXZZXX';
DROP INDEX payments.crossborder_payments_due;
CREATE INDEX crossborder_payments_due ON payments.crossborder_payments (due_at)
    WHERE state IN ('initiated', 'screened', 'sending') OR is_return_due OR is_report_due;
COMMENT ON COLUMN payments.crossborder_payments.agent_bic IS 'The other side''s bank; null where a message from abroad named none.';
ALTER TABLE payments.crossborder_payments ADD COLUMN destroyed_at timestamptz;
COMMENT ON COLUMN payments.crossborder_payments.destroyed_at IS 'When the key of the other side, the message and the papers was destroyed, by schedule.';
CREATE INDEX crossborder_payments_to_destroy ON payments.crossborder_payments (changed_at) WHERE destroyed_at IS NULL;
GRANT DELETE ON payments.crossborder_papers, payments.crossborder_paper_parts TO huitong_app;
GRANT UPDATE (destroyed_at) ON payments.crossborder_payments TO huitong_app;
GRANT UPDATE (is_report_due) ON payments.crossborder_payments TO huitong_app;

-- Unrealised results of positions, booked at the close of each day.
CREATE TABLE payments.fx_revaluations (
    on_day     date          NOT NULL,
    currency   text          NOT NULL REFERENCES payments.fx_positions (currency),
    amount     bigint        NOT NULL,
    cost       bigint        NOT NULL,
    mid        numeric(20,10) CHECK (mid > 0),
    unrealised bigint        NOT NULL,
    booked     bigint        NOT NULL,
    entry_id   uuid,
    made_at    timestamptz   NOT NULL,
    PRIMARY KEY (currency, on_day),
    CONSTRAINT fx_revaluations_nothing_is_worth_nothing
        CHECK ((mid IS NULL) = (amount = 0) AND (amount <> 0 OR unrealised = 0)),
    CONSTRAINT fx_revaluations_booked_by_an_entry CHECK ((booked <> 0) = (entry_id IS NOT NULL))
);
COMMENT ON TABLE payments.fx_revaluations IS 'What a position was worth more than it cost at a day''s close, and what of that was booked then (fen).';
GRANT SELECT, INSERT ON payments.fx_revaluations TO huitong_app;
