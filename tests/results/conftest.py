"""Examples may take long on a machine that others use: no deadline for a single one, the test has its timeout."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
