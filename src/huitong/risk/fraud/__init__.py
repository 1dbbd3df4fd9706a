"""Payment fraud: the history it is learnt from, the model, its evaluation, and cases."""
