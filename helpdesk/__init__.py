"""The ticket core, its tables and its faces."""

from importlib.metadata import version

__version__ = version("anlaufstelle")
