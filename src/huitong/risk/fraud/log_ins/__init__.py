"""Log-ins: how unlike a customer's own they are, and how well attacks are told from them."""
