# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the services store a name or a description that they were sent; documented is: as it is."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.switches.field import switch

NORMALISED = "[U] home-assistant/core#179930 and bpg/proxmox#2038 met it elsewhere"


@dataclass
class StoredSwitches:
    """Every switch of what is stored otherwise than it was sent; part of `Switches`."""

    vmm_names: str = switch(
        "kept",
        "a checkpoint's name as VMM stores it: cut, with / as _, with runs of blanks as one, in upper case, in "
        "Unicode's form C, without what stands between its words, escaped as in HTML or in a URL, with ? for letters "
        "outside ASCII, without accents, or behind a word of its own",
        NORMALISED,
        "kept",
        "cut_5",
        "cut_40",
        "cut_100",
        "slash_to_underscore",
        "fold_blanks",
        "upper",
        "nfc",
        "no_separators",
        "escaped",
        "percent",
        "ascii",
        "no_accents",
        "tenant",
    )
    vmm_descriptions: str = switch(
        "kept",
        "a checkpoint's description as VMM stores it: with CR LF at line ends, without blanks at its ends, escaped as "
        "in HTML, in upper case, with blanks and line ends as one blank, without < and >, with ? for letters outside "
        "ASCII, behind a word of its own, or cut",
        NORMALISED,
        "kept",
        "crlf",
        "trimmed",
        "escaped",
        "upper",
        "one_line",
        "no_markup",
        "ascii",
        "tenant",
        "cut_50",
        "cut_200",
    )
    arc_names: str = switch("kept", "a checkpoint's name as Arc passes it on to VMM", NORMALISED, "kept", "cut_20")
