-- Risk: online features of those who pay and are paid, and of what they pay with.
CREATE SCHEMA risk;
COMMENT ON SCHEMA risk IS 'What may happen, and what it was decided from.';
GRANT USAGE ON SCHEMA risk TO huitong_app;

-- One narrow row for each entity, updated in the transaction that moves the money. Counters decay with
-- the half-life in their name and are as of last_us; weights of late events are decayed instead.
CREATE TABLE risk.features (
    key         bytea            NOT NULL PRIMARY KEY CHECK (length(key) BETWEEN 9 AND 17),
    first_us    bigint           NOT NULL,
    last_us     bigint           NOT NULL CHECK (last_us >= first_us),
    count_1m    double precision NOT NULL CHECK (count_1m > 0 AND count_1m < 'Infinity'),
    count_1h    double precision NOT NULL CHECK (count_1h > 0 AND count_1h < 'Infinity'),
    count_1d    double precision NOT NULL CHECK (count_1d > 0 AND count_1d < 'Infinity'),
    count_30d   double precision NOT NULL CHECK (count_30d > 0 AND count_30d < 'Infinity'),
    amount_1h   double precision NOT NULL CHECK (amount_1h >= 0 AND amount_1h < 'Infinity'),
    amount_1d   double precision NOT NULL CHECK (amount_1d >= 0 AND amount_1d < 'Infinity'),
    amount_30d  double precision NOT NULL CHECK (amount_30d >= 0 AND amount_30d < 'Infinity'),
    others      bigint           NOT NULL CHECK (others >= 0),
    others_day  integer          NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE risk.features IS 'Decayed counters of each payer, payee, device, address and customer.';
COMMENT ON COLUMN risk.features.key IS 'One byte for the kind of entity (1 payer, 2 payee, 3 device, 4 address, 5 customer, 6 payer and payee), then its number or id.';
COMMENT ON COLUMN risk.features.last_us IS 'Microseconds since 1970 of the newest event; the counters are as of then.';
COMMENT ON COLUMN risk.features.others IS 'Linear-counting sketch of 63 bits of the other side on business day others_day.';
COMMENT ON COLUMN risk.features.others_day IS 'Days since 1970 of the business day that the sketch is about.';

GRANT SELECT, INSERT, UPDATE ON risk.features TO huitong_app;
