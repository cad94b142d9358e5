# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM ids: one form, any case, nothing that could leave its place in a URL."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import is_name, is_path, name, parse, quote
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse, InvalidInput

GUID = "0fa1c3a2-0000-4000-8000-0000000000AA"
ID = f"/subscriptions/{GUID}/resourceGroups/hybrid-rg/providers/Microsoft.HybridCompute/machines/web01"


def test_its_parts_are_kept_as_written() -> None:
    arm_id = parse(ID)
    assert (arm_id.subscription, arm_id.group, arm_id.type, arm_id.name) == (
        GUID,
        "hybrid-rg",
        "Microsoft.HybridCompute/machines",
        "web01",
    )
    assert str(arm_id) == ID


@pytest.mark.parametrize(
    "spelling",
    [
        ID,
        ID.upper(),
        ID.lower(),
        f"{ID}/",
        f"{ID}/providers/Microsoft.ScVmm/virtualMachineInstances/default",
        f"{ID}/PROVIDERS/MICROSOFT.SCVMM/VIRTUALMACHINEINSTANCES/DEFAULT/",
    ],
)
def test_every_spelling_means_the_same_vm(spelling: str) -> None:
    assert parse(spelling).canonical == ID.lower()


def test_the_path_is_percent_encoded() -> None:
    assert parse(ID.replace("hybrid-rg", "grüße_(1).x")).path == ID.replace("hybrid-rg", "gr%C3%BC%C3%9Fe_%281%29.x")


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("/", "it has 0 parts between its slashes, and 8 belong there"),
        ("/subscriptions", "it has 1 parts between its slashes"),
        ("/web01", '"web01" stands where subscriptions belongs'),
        (f"{ID}/extensions/x", "it has 10 parts between its slashes"),
        (ID.replace("resourceGroups", "groups"), '"groups" stands where resourceGroups belongs'),
        (ID.replace("/providers/", "/provider/"), '"provider" stands where providers belongs'),
        (ID.replace("/subscriptions/", "/subscription/"), '"subscription" stands where subscriptions belongs'),
        (ID.replace(GUID, "mine"), "the subscription is no GUID"),
        (ID.replace("web01", "web 01"), "characters that Azure does not allow"),
        (ID.replace("web01", ".."), "characters that Azure does not allow"),
        (ID.replace("web01", "a?b"), "characters that Azure does not allow"),
        (ID.replace("web01", "a%2Fb"), "characters that Azure does not allow"),
        (ID.replace("hybrid-rg", ""), "characters that Azure does not allow"),
        (ID.replace("web01", "x" * 261), "characters that Azure does not allow"),
    ],
)
def test_anything_else_is_refused_and_says_why_and_how_to_write_it(reference: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(reference)
    assert why in caught.value.message
    assert caught.value.subject.startswith("vm /")
    assert "Microsoft.HybridCompute/machines/NAME" in caught.value.remedy


def test_the_example_is_of_what_was_asked_for() -> None:
    with pytest.raises(InvalidInput, match="collection") as caught:
        parse("/collection", "Microsoft.Compute/restorePointCollections")
    assert caught.value.remedy.endswith("/providers/Microsoft.Compute/restorePointCollections/NAME.")


def test_an_id_that_was_to_be_an_azure_vms_is_shown_one() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(f"/subscriptions/{GUID}/providers/microsoft.compute/virtualMachines/shop01")
    assert caught.value.remedy.endswith("/providers/Microsoft.Compute/virtualMachines/NAME.")


def test_a_single_name_is_checked_by_the_same_rule() -> None:
    assert name("web-01_(x).y", "collection") == "web-01_(x).y"
    for value in ("a/b", "..", "a b", "", "a?b", "x" * 261):
        with pytest.raises(InvalidInput, match=r"collection: .* holds characters that Azure does not allow in a name"):
            name(value, "collection")


def test_a_path_is_percent_encoded_with_its_slashes_kept() -> None:
    assert quote("/a b/ü") == "/a%20b/%C3%BC"


@pytest.mark.parametrize("path", ["/a/../b", "/a/.", "..", "/a/.../b"])
def test_a_path_that_leads_out_of_itself_is_no_id(path: str) -> None:
    with pytest.raises(BadResponse, match="an id was answered that is none"):
        quote(path)


@pytest.mark.parametrize("text", ["a", "A-1_x.(y)", "ü", "a.", "x" * 260])
def test_a_name_is_one_segment(text: str) -> None:
    assert is_name(text)
    assert is_path(f"/{text}/{text}")


@pytest.mark.parametrize("text", ["", ".", "..", "/", "a?b", "a#b", "a b", "a\n", "a%2Fb", "\ud800", "x" * 261])
def test_anything_else_is_none(text: str) -> None:
    assert not is_name(text)
    assert not is_path(f"/a/{text}/b")


@pytest.mark.parametrize("path", ["", "ab", "a/b", "xa/b", "//a", "/", "/a/"])
def test_a_path_has_names_between_its_slashes(path: str) -> None:
    assert not is_path(path)


HOW = "Write /subscriptions/GUID/resourceGroups/GROUP/providers/{}/NAME."


@pytest.mark.parametrize(
    ("reference", "example", "option", "said"),
    [
        (f"/{'w' * 70}", "A/b", "vm",
         f'vm /{"w" * 70}: malformed ARM id: "{"w" * 60}" stands where subscriptions belongs. {HOW.format("A/b")}'),
        ("/subscriptions/Microsoft.Compute", "A/b", "vm",
         "vm /subscriptions/Microsoft.Compute: malformed ARM id: it has 2 parts between its slashes, and 8 belong "
         f"there. {HOW.format('Microsoft.Compute/virtualMachines')}"),
        ("/subscriptions/Microsoft.Compute", "A/b", "vms",
         "vms /subscriptions/Microsoft.Compute: malformed ARM id: it has 2 parts between its slashes, and 8 belong "
         f"there. {HOW.format('A/b')}"),
        ("/subscriptions/Microsoft.Compute", "A/b", "collection",
         "collection /subscriptions/Microsoft.Compute: malformed ARM id: it has 2 parts between its slashes, and 8 "
         f"belong there. {HOW.format('A/b')}"),
        (ID.replace("web01", "w" * 300), "A/b", "vm",
         f"vm {ID[:-5]}{'w' * (205 - len(ID))}: malformed ARM id: a name in it holds characters that Azure does not "
         f"allow. {HOW.format('A/b')}"),
        (ID.replace(GUID, "mine"), "A/b", "vm",
         "vm /subscriptions/mine/resourceGroups/hybrid-rg/providers/Microsoft.HybridCompute/machines/web01: malformed "
         f"ARM id: the subscription is no GUID. {HOW.format('A/b')}"),
    ],
    ids=["no id", "of Azure", "like vm", "of another option", "long", "no GUID"],
)  # fmt: skip
def test_a_malformed_id_is_told_in_whole(reference: str, example: str, option: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(reference, example, option)
    assert str(caught.value) == said


def test_a_name_that_is_none_is_shown_in_short() -> None:
    with pytest.raises(InvalidInput) as caught:
        name("x" * 300, "collection")
    assert str(caught.value) == (f"collection: '{'x' * 100}' holds characters that Azure does not allow in a name.")
