# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The third-party libraries, importable whether or not they are installed.

Ansible's sanity import test, and every user before `pip install -r requirements.txt`, loads these files without httpx,
pydantic and anyio. Definitions then get a stand-in; `_module` sees `IMPORT_ERROR` and ends with one clear line before
anything uses it.
"""

from __future__ import annotations

import traceback
import typing as t

IMPORT_ERROR: str | None = None

try:
    import anyio
    import httpx
    import pydantic
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

    class _Missing:
        """Stand-in that lets definitions which use an absent library still be imported."""

        def __getattr__(self, name: str) -> t.Any:
            return self

        def __call__(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
            return self

        def __mro_entries__(self, bases: tuple[t.Any, ...]) -> tuple[type, ...]:
            return ()

    anyio = httpx = pydantic = t.cast(t.Any, _Missing())

__all__ = ["IMPORT_ERROR", "anyio", "httpx", "pydantic"]
