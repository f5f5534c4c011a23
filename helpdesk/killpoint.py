"""Named places where a test may stop a process dead. Off unless the test clock is allowed and one is named."""

from __future__ import annotations

import os
import signal


def reach(name: str) -> None:
    """With `HELPDESK_TEST_CLOCK=1` and `HELPDESK_KILL_POINT=<name>`: this process is killed here, as by `kill -9`."""
    if os.environ.get("HELPDESK_KILL_POINT") == name and os.environ.get("HELPDESK_TEST_CLOCK") == "1":
        os.kill(os.getpid(), signal.SIGKILL)
