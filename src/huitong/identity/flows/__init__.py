"""What takes more than one transaction, because something slow stands between: a hash, a gateway.

No transaction is open while a password is hashed or a message is sent.
"""
