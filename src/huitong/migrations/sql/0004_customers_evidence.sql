-- Room customers, revision 0004: see docs/people.md.
SELECT 1;
