"""What can be done about customers: one file for each kind of deed."""
