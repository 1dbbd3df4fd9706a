-- Room privacy, revision 0002: see docs/people.md.
SELECT 1;
