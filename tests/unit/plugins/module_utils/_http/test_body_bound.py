# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much is unfolded of what is too much: reading stops there, not at the end of the chunk."""

from __future__ import annotations

import gzip
import tracemalloc

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import body
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.body import Body, Unreadable

MIB = 1024 * 1024


def test_a_chunk_that_unfolds_to_too_much_is_not_unfolded_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_BODY", MIB)
    chunk = gzip.compress(bytes(64 * MIB), compresslevel=1, mtime=0)
    taking = Body(httpx.Headers({"content-encoding": "gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="longer than 1 MiB"):
            taking.take(chunk)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB
