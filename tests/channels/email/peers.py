"""A real mail server for tests: Dovecot (IMAP, LMTP, Sieve) behind Exim (SMTP), on free ports of the loopback.

    with mail_server() as server:
        server.deliver("hilfe@nrw.example", b"From: …")
        server.inbox("aenne@example.org")

Every address at nrw.example and example.org has a mailbox (password `geheim`), except `gibtsnicht…` (refused at
delivery, so that a real bounce comes) and `voll…` (deferred). `fehlt…@nrw.example` is refused in the SMTP dialogue.
Both programs must run as root; `MISSING` says what keeps them from it.
"""

from __future__ import annotations

import contextlib
import imaplib
import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PACKAGES = ("dovecot-imapd", "dovecot-lmtpd", "dovecot-sieve", "exim4-daemon-light", "swaks")
PASSWORD = "geheim"
HOST = "127.0.0.1"
_SECONDS = 20.0


def missing() -> str:
    """Why the peers cannot run here; "" when they can."""
    absent = [name for name in ("dovecot", "exim4", "swaks") if not _which(name)]
    if absent:
        return f"{', '.join(absent)} not installed (packages {' '.join(PACKAGES)})"
    return "" if os.geteuid() == 0 else "Dovecot and Exim are started as root"


@dataclass(kw_only=True)
class MailServer:
    imap_port: int
    smtp_port: int
    lmtp_port: int
    folder: Path
    imaps_port: int = 0  #: 0 = without encryption
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def settings(self, address: str = "hilfe@nrw.example", **more: str) -> dict[str, str]:
        """For `EmailChannel.from_settings`."""
        return {
            "email_address": address,
            "email_name": "Portalservice",
            "email_imap_host": HOST,
            "email_imap_port": str(self.imap_port),
            "email_imap_password": PASSWORD,
            "email_imap_tls": "none",
            "email_smtp_host": HOST,
            "email_smtp_port": str(self.smtp_port),
            "email_smtp_tls": "none",
            "email_secret": "ein-geheimnis-nur-fuer-tests",
            **more,
        }

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    def deliver(self, to: str, data: bytes, sender: str = "aenne@example.org") -> None:
        """Puts the bytes into a mailbox by LMTP, as they are."""
        with smtplib.LMTP(HOST, self.lmtp_port) as client:
            client.sendmail(sender, [to], data)

    def submit(self, to: str, data: bytes, sender: str = "aenne@example.org") -> None:
        """Sends the bytes by SMTP, as a person's own server would."""
        with smtplib.SMTP(HOST, self.smtp_port) as client:
            client.sendmail(sender, [to], data)

    def inbox(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """The mails in a folder, oldest first."""
        with self._login(user) as client:
            if client.select(folder, readonly=True)[0] != "OK":
                return []
            numbers = client.search(None, "ALL")[1][0].split()
            return [client.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in numbers]  # type: ignore[index, misc]

    def wait_for(self, user: str, count: int = 1, folder: str = "INBOX", seconds: float = _SECONDS) -> list[bytes]:
        """The mails of the folder, as soon as there are `count` of them."""
        until(lambda: len(self.inbox(user, folder)) >= count, f"{count} mails for {user}", seconds)
        return self.inbox(user, folder)

    def vacation(self, user: str, text: str = "Bin im Urlaub.") -> None:
        """Switches an out-of-office note on."""
        home = self.folder / "mail" / user
        home.mkdir(parents=True, exist_ok=True)
        (home / "active.sieve").write_text(
            f'require ["vacation"];\nvacation :days 1 :addresses ["{user}"] "{text}";\n', encoding="utf-8"
        )
        subprocess.run(["chown", "-R", "mail:", str(home)], check=True)

    @contextlib.contextmanager
    def _login(self, user: str) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4(HOST, self.imap_port)
        try:
            client.login(user, PASSWORD)
            yield client
        finally:
            client.logout()


@contextlib.contextmanager
def mail_server(*, tls: bool = False) -> Iterator[MailServer]:
    """Starts both and waits until they answer; stops them and removes every trace.

    With `tls`, both speak STARTTLS and Dovecot IMAPS, with a certificate of their own (`certificate`) for 127.0.0.1.
    """
    reason = missing()
    if reason:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="anlaufstelle-mail-"))
    folder.chmod(0o755)
    imap, lmtp, smtp, imaps = _free_ports(4)
    server = MailServer(imap_port=imap, smtp_port=smtp, lmtp_port=lmtp, imaps_port=imaps if tls else 0, folder=folder)
    try:
        if tls:
            _make_certificate(server)
        _start_dovecot(server)
        _start_exim(server)
        yield server
    finally:
        for process in reversed(server.processes):
            process.terminate()
        for process in server.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def until(true: Callable[[], bool], what: str, seconds: float = _SECONDS) -> None:
    """Waits for something to become true; the failure says what did not."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s still no: {what}")
        time.sleep(0.05)


def _make_certificate(server: MailServer) -> None:
    subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=IP:{HOST}"]
    files = ["-keyout", str(server.key), "-out", str(server.certificate)]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    subprocess.run([*command, *files, *subject], check=True, capture_output=True)
    server.key.chmod(0o644)  # Exim reads it as its own user


def _start_dovecot(server: MailServer) -> None:
    folder = server.folder
    for name in ("mail", "run", "state"):
        (folder / name).mkdir()
    shutil.chown(folder / "mail", "mail", "mail")
    config = folder / "dovecot.conf"
    config.write_text(
        f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = peer-{server.imap_port}
protocols = imap lmtp
listen = {HOST}
{f"ssl = yes{chr(10)}ssl_cert = <{server.certificate}{chr(10)}ssl_key = <{server.key}" if server.imaps_port else "ssl = no"}
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
auth_username_format = %Lu
recipient_delimiter = +
submission_host = {HOST}:{server.smtp_port}
default_process_limit = 50
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%u allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {server.imap_port}
  }}
  inet_listener imaps {{
    port = {server.imaps_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = {HOST}
    port = {server.lmtp_port}
  }}
}}
namespace inbox {{
  inbox = yes
}}
protocol lmtp {{
  mail_plugins = sieve
}}
plugin {{
  sieve = file:{folder}/mail/%u/sieve;active={folder}/mail/%u/active.sieve
}}
""",
        encoding="utf-8",
    )
    _run(server, ["dovecot", "-F", "-c", str(config)], (server.imap_port, server.lmtp_port))


def _start_exim(server: MailServer) -> None:
    folder = server.folder
    for name in ("spool", "log"):
        (folder / name).mkdir()
        shutil.chown(folder / name, "Debian-exim", "Debian-exim")
    config = folder / "exim.conf"  # must belong to root
    config.write_text(
        f"""
primary_hostname = mx.example.org
daemon_smtp_ports = {server.smtp_port}
local_interfaces = {HOST}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
never_users =
domainlist local_domains = nrw.example : example.org
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
smtputf8_advertise_hosts = *
{f"tls_advertise_hosts = *{chr(10)}tls_certificate = {server.certificate}{chr(10)}tls_privatekey = {server.key}" if server.imaps_port else "tls_advertise_hosts ="}
host_lookup =
begin acl
check_rcpt:
  deny local_parts = ^fehlt
       message = 5.1.1 Unbekannter Empfaenger
  accept
begin routers
unknown:
  driver = redirect
  local_parts = ^gibtsnicht
  allow_fail
  data = :fail: 550 5.1.1 Unbekannter Empfaenger
full:
  driver = redirect
  local_parts = ^voll
  allow_defer
  data = :defer: 452 4.2.2 Mailbox full
lmtp:
  driver = manualroute
  domains = +local_domains
  transport = lmtp_t
  route_list = * {HOST}
  self = send
begin transports
lmtp_t:
  driver = smtp
  protocol = lmtp
  port = {server.lmtp_port}
  allow_localhost
begin retry
* * F,2m,5s
""",
        encoding="utf-8",
    )
    _run(server, ["exim4", "-C", str(config), "-bdf", "-q10s"], (server.smtp_port,))


def _run(server: MailServer, command: list[str], ports: tuple[int, ...]) -> None:
    found = _which(command[0])
    assert found is not None, command[0]
    process = subprocess.Popen([found, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.processes.append(process)
    for port in ports:
        until(lambda port=port: _answers(port) or process.poll() is not None, f"{command[0]} on port {port}")  # type: ignore[misc]
    if process.poll() is not None:
        raise AssertionError(f"{command[0]} ended at once with {process.returncode}")


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


def _free_ports(count: int) -> list[int]:
    taken = [socket.socket() for _ in range(count)]
    try:
        for each in taken:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in taken]
    finally:
        for each in taken:
            each.close()


def _which(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
