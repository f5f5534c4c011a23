"""Repeatable load and scale measurements: `python -m bench`. How to read them: docs/reference/performance.md."""
