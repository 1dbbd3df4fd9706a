-- Room identity, revision 0003: see docs/people.md.
SELECT 1;
