-- A refund that the merchant's balance does not cover: by the fee plan out of its reserve, and then as a debt.
ALTER TABLE payments.fee_plan_versions
    ADD COLUMN refunds_draw_reserve boolean NOT NULL DEFAULT false,
    ADD COLUMN refund_debt_max      bigint  NOT NULL DEFAULT 0 CHECK (refund_debt_max >= 0);
COMMENT ON COLUMN payments.fee_plan_versions.refunds_draw_reserve IS 'Whether a refund takes from the reserve what the merchant''s balance lacks.';
COMMENT ON COLUMN payments.fee_plan_versions.refund_debt_max IS 'Up to which sum owed to us a refund is paid in advance; 0: none is.';

CREATE TABLE payments.refund_covers (
    refund_id    uuid   NOT NULL PRIMARY KEY REFERENCES payments.refunds (id),
    account_id   bigint NOT NULL REFERENCES payments.settled_accounts (account_id),
    from_reserve bigint NOT NULL CHECK (from_reserve >= 0),
    from_owed    bigint NOT NULL CHECK (from_owed >= 0),
    CONSTRAINT refund_covers_cover CHECK (from_reserve > 0 OR from_owed > 0)
);
CREATE INDEX refund_covers_of_account ON payments.refund_covers (account_id);
COMMENT ON TABLE payments.refund_covers IS 'What a refund took from the merchant''s reserve, and what the merchant owes us for it.';
GRANT SELECT, INSERT ON payments.refund_covers TO huitong_app;
