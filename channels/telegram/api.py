"""The Bot API over HTTP: one client per event loop, quiet about what passes through it."""

from __future__ import annotations

import asyncio
import logging
import warnings
from datetime import timedelta
from weakref import WeakKeyDictionary

from telegram import Bot
from telegram.request import HTTPXRequest

CONNECT_SECONDS = 5.0
CONNECTIONS = 32

#: They write the token (in the URL) and texts at INFO and DEBUG; `telegram` also whole answers at ERROR, but all that
#: it has to say there comes as an exception as well.
TALKATIVE = {"httpx": logging.WARNING, "httpcore": logging.WARNING, "telegram": logging.CRITICAL + 1}


class Api:
    """Hands out the `Bot` of the running event loop; connections of one loop are useless in another."""

    def __init__(self, *, token: str, url: str, timeout: timedelta) -> None:
        self.url = url
        self.timeout = timeout
        self._token = token
        self._bots: WeakKeyDictionary[asyncio.AbstractEventLoop, Bot] = WeakKeyDictionary()
        _silence()

    @property
    def bot(self) -> Bot:
        loop = asyncio.get_running_loop()
        if loop not in self._bots:
            self._bots[loop] = self._new_bot()
        return self._bots[loop]

    async def close(self) -> None:
        bot = self._bots.pop(asyncio.get_running_loop(), None)
        if bot is not None:
            await bot.request.shutdown()

    def _new_bot(self) -> Bot:
        """One pool for everything; `Bot.initialize` is left out, it asks the network who we are."""
        request = HTTPXRequest(
            connection_pool_size=CONNECTIONS,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=self.timeout.total_seconds(),
            write_timeout=self.timeout.total_seconds(),
            pool_timeout=CONNECT_SECONDS,
        )
        return Bot(
            self._token,
            base_url=f"{self.url}/bot",
            base_file_url=f"{self.url}/file/bot",
            request=request,
            get_updates_request=request,
        )


def _silence() -> None:
    for name, level in TALKATIVE.items():
        logging.getLogger(name).setLevel(level)
    # We ask for updates as they are: the library's own reading drops a whole batch for one malformed update.
    warnings.filterwarnings("ignore", message=r".*Please use 'Bot\.getUpdates'")
    warnings.filterwarnings("ignore", message=r".*attribute `retry_after` will be of type")
