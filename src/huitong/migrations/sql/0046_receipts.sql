-- Electronic receipts: one for each transfer and side, made when somebody first asks for it.
CREATE TABLE payments.receipts (
    number         text     NOT NULL PRIMARY KEY CHECK (number ~ '^[0-9]{22}$'),
    account_id     bigint   NOT NULL REFERENCES ledger.accounts (id),
    transfer_id    uuid     NOT NULL,
    owner_id       uuid     NOT NULL,
    key_number     integer  NOT NULL CHECK (key_number > 0),
    content_sealed bytea    NOT NULL,
    CONSTRAINT receipts_once UNIQUE (account_id, transfer_id)
);
COMMENT ON TABLE payments.receipts IS 'Electronic receipts (电子回单): what each says, for ever as it was first made.';
COMMENT ON COLUMN payments.receipts.owner_id IS 'Whose account it was, and with whose data key the content is sealed.';
COMMENT ON COLUMN payments.receipts.key_number IS 'Which key of the home (keys/receipts.json) proves its code.';
COMMENT ON COLUMN payments.receipts.content_sealed IS 'What the paper says, as the bytes that its code stands for.';
GRANT SELECT, INSERT ON payments.receipts TO huitong_app;
