-- Lines of files are kept as they were read, a range in a row, and no longer a line in a row.
ALTER TABLE payments.recon_ranges ADD COLUMN content bytea
    CONSTRAINT recon_ranges_content CHECK (length(content) BETWEEN line_count AND 513 * line_count);
ALTER TABLE payments.recon_ranges ALTER COLUMN content SET STORAGE EXTERNAL;
COMMENT ON COLUMN payments.recon_ranges.content IS 'The lines as they were read, each with its line end; null when they are forgotten.';
CREATE INDEX recon_ranges_kept ON payments.recon_ranges (file_number, first_line) WHERE content IS NOT NULL;

ALTER TABLE payments.recon_files ADD COLUMN stored_at timestamptz;
COMMENT ON COLUMN payments.recon_files.stored_at IS 'When its last range was stored: one that does not go on gives its day free.';
ALTER TABLE payments.recon_files DROP CONSTRAINT recon_files_state_check;
ALTER TABLE payments.recon_files ADD CONSTRAINT recon_files_state_check
    CHECK (state IN ('loading', 'loaded', 'matched', 'refused', 'abandoned'));
ALTER TABLE payments.recon_files DROP CONSTRAINT recon_files_whole_before_matched;
ALTER TABLE payments.recon_files ADD CONSTRAINT recon_files_whole_before_matched
    CHECK (state IN ('loading', 'abandoned') OR loaded = line_count);
DROP INDEX payments.recon_files_one_a_day;
CREATE UNIQUE INDEX recon_files_one_a_day ON payments.recon_files (channel, day)
    WHERE state NOT IN ('refused', 'abandoned');
COMMENT ON COLUMN payments.recon_files.state IS 'refused: next to nothing of it agrees, so that it is of another day or house; abandoned: the rest of it never came, and another file took its day.';

-- A file that was being taken is taken again from its first line.
DELETE FROM payments.recon_ranges r USING payments.recon_files f
 WHERE f.number = r.file_number AND f.state IN ('loading', 'loaded');
UPDATE payments.recon_files SET state = 'loading', loaded = 0
 WHERE state IN ('loading', 'loaded') AND line_count > 0;

GRANT UPDATE (content) ON payments.recon_ranges TO huitong_app;
GRANT UPDATE (stored_at) ON payments.recon_files TO huitong_app;
