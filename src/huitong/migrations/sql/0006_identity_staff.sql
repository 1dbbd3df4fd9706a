-- Room identity, revision 0006: see docs/people.md.
SELECT 1;
