# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Until when a new checkpoint is waited for, and what is said of one that is not as it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Create
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.kind import VmCheckpoints
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Locked,
    NotVerified,
    OperationFailed,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import join, name_hash, split
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import WriteRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    UNIQUE,
    WEB01,
    having,
    ours,
    point,
    present,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

KEY = "0123456789abcdef"


async def _poll() -> Status:
    raise AssertionError


def operation(status: Status, work: str | None = "create") -> Operation:
    return Operation("job", "j1", _poll, last=status, work=work)


class Provider:
    """A service with one operation, and one arrival."""

    def __init__(
        self, capabilities: Capabilities, running: Operation | None = None, arrival: Operation | None = None
    ) -> None:
        self.capabilities = capabilities
        self._running, self._arrival = running, arrival
        self.sent: list[tuple[Any, ...]] = []

    async def create(self, *given: Any) -> Operation:
        self.sent.append(given)
        return operation(Status("running"))

    async def current_operation(self, _vm: object) -> Operation | None:
        return self._running

    async def readiness(self, _actual: object, _checkpoint: object) -> Operation | None:
        return self._arrival


class Execution:
    """Readings as written, the last for ever; operations end as written."""

    settle_time = 90.0

    def __init__(
        self, *readings: ObservedVm, required_next: bool = False, adopted: bool = False, end: Any = "succeeded"
    ) -> None:
        self._readings, self._end = list(readings), end
        self.required_next, self.adopted = required_next, adopted
        self.waited: list[str] = []

    async def read(self, look: Any) -> Any:
        return await look()

    async def observe(self) -> ObservedVm:
        return self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]

    async def until(self, verified: Any) -> tuple[ObservedVm, bool]:
        now = await self.observe()
        return now, bool(verified(now))

    async def ended(self, _operation: Operation, context: str) -> str:
        self.waited.append(context)
        if isinstance(self._end, Exception):
            raise self._end
        return str(self._end)


Asked = tuple[WriteRequest[ObservedVm], Provider, Checkpoint]


def asked(
    action: Create | None = None,
    *there: Checkpoint,
    capabilities: Capabilities = SERVICE,
    running: Operation | None = None,
    arrival: Operation | None = None,
) -> Asked:
    """The request, the service, and the checkpoint as it will be listed once it is whole."""
    provider = Provider(capabilities, running, arrival)
    kind = VmCheckpoints(cast(Any, provider), WEB01, present(), 10.0)
    found = kind.write(action or Create(WEB01, "", name="nightly"), having(*there), Progress())
    virtual(cast(Any, found.send))
    ((_vm, name, text),) = provider.sent
    description, mark = split(text)
    return found, provider, point("n1", "1m", name=name, description=description, mark=mark)


def completed(of: Asked, now: Sequence[Checkpoint], execution: Execution | None = None) -> Completed:
    async def complete() -> Completed:
        assert of[0].complete is not None
        return await of[0].complete(having(*now), cast(Any, execution or Execution(having(*now))))

    return virtual(complete)


def refused(of: Asked, now: Sequence[Checkpoint], execution: Execution | None = None) -> CheckpointError:
    with pytest.raises(CheckpointError) as raised:
        completed(of, now, execution)
    return raised.value


def test_what_is_sent_is_the_name_and_the_text_with_the_mark() -> None:
    found, provider, made = asked(Create(WEB01, "", name="nightly", description="weekly work"))
    assert made.mark is not None
    assert provider.sent == [(WEB01, "nightly", join("weekly work", made.mark))]
    assert (found.context, found.nonce) == ('creating checkpoint "nightly"', made.mark.nonce)
    assert (made.mark.created, made.mark.name, len(made.mark.nonce)) == (NOW, name_hash("nightly"), 12)
    assert (made.mark.safety, made.mark.power, made.mark.key, made.mark.target) == (False, None, None, None)
    assert (found.taken, found.may_leave_remains) == (None, False)


def test_what_a_reading_shows_of_it() -> None:
    found, _provider, made = asked(None, point("a1"))
    assert found.verified_after_loss is not None
    assert found.remains is not None
    bare = replace(made, mark=None)
    for now, ours_surely, ours_likely in ((made, True, True), (bare, False, True), (point("a1"), False, False)):
        there = having(point("a1"), now)
        assert (found.verified(there), found.verified_after_loss(there)) == (ours_likely, ours_surely)
        left = found.remains(there)
        text = "It left the checkpoint n1 behind, which may be unusable." if ours_likely else ""
        assert (left.changed, left.text, found.result(there)) == (ours_likely, text, now if ours_likely else None)


def test_where_names_are_unique_the_name_is_enough() -> None:
    found, _provider, _made = asked(capabilities=UNIQUE)
    assert found.taken is not None
    for now, there in ((having(point("x", name="NIGHTLY")), True), (having(point("x", name="nightly-2")), False)):
        assert (found.verified(now), found.taken(now)) == (there, there)
    assert found.may_leave_remains


@pytest.mark.parametrize(("power", "kept"), [("on", "on"), ("off", "off"), ("unknown", None), (None, None)])
def test_the_mark_of_a_safety_checkpoint_says_how_the_vm_ran_and_where_it_goes(power: Any, kept: str | None) -> None:
    before = having(power="unknown" if power is None else power)
    progress = Progress(before=None if power is None else before)
    action = Create(WEB01, "", name="safety", safety=True, key=KEY, back_from="t1")
    provider = Provider(SERVICE)
    kind = VmCheckpoints(cast(Any, provider), WEB01, present(), 10.0)
    virtual(cast(Any, kind.write(action, having(), progress).send))
    mark = split(provider.sent[0][2])[1]
    assert mark is not None
    assert (mark.safety, mark.power, mark.key) == (True, kept, KEY)
    assert mark.target is not None


def test_the_power_state_is_kept_by_a_safety_checkpoint_alone() -> None:
    provider = Provider(SERVICE)
    kind = VmCheckpoints(cast(Any, provider), WEB01, present(), 10.0)
    progress = Progress(before=having(power="on"))
    virtual(cast(Any, kind.write(Create(WEB01, "", name="nightly"), having(), progress).send))
    mark = split(provider.sent[0][2])[1]
    assert mark is not None
    assert mark.power is None


def test_one_that_is_whole_is_done_without_another_reading() -> None:
    of, no_readings = asked(), Execution()
    assert completed(of, [of[2]], no_readings) == Completed(of[2])


def test_the_host_s_id_is_waited_for() -> None:
    of = asked()
    young = replace(of[2], usability="unknown")
    execution = Execution(having(of[2]))
    assert completed(of, [young], execution) == Completed(of[2])
    assert execution.waited == []


@pytest.mark.parametrize(
    ("running", "waited"),
    [
        (operation(Status("running")), True),
        (operation(Status("succeeded")), False),
        (operation(Status("running"), "restore"), False),
        (operation(Status("running"), None), False),
        (None, False),
    ],
)
@pytest.mark.parametrize("end", ["succeeded", Locked("busy."), OperationFailed("broken.")])
def test_a_create_that_still_runs_is_waited_for_however_it_ends(
    running: Operation | None, waited: bool, end: object
) -> None:
    """It may be somebody else's: a reading tells what came of ours."""
    of = asked(running=running)
    young = replace(of[2], usability="unknown")
    execution = Execution(having(young), having(of[2]), end=end)
    assert completed(of, [young], execution) == Completed(of[2])
    assert execution.waited == (['creating checkpoint "nightly"'] if waited else [])


def test_one_whose_end_nobody_sees_is_said_to_be_open() -> None:
    of = asked()
    young = replace(of[2], usability="unknown")
    assert completed(of, [young]) == Completed(
        young,
        (),
        (
            'checkpoint "nightly" (n1) exists, but the host\'s id for it did not come within 1m30s; whether it is '
            "usable is open.",
        ),
    )


@pytest.mark.parametrize(
    ("action", "required_next", "said"),
    [
        (
            Create(WEB01, "", name="nightly", require_usable=True),
            False,
            'creating checkpoint "nightly": n1 exists, but nobody can say yet whether it is usable, and max_age takes '
            "nothing less. Look at it and run the task again.",
        ),
        (
            Create(WEB01, "", name="nightly"),
            True,
            'checkpoint "nightly" (n1) exists, but nobody can say yet whether it is usable, so the rest of the plan '
            "was not carried out. Look at it and run the task again.",
        ),
    ],
)
def test_where_something_rests_on_it_an_open_end_is_an_error(action: Create, required_next: bool, said: str) -> None:
    of = asked(action)
    young = replace(of[2], usability="unknown")
    problem = refused(of, [young], Execution(having(young), required_next=required_next))
    assert (type(problem), str(problem)) == (NotVerified, said)


def test_one_that_has_gone_again() -> None:
    of = asked()
    problem = refused(of, [])
    assert (type(problem), str(problem)) == (
        NotVerified,
        'creating checkpoint "nightly": it was there and is gone again.',
    )


def test_after_a_lost_answer_only_what_is_surely_ours_counts() -> None:
    of = asked()
    bare = replace(of[2], mark=None)
    assert refused(of, [bare], Execution(having(bare), adopted=True)).message.endswith("is gone again.")


def test_one_that_is_unusable() -> None:
    of = asked()
    problem = refused(of, [replace(of[2], usability="unusable")])
    assert (type(problem), str(problem)) == (
        OperationFailed,
        'creating checkpoint "nightly": it was made, and the service shows it as unusable (n1). Run the task again, or '
        "look why it failed.",
    )


def test_one_that_was_to_be_pinned_by_its_mark() -> None:
    of = asked(Create(WEB01, "", name="nightly", pin=PinRequest()))
    assert of[2].pin is not None
    assert completed(of, [of[2]]) == Completed(of[2])
    problem = refused(of, [replace(of[2], mark=None)])
    assert (type(problem), str(problem)) == (
        NotVerified,
        'creating checkpoint "nightly": it was made (n1), and is not pinned: the service has not kept the description, '
        "nor this collection's mark in it, which holds the pin. No other description helps. The option pins of "
        "vm_checkpoint_policy keeps checkpoints by name, without a mark.",
    )
    long = asked(Create(WEB01, "", name="nightly", description="x" * 300, pin=PinRequest()))
    assert str(refused(long, [replace(long[2], description="x" * 200, mark=None)])) == (
        'creating checkpoint "nightly": it was made (n1), and is not pinned: the service has cut the description to '
        "200 characters, and this collection's mark with it, which holds the pin. Give a shorter description, or none."
    )


FOREIGN = "It counts as somebody else's, of unknown age where the service shows none."
NO_HELP = "No other description helps; where only a mark tells the age, max_age makes one in each run."


@pytest.mark.parametrize(
    ("sent", "kept", "said"),
    [
        (
            "x" * 300,
            "x" * 200,
            f"has cut the description to 200 characters, and this collection's mark with it. {FOREIGN} "
            "Give a shorter description, or none.",
        ),
        (
            "x" * 300,
            "X" * 200,
            f"has cut the description to 200 characters, and this collection's mark with it. {FOREIGN} "
            "Give a shorter description, or none.",
        ),
        (
            "x" * 300,
            "x" * 40,
            f"has cut the description to 40 characters, and this collection's mark with it. {FOREIGN} {NO_HELP}",
        ),
        (
            None,
            "[hybridvm.check",
            f"has cut the description to 15 characters, and this collection's mark with it. {FOREIGN} {NO_HELP}",
        ),
        (None, "", f"has not kept the description, nor this collection's mark in it. {FOREIGN} {NO_HELP}"),
        (
            "words",
            "other words",
            f'keeps the description as "other words", without this collection\'s mark. {FOREIGN} {NO_HELP}',
        ),
    ],
)
def test_what_has_become_of_the_mark_and_whether_another_description_helps(
    sent: str | None, kept: str, said: str
) -> None:
    of = asked(Create(WEB01, "", name="nightly", description=sent))
    made = replace(of[2], description=kept, mark=None)
    assert completed(of, [made]).warnings == (f'checkpoint "nightly" (n1): the service {said}',)


CUT = (
    'checkpoint "nightly" (n1): the service has not kept the description, nor this collection\'s mark in it. '
    f"{FOREIGN} {NO_HELP}"
)


def test_what_the_service_keeps_otherwise_is_said() -> None:
    of = asked()
    made = of[2]
    for kept, said in (
        (
            replace(made, name="Nightly"),
            ('the service keeps the name "nightly" as "Nightly" (n1). It is known by its mark.',),
        ),
        (
            replace(made, name="other"),
            (
                'the service keeps the name "nightly" as "other" (n1). Tasks will not know it by that name, and make '
                "another one: give it a name that the service keeps.",
            ),
        ),
        (replace(made, mark=None), (CUT,)),
    ):
        assert completed(of, [kept]).warnings == said, kept.name


def test_a_name_and_a_mark_that_are_both_changed() -> None:
    of = asked(Create(WEB01, "", name="nightly work"))
    bare = replace(of[2], name="nightly wor", mark=None)
    found = completed(of, [bare]).warnings
    assert found[0] == 'the service keeps the name "nightly work" as "nightly wor" (n1).'
    assert found[1].startswith('checkpoint "nightly work" (n1): the service has not kept the description')


def test_where_names_are_unique_a_missing_mark_says_nothing() -> None:
    of = asked(capabilities=UNIQUE)
    bare = replace(of[2], mark=None)
    assert completed(of, [bare]) == Completed(bare)


def test_what_others_have_made_at_the_same_time_is_named_and_kept() -> None:
    of = asked(None, point("a1"))
    other = ours("b2")
    found = completed(of, [point("a1"), of[2], other])
    assert found == Completed(
        of[2], (other,), ('somebody made another "nightly" at the same time: b2; both are kept.',)
    )


RUNNING = operation(Status("running", "at 40 %"))


@pytest.mark.parametrize(
    ("action", "required_next", "arrival"),
    [
        (Create(WEB01, "", name="nightly", require_usable=True), False, RUNNING),
        (Create(WEB01, "", name="nightly"), True, RUNNING),
        (Create(WEB01, "", name="nightly"), False, operation(Status("failed"))),
    ],
)
def test_data_that_something_needs_is_waited_for(action: Create, required_next: bool, arrival: Operation) -> None:
    of = asked(action, arrival=arrival)
    execution = Execution(having(of[2]), required_next=required_next)
    assert completed(of, [of[2]], execution) == Completed(of[2])
    assert execution.waited == ['bringing the data of checkpoint "nightly"']
    gone = Execution(having(of[2]), required_next=required_next, end="unknown")
    problem = refused(of, [of[2]], gone)
    assert (type(problem), str(problem)) == (
        NotVerified,
        'bringing the data of checkpoint "nightly": it was there and is gone again.',
    )


def test_data_that_nothing_needs_is_said_to_be_on_its_way() -> None:
    of = asked(arrival=RUNNING)
    execution = Execution(having(of[2]))
    assert completed(of, [of[2]], execution) == Completed(
        replace(of[2], usability="arriving"),
        (),
        (
            'checkpoint "nightly" (n1) exists, and its data is still on its way (at 40 %): it can be restored once all '
            "of it is there.",
        ),
    )
    assert execution.waited == []
