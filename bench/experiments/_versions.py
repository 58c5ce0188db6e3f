"""Versions of onnxruntime beside each other, each in an environment of its own, with the same NumPy."""

from __future__ import annotations

from bench.spec import BASELINE, Case, Place, Proof

VERSIONS = (
    "1.16.3", "1.18.1", "1.20.1", "1.22.1", "1.24.4", "1.26.0", "1.29.0", "1.30.0", "1.31.1", "1.32.0",
)  # fmt: skip
"""The last one is that of this project."""
NEWEST = VERSIONS[-1]
OLDER = VERSIONS[:-1]
BESIDE = ("numpy==1.26.4", "onnx==1.16.2")
"""The oldest version knows no NumPy 2; onnx is for the scripts that build models."""

OTHER_RUNTIME = Proof(fact="runtime", relation="!=", expected=1, than=BASELINE)


def place(version: str, *more: str) -> Place:
    return Place(packages=(f"onnxruntime=={version}", *BESIDE, *more))


def case_id(version: str) -> str:
    return f"v{version.replace('.', '_')}"


def plain(version: str, *more: str) -> Case:
    """A version as it comes; `more`: packages beside it."""
    return Case(id=case_id(version), title=version, place=place(version, *more), proofs=(OTHER_RUNTIME,))
