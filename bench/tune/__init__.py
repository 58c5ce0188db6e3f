"""The reader's own model: look at it, try settings one by one, prove what is left together, say what to set."""
