# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back otherwise than it was sent: names, descriptions, and times of a clock that is off."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from .support import START, Sim

pytestmark = pytest.mark.anyio
YEARS = 10 * 365.25 * 86400
LONG = "a name/with  blanks & cafe\u0301, and more than a hundred characters, " + "x" * 60
STORED = {
    "kept": LONG,
    "cut_40": LONG[:40],
    "cut_100": LONG[:100],
    "slash_to_underscore": LONG.replace("/", "_"),
    "fold_blanks": LONG.replace("  ", " "),
    "upper": LONG.upper(),
    "nfc": LONG.replace("e\u0301", "\u00e9"),
    "cut_5": "a nam",
    "no_separators": "anamewithblankscafeandmorethanahundredcharacters" + "x" * 60,
    "escaped": LONG.replace("&", "&amp;"),
    "percent": LONG.replace("/", "%2F")
    .replace(" ", "%20")
    .replace("&", "%26")
    .replace("\u0301", "%CC%81")
    .replace(",", "%2C"),
    "ascii": LONG.replace("\u0301", "?"),
    "no_accents": LONG.replace("\u0301", ""),
    "tenant": f"[tenant] {LONG}",
}
TEXT = " first <ä>\nsecond\r\n" + "y" * 200 + " "
DESCRIBED = {
    "kept": TEXT,
    "crlf": " first <ä>\r\nsecond\r\n" + "y" * 200 + " ",
    "trimmed": TEXT.strip(),
    "escaped": TEXT.replace("<", "&lt;").replace(">", "&gt;"),
    "upper": TEXT.upper(),
    "one_line": "first <ä> second " + "y" * 200,
    "no_markup": TEXT.replace("<ä>", "ä"),
    "ascii": TEXT.replace("ä", "?"),
    "tenant": "[tenant] " + TEXT,
    "cut_50": TEXT[:50],
    "cut_200": TEXT[:200],
}


async def shown(sim: Sim, name: str) -> Any:
    """The newest checkpoint of `web01` as SPF shows it."""
    vm = sim.world.vm("web01")
    return (await sim.spf("GET", sim.key(vm.checkpoints[-1].id))).json()[name]


@pytest.mark.parametrize("position", list(STORED))
async def test_names(sim: Sim, position: str) -> None:
    sim.world.switches.set("vmm_names", position)
    answer = await sim.create(sim.world.vm("web01"), LONG)
    await sim.done(answer)
    assert answer.json()["Name"] == await shown(sim, "Name") == STORED[position]
    key = sim.key(sim.world.vm("web01").checkpoints[0].id)
    await sim.done(await sim.spf("MERGE", key, json={"Name": LONG}))
    assert (await sim.spf("GET", key)).json()["Name"] == STORED[position]
    await sim.finished(await sim.act("createCheckpoint", {"name": LONG}))
    assert (await sim.profile())["checkpoints"][-1]["name"] == STORED[position]


async def test_names_that_arc_cuts(sim: Sim) -> None:
    sim.world.switches.update({"arc_names": "cut_20", "vmm_names": "upper"})
    await sim.finished(await sim.act("createCheckpoint", {"name": LONG}))
    assert (await sim.profile())["checkpoints"][-1]["name"] == LONG[:20].upper()
    await sim.created(sim.world.vm("web01"), LONG)
    assert await shown(sim, "Name") == LONG.upper()


@pytest.mark.parametrize("position", list(DESCRIBED))
async def test_descriptions(sim: Sim, position: str) -> None:
    sim.world.switches.set("vmm_descriptions", position)
    await sim.done(await sim.create(sim.world.vm("web01"), "new", Description=TEXT))
    assert await shown(sim, "Description") == DESCRIBED[position]
    key = sim.key(sim.world.vm("web01").checkpoints[0].id)
    await sim.done(await sim.spf("MERGE", key, json={"Description": TEXT}))
    assert (await sim.spf("GET", key)).json()["Description"] == DESCRIBED[position]
    await sim.finished(await sim.act("createCheckpoint", {"description": TEXT}))
    assert (await sim.profile())["checkpoints"][-1]["description"] == DESCRIBED[position]


@pytest.mark.parametrize("skew", [YEARS, -YEARS, 90.0])
async def test_the_date_header(sim: Sim, skew: float) -> None:
    sim.world.switches.set("date_skew", skew)
    token = await sim.http.post(f"/{sim.world.credentials.tenant}/oauth2/v2.0/token", data={})
    for answer in (await sim.spf("GET", "Clouds"), await sim.arm("GET", sim.instance()), token):
        assert parsedate_to_datetime(answer.headers["date"]).timestamp() == START + skew


@pytest.mark.parametrize("skew", [YEARS, -YEARS, 90.0])
async def test_clocks(sim: Sim, skew: float) -> None:
    sim.world.switches.update({"vmm_clock_skew": skew, "compute_clock_skew": skew, "create_takes": "0s"})
    answer = await sim.create(sim.world.vm("web01"), None)
    job = await sim.done(answer)
    point = (await sim.spf("GET", sim.key(answer.json()["ID"]))).json()
    for text in (answer.json()["AddedTime"], point["AddedTime"], point["ModifiedTime"], job["StartTime"]):
        assert datetime.fromisoformat(text).timestamp() == pytest.approx(START + skew, abs=1)
    assert f"/{datetime.fromtimestamp(START + skew, UTC).year} " in point["Name"]
    source = {"id": sim.world.azure.named("shop01").id}
    path = sim.world.azure.resource_id("restorePointCollections", "daily")
    body = {"location": "westeurope", "properties": {"source": source}}
    await sim.arm("PUT", path, version="2024-07-01", json=body)
    made = await sim.arm("PUT", f"{path}/restorePoints/one", version="2024-07-01", json={"properties": {}})
    created = datetime.fromisoformat(made.json()["properties"]["timeCreated"])
    assert created.timestamp() == pytest.approx(START + skew, abs=1)
    assert parsedate_to_datetime(made.headers["date"]).timestamp() == START
