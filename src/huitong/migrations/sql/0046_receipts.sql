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

-- What a file of payments that is a pain.001 is called, so that the answer (pain.002) can name it.
ALTER TABLE payments.bulk_files
    ADD COLUMN message_id   text CHECK (length(message_id) BETWEEN 1 AND 35),
    ADD COLUMN message_name text CHECK (message_name ~ '^pain\.001\.001\.[0-9]{2}$'),
    ADD COLUMN batch_id     text CHECK (length(batch_id) BETWEEN 1 AND 35),
    ADD CONSTRAINT bulk_files_message_whole CHECK ((message_id IS NULL) = (message_name IS NULL)
        AND (message_id IS NULL) = (batch_id IS NULL));
