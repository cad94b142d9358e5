# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access tokens on disk, for later tasks of the same user; never a secret.

One file for each authority, client and scope, for the owner's eyes only. What others may read, or own, is refused and
not repaired: somebody may have read it, or put it there. A lock lets one of many forks fetch a token, and the others
find it; a file is replaced whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import secrets
import stat
import typing as t
from datetime import datetime

from ..._core.errors import InvalidInput
from ..._core.operation import Deadline
from ..._deps import anyio
from .token import Token, is_usable

NAME = "hybridvm.checkpoints"
LEFT = 300.0
"""A stored token is used if it is valid for so many seconds more."""
PATIENCE = 60.0
"""Seconds to wait for another process that fetches a token; then this one fetches its own."""
_PRIVATE = 0o077


class DiskCache:
    """The token of one client for one scope at one authority."""

    _lock: int
    """The descriptor of the lock's file, from one's turn on."""

    def __init__(
        self,
        environ: t.Mapping[str, str],
        key: t.Sequence[str],
        deadline: Deadline,
        clock: t.Callable[[], datetime],
    ) -> None:
        base, home = environ.get("XDG_CACHE_HOME", ""), environ.get("HOME", "")
        base = base if base.startswith("/") else ""  # a relative one is to be ignored (its specification)
        if not base and not home:
            raise InvalidInput("token_cache: neither HOME nor XDG_CACHE_HOME is set.", remedy="Set HOME.")
        self._directory = pathlib.Path(base) / NAME if base else pathlib.Path(home, ".cache", NAME)
        self._key = list(key)
        name = hashlib.sha256(json.dumps(self._key).encode()).hexdigest()[:32]
        self._file = self._directory / f"{name}.json"
        self._lock_file = self._directory / f"{name}.lock"
        self._deadline = deadline
        self._clock = clock

    async def __aenter__(self) -> DiskCache:
        self._guarded(self._prepare)
        with contextlib.ExitStack() as unfinished:  # as where the lock is refused, or the task ends while it waits
            unfinished.callback(os.close, self._lock)
            self._guarded(self._check_lock)
            ends = anyio.current_time() + PATIENCE
            while not self._locked() and anyio.current_time() < ends:
                if not await self._deadline.sleep(0.1):
                    break
            unfinished.pop_all()
        return self

    async def __aexit__(self, *problem: object) -> None:
        os.close(self._lock)  # which unlocks

    async def load(self) -> Token | None:
        """The stored token, if it is valid for a while."""
        content = self._guarded(self._read)
        try:
            stored = json.loads(content)
            key, token, until = stored["key"], stored["access_token"], float(stored["expires_on"])
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            return None  # there is none yet, of another release, or cut off by a full disk: it is replaced
        left = until - self._clock().timestamp()
        return Token(token, left) if key == self._key and is_usable(token) and left > LEFT else None

    async def store(self, token: Token) -> None:
        """Replace what is stored."""
        until = self._clock().timestamp() + token.seconds
        stored = {"key": self._key, "access_token": token.value, "expires_on": until}
        self._guarded(lambda: self._write(json.dumps(stored).encode()))

    def _guarded(self, action: t.Callable[[], t.Any]) -> t.Any:
        try:
            return action()
        except OSError as error:
            raise InvalidInput(
                f"token_cache: {self._directory} cannot be used ({(error.strerror or 'failed').lower()}).",
                remedy="Let it be written by the user who runs the module, or leave token_cache out.",
            ) from None

    def _prepare(self) -> None:
        self._directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            self._directory.mkdir(mode=0o700)
        remedy = f"Delete {self._directory}; it is made anew with mode 700."
        _check(self._directory, self._directory.lstat(), stat.S_ISDIR, remedy)
        self._lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def _check_lock(self) -> None:
        _check(self._lock_file, os.fstat(self._lock), stat.S_ISREG, "Delete it.")

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without locks: files are replaced whole all the same
        return True

    def _read(self) -> bytes:
        try:
            with open(self._file, "rb", opener=_opened) as stream:
                _check(self._file, os.fstat(stream.fileno()), stat.S_ISREG, "Delete it.")
                return stream.read(1024 * 1024)
        except FileNotFoundError:
            return b""

    def _write(self, content: bytes) -> None:
        part = self._directory / f"{self._file.name}.{secrets.token_hex(8)}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            part.replace(self._file)
        except OSError:
            part.unlink(missing_ok=True)
            raise


def _check(path: pathlib.Path, found: os.stat_result, kind: t.Callable[[int], bool], remedy: str) -> None:
    if not kind(found.st_mode):
        problem = "is not what was put there"
    elif found.st_uid != os.geteuid():
        problem = f"belongs to another user (uid {found.st_uid})"
    elif found.st_mode & _PRIVATE:
        problem = f"is open to other users (mode {stat.S_IMODE(found.st_mode):04o})"
    else:
        return
    raise InvalidInput(f"token_cache: {path} {problem}, so it is not used.", remedy=remedy)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # nobody may ever write into a pipe
