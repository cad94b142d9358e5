# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m simulator`: the simulated services on a free loopback port, until a signal or the end of a parent."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import typing as t
import uuid
from pathlib import Path

from simulator.documents.check import check_world
from simulator.documents.seeding import DEFAULT_DOCUMENT
from simulator.ready import random_credentials
from simulator.server import serve
from simulator.switches.all import Switches
from simulator.world import World


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal or Ctrl-C; 0 when that was in order, 2 when an option made no sense."""
    parser = _Parser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--port", type=_port, default=0, help="loopback port; 0 takes a free one (default)")
    parser.add_argument("--tls-dir", type=Path, help="where CA and certificate are written (default: a private one)")
    parser.add_argument("--http", action="store_true", help="no TLS; vendor SDKs then refuse to send tokens")
    parser.add_argument("--world", type=Path, help="a world document (JSON) instead of the default world")
    parser.add_argument("--ready-file", type=Path, help="written once connections are taken (default: in --tls-dir)")
    parser.add_argument("--time-scale", type=float, default=1.0, help="simulated seconds in a real one")
    parser.add_argument("--seed", default="", help="the same seed gives the same ids (default: another one each time)")
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE", help="see docs/simulator.md")
    parser.add_argument("--with-parent", type=int, metavar="PID", help="end when this process is gone")
    options = parser.parse_args(arguments)
    switches = Switches()
    try:
        switches.update(dict(_pair(each) for each in options.switch))
    except ValueError as error:
        parser.error(str(error))
    document = _document(options.world, parser)
    try:
        world = World(
            time.time,
            seed=options.seed or uuid.uuid4().hex,
            switches=switches,
            document=document,
            scale=options.time_scale,
        )
    except ValueError as error:
        parser.error(f"--time-scale: {error}")
    with tempfile.TemporaryDirectory(prefix="hybridvm-simulator-") as private:
        directory = _directory(options.tls_dir or Path(private), "--tls-dir", parser)
        ready_file = options.ready_file or directory / "ready.json"
        _directory(ready_file.parent, "--ready-file", parser)
        if ready_file.is_dir():
            parser.error(f"--ready-file: {ready_file}: is a directory")
        try:
            serve(
                world,
                port=options.port,
                tls_dir=None if options.http else directory,
                ready_file=ready_file,
                parent=options.with_parent,
            )
        except OSError as error:
            where = f" {error.filename}" if error.filename else f" --port {options.port}"
            parser.error(f"cannot serve:{where}: {error.strerror or error}")
        finally:
            if ready_file.is_file():
                ready_file.unlink()
    return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong on one line; --help says how to use it."""

    def error(self, message: str) -> t.NoReturn:
        self.exit(2, f"simulator: {' '.join(message.split())}{os.linesep}")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"takes 0 to 65535, not {text!r}")
    return int(text)


def _document(path: Path | None, parser: _Parser) -> dict[str, t.Any]:
    """The world document with credentials in it; an error that says what is wrong with it, and where."""
    try:
        document = dict(DEFAULT_DOCUMENT) if path is None else json.loads(path.read_text(encoding="utf-8"))
        check_world(document)
    except OSError as error:
        parser.error(f"--world {path}: {error.strerror}")
    except ValueError as error:
        parser.error(f"--world {path}: {error}")
    return {**document, "credentials": {**random_credentials(), **document.get("credentials", {})}}


def _directory(path: Path, option: str, parser: _Parser) -> Path:
    """The directory, made where it is missing, if files can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        parser.error(f"{option}: {path}: {error.strerror}")
    if not os.access(path, os.W_OK | os.X_OK):
        parser.error(f"{option}: {path}: nothing can be written there")
    return path


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--switch takes NAME=VALUE, not {text!r}")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
