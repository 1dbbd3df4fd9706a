-- Room privacy, revision 0005: see docs/people.md.
SELECT 1;
