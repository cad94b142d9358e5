# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closed list of errors, each on one line and with the same keys."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core import errors as _errors
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    NotFound,
    Refused,
    codes,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.formatting import one_line, printable


def test_the_docstring_s_picture_lists_exactly_the_codes_that_exist() -> None:
    drawn = re.findall(r"^[ │├└─]+([A-Z]\w+) +([a-z_]+) {2,}", _errors.__doc__ or "", re.M)
    assert {code: name for name, code in drawn} == {code: kind.__name__ for code, kind in codes().items()}


def test_every_error_tells_a_pipeline_what_it_may_do() -> None:
    assert {kind.retry for kind in codes().values()} == set(t.get_args(_errors.Retry))
    assert codes()["outcome_unknown"].retry == "after_reading"
    assert codes()["unreachable"].retry == "safe"
    assert codes()["invalid_input"].retry == "never"


def test_a_subclass_without_a_code_of_its_own_adds_none() -> None:
    class Special(NotFound):
        """A case that users know as not_found."""

    assert codes()["not_found"] is NotFound
    assert Special not in codes().values()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NotFound("it is gone."), "it is gone."),
        (NotFound("it is gone.", subject="vm web01"), "vm web01: it is gone."),
        (NotFound("it is gone.", remedy="Look."), "it is gone. Look."),
        (NotFound("it is gone.", request_id="r-1"), "it is gone. [request r-1]"),
        (NotFound("it is gone.", request_id="r-1", correlation_id="c-1"), "it is gone. [request r-1]"),
        (NotFound("it is gone.", correlation_id="c-1"), "it is gone. [correlation c-1]"),
        (
            NotFound("it is gone.", request_id="r-1", operation={"kind": "job", "id": "j-1"}),
            "it is gone. [job j-1]",
        ),
        (
            NotFound("it is gone.", request_id="r-1", operation={"kind": "arm", "id": None}),
            "it is gone. [request r-1]",
        ),
        (
            Refused("no.", subject="vm web01", remedy="Ask.", operation={"kind": "job", "id": "j-1"}),
            "vm web01: no. Ask. [job j-1]",
        ),
    ],
)
def test_an_error_reads_what_and_why_then_what_to_do_then_which_request(error: CheckpointError, line: str) -> None:
    assert str(error) == line


def test_a_result_carries_every_key() -> None:
    error = Refused(
        "no.\nreally",
        subject="vm web01",
        remedy="Ask.",
        status=400,
        request_id="r-1",
        correlation_id="c-1",
        operation={"kind": "job", "id": "j-1"},
        details={"code": "No"},
    )
    assert error.to_result() == {
        "code": "refused",
        "message": "vm web01: no. really",
        "status": 400,
        "request_id": "r-1",
        "correlation_id": "c-1",
        "operation": {"kind": "job", "id": "j-1"},
        "details": {"code": "No"},
        "remedy": "Ask.",
        "retry": "never",
    }
    assert NotFound("gone").to_result()["message"] == "gone"


def test_an_error_is_about_the_first_thing_that_was_named() -> None:
    error = NotFound("gone").default_subject("vm web01").default_subject("vm web02")
    assert error.subject == "vm web01"
    assert NotFound("gone", subject="spf").default_subject("vm web01").subject == "spf"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\n\tb", "a b"),
        ("a\x1b[31mb\x00", "a [31mb"),
        ("  a   b  ", "a b"),
        ("x" * 1000, "x" * 1000),
        ("x" * 1001, "x" * 999 + "…"),
        ("", ""),
    ],
)
def test_one_line_has_no_breaks_no_control_characters_and_an_end(text: str, line: str) -> None:
    assert one_line(text) == line


def test_what_is_added_to_a_message_is_as_clean_and_not_cut_off() -> None:
    error = NotFound("x" * 2000)
    error.notes.append("The VM\nis \x1b[31moff.")
    assert str(error) == "x" * 999 + "… The VM is [31moff."


def test_an_operation_is_named_unless_the_thing_itself_is_one() -> None:
    operation = {"kind": "restore point", "id": "copy"}
    assert str(NotFound("gone.", subject="vm web01", operation=operation)) == "vm web01: gone. [restore point copy]"
    error = NotFound("gone.", subject="restore point copy", operation=operation, request_id="r-1")
    assert str(error) == "restore point copy: gone. [request r-1]"


def test_an_error_of_a_host_can_name_whom_it_was_about() -> None:
    assert str(NotFound("gone", subject="arm h").with_subject("vm a")) == "arm h: vm a: gone"
    assert str(NotFound("gone", subject="vm a").with_subject("vm a")) == "vm a: gone"


def test_once_something_was_changed_no_error_denies_it() -> None:
    error = NotFound("It is gone.", remedy="Look.", changed_nothing=True)
    error.notes.append("It was put back.")
    assert str(error) == "It is gone. Nothing was changed. It was put back. Look."
    error.changed_nothing = False
    assert str(error) == "It is gone. It was put back. Look."
    assert error.to_result()["message"] == "It is gone. It was put back."


def test_a_shorter_limit_is_kept() -> None:
    assert one_line("abcdef", 4) == "abc…"


def test_every_part_of_an_error_is_on_one_line() -> None:
    odd = "a\x1b[2J\r\nb"
    error = Refused(odd, subject=odd, remedy=odd, request_id=odd, correlation_id=odd)
    assert str(error) == "a [2J b: a [2J b a [2J b [request a [2J b]"
    assert error.to_result()["correlation_id"] == "a [2J b"
    error.notes.append("n" * 5000)
    assert error.to_result()["message"] == f"a [2J b: a [2J b {'n' * 2999}…"
    assert NotFound("gone").default_subject(odd).subject == "a [2J b"
    assert len(str(Refused("x" * 5000, subject="y" * 5000, remedy="z" * 5000, request_id="r" * 5000))) < 2500


@pytest.mark.parametrize("text", ["/" * 3_000_000, "/a" * 1_500_000, "<a " * 1_000_000, "\x00" * 3_000_000])
def test_what_a_service_says_takes_no_time_to_be_shortened(text: str) -> None:
    """A regular expression that begins anew at each slash would take hours for the first one."""
    assert len(one_line(text)) <= 1000
    assert len(printable(text, 1000)) <= 1000


def test_what_an_error_says_within_another_sentence() -> None:
    error = NotFound("creating checkpoint nightly of vm web01: it is gone.")
    assert error.said == "creating checkpoint nightly of vm web01: it is gone"
    error.context = "creating checkpoint nightly\nof vm web01"
    assert error.said == "it is gone"


def test_how_long_each_part_of_an_error_may_be() -> None:
    error = Refused("x" * 5000, subject="y" * 5000, remedy="z" * 5000, request_id="r" * 5000, correlation_id="c" * 5000)
    assert (len(error.message), len(error.subject), len(error.remedy)) == (1000, 300, 1000)
    assert (len(error.request_id or ""), len(error.correlation_id or "")) == (100, 100)
    assert len(Refused("no").default_subject("y" * 5000).subject) == 300
    error.message = "x" * 5000  # it has grown
    assert len(error.to_result()["message"]) == 300 + 2 + 3000
