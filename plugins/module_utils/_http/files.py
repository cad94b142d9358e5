# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that options of the connection name."""

from __future__ import annotations

import errno
import os
import pathlib
import stat
import typing as t

from .._core.errors import InvalidInput

LARGEST = 1024 * 1024
"""Bytes of a file of keys and certificates."""


OLD_PFX = "Where RC2 and 3DES are forbidden (FIPS), a PFX file that uses them does not open: export it with AES-256."
"""cryptography says of such a file what it says of a wrong password (seen with version 50)."""


def open_file(path: pathlib.Path) -> t.BinaryIO:
    """`path` for reading; OSError for a pipe or a device, which might keep the whole task waiting for ever."""
    return open(path, "rb", opener=_opened)


def _opened(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "no regular file", path)


def read_file(option: str, path: str, largest: int = LARGEST) -> bytes:
    """A file's content; InvalidInput names the option."""
    try:
        file = pathlib.Path(path).expanduser()
        with open_file(file) as stream:
            content = stream.read(largest + 1)
    except OSError as error:
        raise InvalidInput(
            f"{option}: {path} cannot be read ({(error.strerror or 'no file').lower()}).",
            remedy="Check the path, and that the user who runs the module may read the file.",
        ) from None
    except (ValueError, RuntimeError):  # a NUL in the path, or no home directory for ~
        raise InvalidInput(f"{option}: {path} is no path of a file.") from None
    if len(content) > largest:
        raise InvalidInput(f"{option}: {path} is larger than {largest} bytes.")
    return content
