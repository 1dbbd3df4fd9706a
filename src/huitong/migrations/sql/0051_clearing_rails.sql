-- Clearing: the system through which an attempt goes out, and when queued gross payments were offset.
ALTER TABLE payments.channels ADD COLUMN rail text CHECK (rail IN ('hvps', 'beps', 'ibps'));
COMMENT ON COLUMN payments.channels.rail IS 'The system that this way always takes; null if amount, urgency and hours decide.';

CREATE TABLE payments.channel_order_rails (
    channel_order_id uuid        NOT NULL PRIMARY KEY REFERENCES payments.channel_orders (id),
    rail             text        NOT NULL CHECK (rail IN ('hvps', 'beps', 'ibps')),
    is_urgent        boolean     NOT NULL,
    opens_at         timestamptz CHECK (opens_at > planned_at),
    reasons          jsonb       NOT NULL CHECK (jsonb_typeof(reasons) = 'array'),
    planned_at       timestamptz NOT NULL
);
COMMENT ON TABLE payments.channel_order_rails IS 'Through which system (HVPS, BEPS, IBPS) an attempt out goes, and why; CNY only.';
COMMENT ON COLUMN payments.channel_order_rails.opens_at IS 'When the system opens if it is closed at planned_at; hours plan a payment and block none.';

CREATE TABLE payments.clearing_offsets (
    ran_at      timestamptz NOT NULL PRIMARY KEY,
    groups      integer     NOT NULL CHECK (groups >= 0),
    count       integer     NOT NULL CHECK (count >= 2 * groups),
    amount      bigint      NOT NULL CHECK (amount >= 0),
    CONSTRAINT clearing_offsets_of_nothing CHECK ((groups = 0) = (count = 0) AND (groups = 0) = (amount = 0))
);
COMMENT ON TABLE payments.clearing_offsets IS 'When queued gross payments were set off against each other, in how many groups, and how much of them.';

GRANT SELECT, INSERT ON payments.channel_order_rails, payments.clearing_offsets TO huitong_app;
