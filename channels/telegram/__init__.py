"""Telegram bots: webhook or polling in, plain text out. Off until configured; see README.md."""

from channels.telegram.channel import TelegramChannel

__all__ = ["TelegramChannel"]
