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
