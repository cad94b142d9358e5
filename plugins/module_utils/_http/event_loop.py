# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event loop that nothing keeps from ending: names are resolved in threads that may hang for longer than a task."""

from __future__ import annotations

import asyncio
import threading
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor

Result = t.TypeVar("Result")


class DaemonThreads(ThreadPoolExecutor):
    """A thread for each call, which neither the loop nor the interpreter waits for.

    getaddrinfo() cannot be interrupted. asyncio waits at its end for the threads of its own executor, so that a
    resolver that hangs would hold up a task whose deadline has long come.
    """

    def submit(self, fn: t.Callable[..., Result], /, *args: t.Any, **kwargs: t.Any) -> Future[Result]:
        """Call it in a thread of its own."""
        future: Future[Result] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except (OSError, ValueError) as error:  # what resolving a name can end in
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, *_how: bool, **_named: bool) -> None:
        """There is nothing to wait for."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The loop that a module runs on."""
    loop = asyncio.new_event_loop()
    loop.set_default_executor(DaemonThreads())
    return loop
