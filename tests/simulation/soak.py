# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One seed played and judged, its trace, and the smallest story that still fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from tests.simulation.azure_invariants import judge_azure
from tests.simulation.change_generator import changes
from tests.simulation.change_invariants import judge_changes
from tests.simulation.fleet_generator import fleets
from tests.simulation.fleet_invariants import judge_fleets
from tests.simulation.further_invariants import judge_further
from tests.simulation.generator import script
from tests.simulation.group_generator import groups
from tests.simulation.group_invariants import judge_groups
from tests.simulation.player import play
from tests.simulation.policy_generator import policies
from tests.simulation.policy_invariants import judge_policies
from tests.simulation.record import Record, Run
from tests.simulation.resource_invariants import judge_resources
from tests.simulation.run_invariants import Judge, judge_runs
from tests.simulation.script import SERVICES, Script
from tests.simulation.world_invariants import judge_world


@dataclass
class Verdict:
    """What became of one story."""

    script: Script
    record: Record
    made: Counter[str]
    broken: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> frozenset[str]:
        """Which invariants do not hold."""
        return frozenset(each.partition(":")[0] for each in self.broken)


Story = Callable[[int, tuple[str, ...], tuple[int, int]], Script]
STORIES: dict[str, Story] = {
    "tasks": script,
    "policies": policies,
    "groups": groups,
    "fleets": fleets,
    "changes": changes,
}
"""What a seed's story can be about. Each kind has seeds of its own."""


def soak(seed: int, services: tuple[str, ...] = SERVICES, *, quick: bool = False, about: str = "tasks") -> Verdict:
    """The verdict on a seed's story `about` one of STORIES; `quick` ones have fewer tasks."""
    return judged(STORIES[about](seed, services, (1, 2) if quick else (2, 4)))


def judged(story: Script) -> Verdict:
    """The verdict on a story."""
    record = play(story)
    judge = Judge(story, record)
    judge_runs(judge)
    judge_world(judge)
    judge_azure(judge)
    judge_resources(judge)
    judge_further(judge)
    judge_policies(judge)
    judge_groups(judge)
    judge_fleets(judge)
    judge_changes(judge)
    return Verdict(story, record, judge.made, judge.broken)


def shrink(verdict: Verdict, tries: int = 150) -> Verdict:
    """The same failure with as little as possible around it: parts are left out one at a time while it still fails."""
    again = True
    while again:
        again = False
        for smaller in _smaller(verdict.script):
            if tries <= 0:
                return verdict
            tries -= 1
            found = judged(smaller)
            if found.kinds & verdict.kinds:
                verdict, again = found, True
                break
    return verdict


def _smaller(story: Script) -> Iterator[Script]:
    for place, task in enumerate(story.tasks):
        rest = story.tasks[:place] + story.tasks[place + 1 :]
        troubles = tuple(trouble for trouble in story.troubles if trouble.task != task.number)
        if rest:
            yield replace(story, tasks=rest, troubles=troubles)
    for place in range(len(story.troubles)):
        yield replace(story, troubles=story.troubles[:place] + story.troubles[place + 1 :])
    for place in range(len(story.events)):
        yield replace(story, events=story.events[:place] + story.events[place + 1 :])
    for place in range(len(story.jumps)):
        yield replace(story, jumps=story.jumps[:place] + story.jumps[place + 1 :])
    for name in story.switches:
        yield replace(story, switches={key: value for key, value in story.switches.items() if key != name})
    for place, task in enumerate(story.tasks):
        if task.kill is not None or task.signal is not None or task.approval is not None:
            calmer = replace(task, kill=None, signal=None, again=None, approval=None)
            yield replace(story, tasks=(*story.tasks[:place], calmer, *story.tasks[place + 1 :]))


def trace(verdict: Verdict) -> Iterator[str]:
    """The story, every request with what met it, and every result, in the order of time."""
    yield from verdict.script.lines()
    begin = min(run.start for run in verdict.record.runs)
    lines: list[tuple[float, str]] = []
    for run in verdict.record.runs:
        lines.append((run.start, f"{run.label} begins ({run.phase})"))
        for each in run.sent:
            fate = f"  <- {each.fate}" if each.fate else ""
            body = f" {each.body.decode('utf-8', 'replace')[:160]}" if each.writes else ""
            lines.append((each.at, f"{run.label}   {each.method} {_short(each.target)}{body} -> {each.status}{fate}"))
        lines.append((run.end, f"{run.label} ends: {_outcome(run)}"))
    for work in verdict.record.work:
        who = work.run.label if work.run else "somebody"
        state = "failed" if work.failed else "done" if work.succeeded else "running"
        end = f" at {work.job.finished - begin:.2f}" if work.job.finished else ""
        lines.append((work.at, f"{who}     [{work.service} {work.kind} {work.name} of {work.vm}: {state}{end}]"))
    for moment, text in sorted(lines, key=lambda each: each[0]):
        yield f"{moment - begin:10.2f}  {text}"


def _short(target: str) -> str:
    """A request's target: the end of its path says what it is about, and of a status URL the beginning does."""
    path, _mark, query = target.partition("?")
    path = path[:150] if "/operation" in path.lower() or len(path) <= 100 else f"…{path[-99:]}"
    return f"{path}?{query[:60]}" if query else path


def _outcome(run: Run) -> str:
    if run.killed:
        return "killed"
    if run.crash:
        return run.crash
    result = run.result or {}
    done = [action["action"] for action in result.get("plan", {}).get("actions", [])]
    return f"changed={result.get('changed')} plan={done} {result.get('msg', '')}"
