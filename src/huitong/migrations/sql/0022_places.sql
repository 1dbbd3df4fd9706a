-- Room identity, revision 0017: where a try to log in came from. See docs/decisions/0021.
ALTER TABLE identity.attempts
    ADD COLUMN region    text         CHECK (length(region) BETWEEN 1 AND 64),
    ADD COLUMN city      text         CHECK (length(city) BETWEEN 1 AND 64),
    ADD COLUMN latitude  numeric(4,2) CHECK (latitude BETWEEN -90 AND 90),
    ADD COLUMN longitude numeric(5,2) CHECK (longitude BETWEEN -180 AND 180),
    ADD CONSTRAINT attempts_place_whole CHECK (num_nulls(latitude, longitude) IN (0, 2)
        AND (place IS NOT NULL OR num_nonnulls(region, city, latitude) = 0));
COMMENT ON COLUMN identity.attempts.place IS 'Country or territory (ISO 3166-1) that the address is in, as far as is known.';
COMMENT ON COLUMN identity.attempts.latitude IS 'Of the city or, if only that is known, of the region; to about a kilometre.';

ALTER TABLE identity.staff_attempts
    ADD COLUMN place     text         CHECK (place ~ '^[A-Z]{2}$'),
    ADD COLUMN region    text         CHECK (length(region) BETWEEN 1 AND 64),
    ADD COLUMN city      text         CHECK (length(city) BETWEEN 1 AND 64),
    ADD COLUMN latitude  numeric(4,2) CHECK (latitude BETWEEN -90 AND 90),
    ADD COLUMN longitude numeric(5,2) CHECK (longitude BETWEEN -180 AND 180),
    ADD CONSTRAINT staff_attempts_place_whole CHECK (num_nulls(latitude, longitude) IN (0, 2)
        AND (place IS NOT NULL OR num_nonnulls(region, city, latitude) = 0));
