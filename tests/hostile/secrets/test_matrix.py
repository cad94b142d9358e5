# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every secret in every place where a server may echo it, in every spelling: nothing of it comes out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import codes
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from tests.hostile.secrets.echo_places import ARM, SPF, Place, make_lab, run, said
from tests.hostile.secrets.secret_forms import FORMS, SAS, SPELLINGS, TITLE, Form, leak
from tests.support.sampling import one_in

Record = Callable[[str, Any], None]
EACH = 6
"""Spellings of one secret in one place; the next place and the next secret go on with others."""


def _places(form: Form) -> list[Place]:
    """The service's; a token that is never issued, or needs no sign-in, is not echoed by one."""
    signing_in = "token" not in form.name
    return [place for place in (SPF if form.service == "spf" else ARM) if signing_in or "sign-in" not in place.name]


def _chosen(form: Form, place: int, each: int = EACH) -> Iterator[str]:
    """Some of the form's spellings, others in the next place and for the next secret."""
    names = form.spellings
    for number in range(min(each, len(names))):
        yield names[(place * each + FORMS.index(form) * 5 + number) % len(names)]


@pytest.mark.parametrize("form", one_in(4, FORMS), ids=lambda form: form.name)
def test_nothing_of_a_secret_comes_out(
    form: Form, record_property: Record, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.DEBUG)
    tries, masked = 0, 0
    for number, place in enumerate(_places(form)):
        hits = 0
        for spelling in _chosen(form, number):
            lab = make_lab()
            place.plant(lab, SPELLINGS[spelling](form.planted))
            result = run(lab, place, **form.prepare(lab))
            found = leak(said(result), form.secret)
            assert not found, f"{form.name} in {place.name}, spelled {spelling}: {found!r} in {result}"
            error = result.get("error")
            assert error is None or error["code"] in codes(), result
            assert "\n" not in result.get("msg", "")
            hits += MASK in said(result)
            tries += 1
        # A URL whose query is cut off needs no masking of the signature that stood there.
        unseen = not place.shown or form.planted == SAS
        assert hits or unseen, f"{place.name} never showed what was planted there"
        masked += hits
    out = capfd.readouterr()
    assert (out.out, out.err) == ("", "")
    assert not [each for each in caplog.messages if leak(each, form.secret)]
    record_property(TITLE, {"secrets": 1, "texts echoed": tries, "of them shown, masked": masked})


def test_every_secret_meets_every_spelling_and_no_place_is_left_out(record_property: Record) -> None:
    for places in (SPF, ARM):
        met = {
            (place.name, form.name, spelling)
            for form in FORMS
            for number, place in enumerate(_places(form))
            for spelling in _chosen(form, number)
            if place in places
        }
        assert {spelling for _place, _form, spelling in met} == set(SPELLINGS)
        for name in {place.name for place in places}:
            assert len({spelling for place, _form, spelling in met if place == name}) >= EACH, name
        for form in FORMS:
            assert {spelling for _place, name, spelling in met if name == form.name} in (set(), set(form.spellings))
    record_property(TITLE, {"places": len(SPF) + len(ARM), "spellings": len(SPELLINGS)})


@pytest.mark.parametrize("service", ["spf", "arm"])
def test_without_masking_every_place_that_shows_would_show(service: str) -> None:
    """The search finds what it looks for, and the echoes arrive."""
    form = next(form for form in FORMS if form.service == service)
    with (
        mock.patch.object(Redactor, "redact", lambda _self, text: text),
        mock.patch.object(Redactor, "redact_result", lambda _self, result: result),
    ):
        for place in _places(form):
            lab = make_lab()
            place.plant(lab, form.planted)
            shown = leak(said(run(lab, place, **form.prepare(lab))), form.secret)
            assert bool(shown) or not place.shown, place.name
