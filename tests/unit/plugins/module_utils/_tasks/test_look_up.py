# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From references to VMs: what one service that fails or keeps silent costs the others, and what ends the task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Union, cast

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    InvalidInput,
    NotFound,
    SignInRefused,
    Unavailable,
    Unreachable,
    UntrustedTls,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import Levels
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import Providers
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.look_up import look_up, open_each, resolve
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import SERVICE
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

AZURE = (
    "/subscriptions/22222222-0000-4000-8000-000000000002/resourceGroups/g/providers/Microsoft.Compute/virtualMachines"
)
Answer = Union[Exception, float, None]


class Service:
    """Answers a reference with an error, or after so many seconds; `known` references need no question."""

    capabilities = SERVICE

    def __init__(self, answers: dict[str, Answer], known: Sequence[str] = (), *, slow: float = 0.0) -> None:
        self._answers, self._known, self._slow = answers, known, slow
        self.asked: list[str] = []
        self.prefetched: list[list[str]] = []

    def identify(self, reference: str) -> VM | None:
        return named(reference) if reference in self._known else None

    async def resolve(self, reference: str) -> VM:
        self.asked.append(reference)
        answer = self._answers.get(reference)
        if isinstance(answer, Exception):
            raise answer
        await trio.sleep(answer or 0.0)
        return named(reference)

    async def prefetch(self, references: Sequence[str]) -> None:
        self.prefetched.append(list(references))
        await trio.sleep(self._slow)


class World:
    """Services by name; one that is an error cannot be opened."""

    def __init__(self, spf: Service | Exception, compute: Service | Exception, seconds: float) -> None:
        self._services = {"spf": spf, "compute": compute}
        self.deadline = Deadline(seconds)
        self.opened: list[str] = []
        self.service_of = Providers.service_of

    async def of(self, reference: str) -> Service:
        self.opened.append(reference)
        found = self._services[self.service_of(reference)]
        if isinstance(found, Exception):
            raise found
        return found

    def address_of(self, kind: str) -> str:
        return kind


def named(reference: str) -> VM:
    name = reference.rsplit("/", 1)[-1]
    return VM(reference=reference, name=name, id=name, canonical=name.lower(), provider="spf", service="s")


def looked_up(
    references: Sequence[str],
    spf: Service | Exception | None = None,
    compute: Service | Exception | None = None,
    *,
    seconds: float = 600.0,
    skip: Sequence[int] = (),
    fail: Callable[[int, CheckpointError], None] | None = None,
) -> tuple[list[int], dict[int, CheckpointError], float]:
    """The places that were found, the errors of the others, and how long it took."""
    errors: dict[int, CheckpointError] = {}

    async def main() -> tuple[list[int], dict[int, CheckpointError], float]:
        await trio.sleep(1000.0)  # a moment is no duration
        start = trio.current_time()
        world = cast(Any, World(spf or Service({}), compute or Service({}), seconds))
        found = await look_up(world, references, Levels(), fail or errors.__setitem__, skip)
        return sorted(found), errors, round(trio.current_time() - start, 1)

    return virtual(main)


def test_each_is_found_at_its_place_and_the_first_goes_alone() -> None:
    spf = Service({}, known=["a", "c"])
    assert looked_up(["a", "b", "c"], spf, skip=[])[:2] == ([0, 1, 2], {})
    assert (spf.asked, spf.prefetched) == (["a", "b"], [["b", "c"]])


def test_what_has_failed_already_is_not_looked_up() -> None:
    spf = Service({})
    assert looked_up(["a", "b"], spf, skip=[0])[:2] == ([1], {})
    assert spf.asked == ["b"]


@pytest.mark.parametrize("kind", [SignInRefused, InvalidInput])
def test_a_service_that_cannot_be_signed_in_to_or_opened_ends_the_task(kind: type[CheckpointError]) -> None:
    with pytest.raises(kind):
        looked_up(["a", "b"], kind("no."))


def test_a_refused_sign_in_and_a_wrong_option_end_the_task_whichever_vm_it_was() -> None:
    for problem in (SignInRefused("no."), InvalidInput("subscription_id: is needed.")):
        with pytest.raises(type(problem)):
            looked_up(["a", "b"], Service({"b": problem}))
    _found, errors, _took = looked_up(["a", "b"], Service({"b": InvalidInput("is odd.", subject="vm b")}))
    assert str(errors[1]) == "vm b: is odd."


def test_a_service_that_cannot_be_opened_fails_each_of_its_vms() -> None:
    found, errors, _took = looked_up(["a", f"{AZURE}/v", "b"], Unreachable("no route.", subject="spf h"))
    assert found == [1]
    assert [str(errors[each]) for each in (0, 2)] == ["spf h: no route."] * 2
    assert errors[0] is not errors[2]


@pytest.mark.parametrize("kind", [Unreachable, UntrustedTls])
def test_one_that_cannot_be_reached_is_not_asked_for_each_vm(kind: type[CheckpointError]) -> None:
    spf = Service({"a": kind("no.", subject="spf h")})
    found, errors, _took = looked_up(["a", "b", "c"], spf)
    assert (found, spf.asked, spf.prefetched) == ([], ["a"], [])
    assert {str(each) for each in errors.values()} == {"spf h: no."}


def test_an_error_names_its_vm_and_the_notes_of_each_are_its_own() -> None:
    same = NotFound("no such VM.")
    spf = Service({"a": same, "b": same, "c": BadResponse("HTML.", subject="spf h"), "d": Forbidden("no.", status=403)})
    found, errors, _took = looked_up(["a", "b", "c", "d"], spf)
    assert (found, spf.asked) == ([], ["a", "b", "c", "d"])
    assert [str(errors[each]) for each in range(4)] == [
        "vm a: no such VM.",
        "vm b: no such VM.",
        "spf h: vm c: HTML.",
        "vm d: no.",
    ]
    errors[0].notes.append("only here.")
    assert errors[1].notes == same.notes == []


@pytest.mark.parametrize(
    ("first", "signed_in"),
    [
        (NotFound("no such VM."), True),
        (Forbidden("no.", status=403), True),
        (Unavailable("503.", status=503), True),
        (Unavailable("no answer."), False),
    ],
)
def test_an_answer_of_whatever_kind_shows_that_the_sign_in_is_good(first: CheckpointError, signed_in: bool) -> None:
    """Until then one VM after the other is asked for."""
    spf = Service({"a": first})
    looked_up(["a", "b", "c"], spf)
    assert spf.prefetched == ([["b", "c"]] if signed_in else [["c"]])


def test_a_silent_service_alone_is_waited_for_where_it_has_one_vm() -> None:
    assert looked_up(["a"], Service({"a": 500.0})) == ([0], {}, 500.0)


def test_a_silent_service_is_given_up_after_two_minutes_where_it_has_more() -> None:
    found, errors, took = looked_up(["a", "b"], Service({"a": 500.0}))
    assert (found, took) == ([], 120.0)
    assert [str(errors[each]) for each in (0, 1)] == [
        "vm a: its service gave no answer within 2m. Try again later, or give these VMs to a task of their own with a "
        "longer wait_timeout.",
        "vm b: was not asked for, because its service gave no useful answer for the VMs before it. Try again later, or "
        "give these VMs to a task of their own with a longer wait_timeout.",
    ]


def test_once_it_has_answered_it_may_take_its_time_where_nobody_waits_for_it() -> None:
    assert looked_up(["a", "b"], Service({"b": 500.0})) == ([0, 1], {}, 500.0)


def test_beside_others_each_of_its_vms_has_a_share_of_the_time() -> None:
    references = ["a", "b", f"{AZURE}/v"]
    found, errors, took = looked_up(references, Service({"b": 500.0}), seconds=200.0)
    assert (found, took) == ([0, 2], 60.0)
    assert str(errors[1]).startswith("vm b: its service gave no answer within 1m.")


def test_what_is_read_for_many_together_is_given_up_where_others_wait() -> None:
    slow = Service({}, slow=500.0)
    assert looked_up(["a", "b"], slow) == ([0, 1], {}, 500.0)
    assert looked_up(["a", "b", f"{AZURE}/v"], slow, seconds=200.0) == ([0, 1, 2], {}, 120.0)


def test_an_answer_that_makes_no_sense_is_of_a_vm_by_its_name_where_that_is_known() -> None:
    reference = f"{AZURE}/v"
    for known, name in (([reference], "v"), ([], reference)):
        compute = Service({reference: BadResponse("HTML.", subject="arm h")}, known)
        _found, errors, _took = looked_up([reference], compute=compute)
        assert str(errors[0]) == f"arm h: vm {name}: HTML."


def test_two_services_may_have_a_vm_of_one_name() -> None:
    class Other(Service):
        async def resolve(self, reference: str) -> VM:
            return replace(await super().resolve(reference), service="t")

    assert looked_up(["v", f"{AZURE}/v"], compute=Other({}))[0] == [0, 1]
    with pytest.raises(InvalidInput, match="are the same VM"):
        looked_up(["v", f"{AZURE}/v"])


def one_at_a_time(spf: Service | Exception, *references: str) -> tuple[list[str], list[str]]:
    """The errors of those that cannot be looked up, one after the other, and for which a service was opened."""
    errors: dict[int, CheckpointError] = {}

    async def main() -> list[str]:
        world = World(spf, Service({}), 600.0)
        await look_up(cast(Any, world), references, Levels(1), errors.__setitem__)
        return world.opened

    opened = virtual(main)
    return [str(errors[each]) for each in sorted(errors)], opened


def test_a_service_that_cannot_be_opened_is_opened_once() -> None:
    closed = Unreachable("no route.", subject="spf h")
    assert one_at_a_time(closed, "a", "b", "c") == (["spf h: no route."] * 3, ["a"])


def test_beside_others_one_that_answers_no_more_is_closed_after_five() -> None:
    spf = Service(dict.fromkeys("bcdefgh", 500.0))
    errors, _opened = one_at_a_time(spf, *"abcdefgh", f"{AZURE}/v")
    assert (spf.asked, len(errors)) == (list("abcdef"), 7)
    assert errors[4].startswith("vm f: its service gave no answer within 2m.")
    assert errors[5].startswith("vm g: was not asked for, because its service gave no useful answer for the VMs before")


def test_an_answer_that_there_is_no_such_vm_is_a_useful_one() -> None:
    spf = Service(dict.fromkeys("bcdefgh", NotFound("no such VM.")))
    one_at_a_time(spf, *"abcdefgh", f"{AZURE}/v")
    assert spf.asked == list("abcdefgh")


def test_once_signed_in_an_answer_that_is_missing_makes_no_known_vm_unknown() -> None:
    spf = Service({"b": Unavailable("no answer.")}, known=["c"])
    assert one_at_a_time(spf, "a", "b", "c")[0] == ["vm b: no answer."]
    assert spf.asked == ["a", "b"]


def test_beside_others_a_service_is_closed_after_five_without_an_answer_in_a_row() -> None:
    letters = "abcdefgh"
    spf = Service(dict.fromkeys("bcdefg", Unavailable("503.", status=503, remedy="Wait.")))
    errors: dict[int, CheckpointError] = {}

    async def main() -> None:
        world = cast(Any, World(spf, Service({}), 600.0))
        await look_up(world, [*letters, f"{AZURE}/v"], Levels(1), errors.__setitem__)

    virtual(main)
    assert spf.asked == list("abcdef")
    assert [str(errors[each]) for each in (5, 6, 7)] == [
        "vm f: 503. Wait.",
        *(
            f"vm {each}: was not asked for, because its service gave no useful answer for the VMs before it. Wait."
            for each in "gh"
        ),
    ]
    assert errors[6].status == 503


def test_an_answer_between_them_counts_anew() -> None:
    silent = Unavailable("503.", status=503)
    spf = Service(dict.fromkeys("abcdfghi", silent))
    one_at_a_time(spf, *"abcdefghi", f"{AZURE}/v")
    assert spf.asked == list("abcdefghi")


def test_alone_a_service_is_asked_for_each_of_its_vms() -> None:
    spf = Service(dict.fromkeys("abcdefgh", Unavailable("503.", status=503)))
    looked_up(list("abcdefgh"), spf)
    assert len(spf.asked) == 8


def test_a_reference_of_no_service_fails_alone() -> None:
    found, errors, _took = looked_up(["/subscriptions/s/x", "a"])
    assert (found, type(errors[0])) == ([1], InvalidInput)


def test_the_same_vm_twice_in_any_spelling() -> None:
    with pytest.raises(InvalidInput) as raised:
        looked_up(["a", "b", "A"])
    assert str(raised.value) == "vms: 'a' and 'A' are the same VM (a). Name it once."


def _opened(
    references: Sequence[str], spf: Service | Exception, compute: Service | Exception | None = None, **options: Any
) -> list[Any]:
    def make(_provider: Any, vm: VM) -> Any:
        return vm.name

    async def main() -> list[Any]:
        world = cast(Any, World(spf, compute or Service({}), 600.0))
        return await open_each(make, references, world, RunOptions.of(options), Levels())

    return virtual(main)


def test_services_that_all_cannot_be_opened_fail_each_of_their_vms() -> None:
    both = _opened(["a", f"{AZURE}/v"], Unreachable("no route."), Unreachable("no way."))
    assert [str(each.problem) for each in both] == ["no route.", "no way."]


def test_one_that_cannot_be_looked_up_keeps_its_error_among_others() -> None:
    problem = Unavailable("503.", status=503)
    first, second, third = _opened(["a", "b", f"{AZURE}/v"], Service({"a": problem}))
    assert (second, third) == ("b", "v")
    assert first.target == VM(reference="a", name="a", id="", canonical="a", provider="spf", service="")


def test_an_error_of_all_vms_of_one_service_is_the_task_s() -> None:
    with pytest.raises(Unavailable, match="first"):
        _opened(["a", "b"], Service({"a": Unavailable("first.", status=503), "b": Unavailable("second.", status=503)}))
    both = _opened(["a", f"{AZURE}/v"], Unreachable("no route."))
    assert both[1] == "v"


@pytest.mark.parametrize("options", [{"on_error": "stop"}, {"group": {}}])
def test_a_task_that_does_not_try_all_ends_with_the_first(options: dict[str, Any]) -> None:
    with pytest.raises(Unavailable):
        _opened(["a", "b"], Service({"a": Unavailable("503.", status=503)}), **options)


def test_a_reference_that_means_no_vm_ends_the_task() -> None:
    with pytest.raises(NotFound):
        _opened(["a", "b"], Service({"a": NotFound("no such VM.")}))


def test_what_cannot_be_found_again_is_not_left_alone() -> None:
    class Forgetful(Service):
        capabilities = replace(SERVICE, operations_findable=False)

    with pytest.raises(InvalidInput) as raised:
        _opened(["a"], Forgetful({}), wait=False)
    assert str(raised.value) == (
        "vm a: wait: false is not possible on SPF: nothing leads back to operations. Leave wait out."
    )
    assert _opened(["a"], Forgetful({})) == _opened(["a"], Service({}), wait=False) == ["a"]


def test_all_or_the_first_error() -> None:
    async def main(spf: Service) -> list[str]:
        world = cast(Any, World(spf, Service({}), 600.0))
        return [vm.name for _provider, vm in await resolve(world, ["b", "a"], Levels())]

    async def good() -> list[str]:
        return await main(Service({}))

    async def bad() -> list[str]:
        return await main(Service({"a": NotFound("no such VM.")}))

    assert virtual(good) == ["b", "a"]
    with pytest.raises(NotFound, match="vm a"):
        virtual(bad)
