"""Becomes a program of PostgreSQL: drops root's rights, promises to die with its parent, then executes the program.

A script of its own instead of `preexec_fn`, which can deadlock in a process with threads. It is started by its path
with `python -I -S` and uses the standard library only, so the user it turns into needs no rights on our code.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

#: Exit status when the user cannot pass a folder on the way to `home`; standard error ends with that folder.
CLOSED = 77
#: From <linux/prctl.h>. Cleared when the user changes, so it is asked for afterwards.
PR_SET_PDEATHSIG = 1


def main(parent: str, user: str, group: str, home: str, program: str, *arguments: str) -> None:
    """Never returns: the process is `program` afterwards, or has ended with a reason on standard error."""
    if os.getuid() != int(user):
        os.setgroups([])
        os.setgid(int(group))
        os.setuid(int(user))
    die_with(int(parent))
    pass_through(home)
    os.umask(0o077)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(program, [program, *arguments])  # noqa: S606 - a shell is the last thing wanted here


def die_with(parent: int) -> None:
    """SIGQUIT is PostgreSQL's immediate shutdown: clients hear at once, the log is replayed at the next start."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
    if os.getppid() != parent:
        sys.exit("the parent ended before its child began")


def pass_through(home: str) -> None:
    folder = ""
    for name in home.split("/"):
        folder += name + "/"
        if not os.access(folder, os.X_OK):
            print(folder.rstrip("/"), file=sys.stderr)  # noqa: T201 - the parent reads it
            sys.exit(CLOSED)


if __name__ == "__main__":
    main(*sys.argv[1:])
