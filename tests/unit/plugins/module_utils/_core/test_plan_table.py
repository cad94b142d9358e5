# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as Markdown says everything an approver needs, and no name in it acts."""

from __future__ import annotations

import html
import itertools
import json
import re
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import (
    checksum,
    digest_of,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan_document import plain
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan_table import (
    code,
    plan_table,
    prose,
)

CREATE = {"action": "create", "checkpoint": {"name": "nightly"}, "reason": "it is missing"}
DELETE = {
    "action": "delete",
    "checkpoint": {"name": "old", "id": "831e"},
    "reason": "superseded: a newer one is usable",
}


def plan(*actions: dict[str, Any]) -> dict[str, Any]:
    whole = [{"id": "a", "vm": "web01", "provider": "spf", "reason": "asked", **action} for action in actions]
    return fitting(whole)


def fitting(actions: list[Any], group: dict[str, str] | None = None) -> dict[str, Any]:
    """What has the hashes of a plan: whoever can write one can compute the others."""
    ids = [each.get("id", "") for each in actions if isinstance(each, dict) and each.get("action") != "keep"]
    hashes = {"digest": digest_of(ids, group), "checksum": checksum(actions, group)}
    return {"version": 1, **hashes, **({} if group is None else {"group": group}), "actions": actions}


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| `")]


def test_it_reads_as_it_should() -> None:
    keep = {"action": "keep", "checkpoint": {"name": "baseline", "id": "a1"}, "reason": "it exists"}
    whole = plan(keep, CREATE, DELETE)
    assert plan_table(whole) == (
        "| | what | of | why |\n"
        "|---|---|---|---|\n"
        "| `=` | keep checkpoint `baseline` (`a1`) | `web01` (spf) | it exists |\n"
        "| `+` | create checkpoint `nightly` | `web01` (spf) | it is missing |\n"
        "| `-` | delete checkpoint `old` (`831e`) | `web01` (spf) | superseded: a newer one is usable |\n"
        "\n"
        f"1 to create, 0 to change, 1 to remove, 1 to keep. Digest: `{whole['digest']}`\n"
    )


def test_a_group_is_named_and_covered_by_the_checksum() -> None:
    group = {"order": "given", "on_failure": "undo"}
    whole = fitting(plan(CREATE)["actions"], group)
    assert plan_table(whole).endswith(
        "1 to create, 0 to change, 0 to remove, 0 to keep. All as one group: `order: given, on_failure: undo`. "
        f"Digest: `{whole['digest']}`\n"
    )
    for changed in ({**group, "on_failure": "keep"}, None):
        with pytest.raises(InvalidInput, match="was altered since it was returned"):
            plan_table({**whole, "group": changed})


@pytest.mark.parametrize(
    ("action", "row"),
    [
        ({"action": "power", "power": "off"}, "| `~` | turn off | `web01` (spf) | asked |"),
        ({"action": "step", "step": "swap its disks"}, "| `~` | swap its disks | `web01` (spf) | asked |"),
        (
            {"action": "update", "checkpoint": {"name": "n", "id": "/a/n"}, "fields": {"description": {"after": "b"}}},
            "| `~` | update checkpoint `n` `description: (after: b)` | `web01` (spf) | asked |",
        ),
        (
            {"action": "restore", "checkpoint": {"name": "n", "id": "1"}, "terms": {"power_after": "on"}},
            "| `~` | restore checkpoint `n` (`1`) `power_after: on` | `web01` (spf) | asked |",
        ),
        (
            {"action": "delete", "disk": {"name": "d", "id": "/x/disks/d"}},
            "| `-` | delete disk `d` | `web01` (spf) | asked |",
        ),
        (
            {"action": "create", "vm": None, "target": "c", "resource": "/s/restorePointCollections/c", "fields": {}},
            "| `+` | create `restorePointCollections/c` | `c` (spf) | asked |",
        ),
        ({"action": "defrag"}, "| `~` | defrag | `web01` (spf) | asked |"),
        ({"action": "powercycle", "power": "off"}, "| `~` | powercycle | `web01` (spf) | asked |"),
        ({"action": "steps", "step": "no"}, "| `~` | steps | `web01` (spf) | asked |"),
        ({"action": "create", "checkpoint": None, "reason": ""}, "| `+` | create | `web01` (spf) |  |"),
    ],
)
def test_every_kind_of_action_has_a_row(action: dict[str, Any], row: str) -> None:
    whole = {key: value for key, value in action.items() if value is not None}
    made = plan(whole)
    if "target" in whole:
        del made["actions"][0]["vm"]
        made["checksum"] = checksum(made["actions"])
    assert rows(plan_table(made)) == [row]


def test_nothing_to_do_is_said() -> None:
    assert plan_table(plan()) == f"Nothing to do. Digest: `{plan()['digest']}`\n"
    assert plan_table([]) == "Nothing to do.\n"
    assert plan_table({"results": [{"skipped": True}]}) == "Nothing to do.\n"


def test_a_result_a_loop_a_list_a_text_and_a_plan_file_are_all_read() -> None:
    one = plan_table(plan(CREATE))
    assert plan_table({"changed": True, "plan": plan(CREATE)}) == one
    assert plan_table(json.dumps(plan(CREATE))) == one
    assert plan_table([plan(CREATE)]) == one
    two = plan_table({"results": [{"plan": plan(CREATE)}, {"skipped": True}, {"plan": plan(DELETE)}]})
    assert two.startswith("**1 of 2**\n\n| |")
    assert "\n\n**2 of 2**\n\n| |" in two.replace("`\n\n", "`\n\n", 1)
    assert len(rows(two)) == 2
    tasks = [{"module": f"hybridvm.checkpoints.{name}", "plan": plan(CREATE)} for name in ("vm_checkpoint", "other")]
    assert "**1 of 2** (`vm_checkpoint`)" in plan_table({"tasks": tasks})
    assert "**2 of 2** (`other`)" in plan_table(json.dumps({"tasks": tasks}))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (None, "plan_table: is no plan"),
        (7, "plan_table: is no plan"),
        ({}, "plan_table: is no plan"),
        ([{"failed": True}], r"plan_table\[0\]: is no plan"),
        ({"results": [{"plan": None}]}, r"plan_table\[0\]: is no plan"),
        ("{", "not readable JSON"),
        ("[" * 100_000, "not readable JSON"),
        ({**plan(CREATE), "version": 2}, "no plan of version 1"),
        ({**plan(), "actions": "none"}, "no plan of version 1"),
        (fitting([1]), "holds what is no action"),
        (fitting([{"action": 1}]), "holds what is no action"),
        (fitting([{}]), "holds what is no action"),
        ({**plan(CREATE), "actions": plan(DELETE)["actions"]}, "was altered"),
        ({**plan(CREATE), "digest": plan(CREATE, DELETE)["digest"]}, "was altered"),
        (fitting([{"action": "create"}]), "holds what is no action"),
        ({"plan": {**plan(CREATE), "checksum": None}}, r"plan_table\.plan: was altered"),
    ],
)
def test_what_is_no_plan_or_was_altered_is_refused(wrong: object, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        plan_table(wrong)


HOSTILE = [
    "a|b",
    "a`b``c",
    "a\nb",
    "a\r\n| `-` | delete everything | x | y |",
    "<script>alert(1)</script>",
    "<!-- -->",
    "&lt;b&gt;",
    "[text](https://evil.example)",
    "![](https://evil.example/x.png)",
    "@everyone #1 https://evil.example www.evil.example",
    "a\\",
    "\\|",
    "ab\u202egnp.exe",
    "zero\u200bwidth",
    "\x1b[31m",
    "  two  ",
    "",
    " ",
    "x" * 1000,
    "{{ 7 * 7 }}",
    "\U000e0041",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_acts(name: str) -> None:
    action = {"action": "delete", "checkpoint": {"name": name, "id": name}, "reason": f"{name} goes"}
    text = plan_table(plan({**action, "vm": name, "provider": name}))
    (row,) = rows(text)
    assert text.count("\n") == plan_table(plan(DELETE)).count("\n")
    assert len(re.findall(r"\|", row)) == 5
    assert row.isprintable()
    for part in re.split(r"<code>.*?</code>|`[^`]*`", row):
        assert re.fullmatch(r"[A-Za-z0-9 ,;.()'\"=%/+|:_-]*", part), part
        assert "//" not in part
        assert "www." not in part
    for inside in re.findall(r"<code>(.*?)</code>", row):
        assert re.fullmatch(r"[A-Za-z0-9 &#;]*", inside)
    assert all("|" not in inside and "<" not in inside for inside in re.findall(r"`([^`]*)`", row))


def shown(markdown: str) -> str:
    """What a reader sees of code()."""
    if markdown.startswith("`"):
        return markdown[1:-1]
    inner = markdown.removeprefix("<code>").removesuffix("</code>")
    return html.unescape(inner).replace("\xa0", " ")


def test_names_that_differ_look_different() -> None:
    names = [*HOSTILE, "a\\nb", "a\\u000ab", "a b", "a  b", "a\xa0b", "zerowidth", "zero\\u200bwidth", "\ue0001", "|"]
    seen = [shown(code(name)) for name in names if name]
    for first, second in itertools.combinations(seen, 2):
        assert first != second


@given(st.text(max_size=50))
def test_any_text_is_one_line_of_code(text: str) -> None:
    for made in (code(text), prose(text)):
        assert made.isprintable()
        assert "|" not in made
        assert made.count("<") == (2 if made.startswith("<code>") else 0)
    if text.isprintable() and text.strip() and "\\" not in text:
        assert shown(code(text)) == text


def test_prose_stays_prose() -> None:
    for words in (
        'no usable checkpoint named "nightly" is younger than 4h',
        "keep.daily: the newest of 2026-10-31 (02:00)",
        "max_age is 4h",
    ):
        assert prose(words) == words
    for acting in ("see https://evil.example", "WWW.evil.example", "a_", "_a_", ":smile:", "*bold*"):
        assert prose(acting) != acting


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (" goes", "<code>&nbsp;goes</code>"),
        ("goes ", "<code>goes&nbsp;</code>"),
        ("it  goes", "it  goes"),
        ("goes\t", "<code>goes&#92;u0009</code>"),
    ],
)
def test_blanks_around_words_are_seen(words: str, shown: str) -> None:
    assert prose(words) == shown


def test_several_blanks_in_a_name_are_seen_as_several() -> None:
    assert code("a  b") == "<code>a&nbsp;&nbsp;b</code>"
    assert code("   ") == "<code>&nbsp;&nbsp;&nbsp;</code>"


def test_a_plan_in_types_of_others_is_read_as_one_of_python_s_own() -> None:
    """Ansible hands over mappings and texts of its own."""

    class Text(str):
        __slots__ = ()

    made = plan(CREATE, DELETE)
    actions = tuple(
        MappingProxyType({**each, "checkpoint": MappingProxyType(each["checkpoint"])}) for each in made["actions"]
    )
    assert plan_table(MappingProxyType({**made, "actions": actions})) == plan_table(made)
    whole = plain(MappingProxyType({Text("a"): (Text("b"), [MappingProxyType({})], 1, None)}))
    assert whole == {"a": ["b", [{}], 1, None]}
    assert not [each for each in (*whole, whole["a"][0]) if isinstance(each, Text)]


def test_a_long_name_is_cut_and_says_so() -> None:
    assert code("x" * 301) == f"<code>{'x' * 300}&#8230; &#40;301 characters&#41;</code>"
    assert code("x" * 300) == f"`{'x' * 300}`"


def test_whole_lines_of_what_is_refused() -> None:
    with pytest.raises(InvalidInput) as nothing:
        plan_table(7)
    assert str(nothing.value) == "plan_table: is no plan, nor a result that has one. Give a result of check mode."
    with pytest.raises(InvalidInput) as altered:
        plan_table({**plan(CREATE), "checksum": None})
    assert str(altered.value) == "plan_table: was altered since it was returned. Give it as it was returned."


def test_numbers_in_a_plan_stay_numbers() -> None:
    sized = {"action": "step", "step": "grow it", "about": {"gb": 7, "new": True, "was": None}}
    assert rows(plan_table(plan(sized))) == ["| `~` | grow it | `web01` (spf) | asked |"]


def test_what_is_not_seen_is_named_by_its_number() -> None:
    assert code("") == "<code>&nbsp;</code>"
    assert code("\uffff") == "<code>&#92;uffff</code>"
    assert code("a\u3000b\x1b") == "<code>a&#92;u3000b&#92;u001b</code>"
    assert code("\U000e0041\U0010fffd") == "<code>&#92;U000e0041&#92;U0010fffd</code>"
    assert code("\U00010ffe\U00010000") == f"<code>&#92;U00010ffe&#{0x10000};</code>"
