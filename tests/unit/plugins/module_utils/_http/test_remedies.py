# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When no answer comes: who did not answer, whether anything was sent, and what to do about it."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    ResponseLost,
    Unavailable,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    Script,
    Written,
    link_lost,
    never_left,
    reply,
)


@pytest.mark.parametrize(
    ("trouble", "seconds", "kind", "remedy"),
    [
        (never_left(), 600.0, Unreachable, "Check the URL, the network and the proxy settings."),
        (link_lost(), 600.0, Unavailable, "Try again later; if the service is only slow, raise wait_timeout."),
        (reply(429, retry_after="900"), 600.0, Unavailable, "Try again later, raise wait_timeout, or lower"),
        (reply(), 0.0, Unavailable, "Raise wait_timeout or try again."),
    ],
    ids=["no connection", "broken line", "throttled for long", "no time left"],
)
def test_a_read_without_an_answer(trouble: Written, seconds: float, kind: type[CheckpointError], remedy: str) -> None:
    with pytest.raises(kind) as caught:
        Script(trouble).read(seconds=seconds)
    assert caught.value.subject == "service"
    assert caught.value.remedy.startswith(remedy)


def test_a_write_without_a_connection_changed_nothing_and_one_without_an_answer_may_have() -> None:
    with pytest.raises(Unreachable) as unreachable:
        Script(never_left()).write()
    assert unreachable.value.changed_nothing
    with pytest.raises(ResponseLost) as lost:
        Script(link_lost()).write()
    assert not lost.value.changed_nothing
    assert lost.value.subject == "service"
