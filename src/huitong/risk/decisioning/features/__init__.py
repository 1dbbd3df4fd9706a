"""Online features: narrow rows of decayed counters, and the columns of a batch made from them."""
