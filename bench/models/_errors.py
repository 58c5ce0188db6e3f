"""What can go wrong with a model. Apart from the package, so that every module in it can import this."""

from __future__ import annotations


class ModelError(Exception):
    """A model cannot be had. The message is one Chinese sentence for the reader of a terminal."""
