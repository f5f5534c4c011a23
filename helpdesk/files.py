"""Attachments, by the hash of their content: a folder by default, an S3 bucket by URL. The same bytes are kept once."""

from __future__ import annotations

import hashlib

from obstore.store import LocalStore, ObjectStore, from_url

from helpdesk.settings import Settings


class FileStore:
    """Bytes by SHA-256. Sync, like the rest of the core."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def open(cls, settings: Settings) -> FileStore:
        if settings.files_url:
            return cls(from_url(settings.files_url))
        folder = settings.data / "files"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(
            0o700
        )  # what people sent us is nobody else's on this machine; the data folder may be passed through
        return cls(LocalStore(folder))

    def keep(self, data: bytes) -> str:
        """Stores the bytes and returns their name, the SHA-256 in hex. Storing twice is storing once."""
        name = hashlib.sha256(data).hexdigest()
        self._store.put(_path(name), data)
        return name

    def read(self, name: str) -> bytes:
        """Raises `FileNotFoundError`."""
        return bytes(self._store.get(_path(name)).bytes())


def _path(name: str) -> str:
    return f"{name[:2]}/{name}"
