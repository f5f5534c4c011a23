"""Messages by a plain POST, answers in a list in memory: for development and for tests."""

from channels.echo.channel import EchoChannel

__all__ = ["EchoChannel"]
