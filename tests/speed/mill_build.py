"""Journals of a whole build, sample by sample, on a clock of their own: what the runner would have written."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from samples import Make
from speed import mill_facts, mill_noise, mill_process
from speed.mill_noise import Host
from speed.mill_process import PASSES

from bench.measure import header, selftest
from bench.measure.plan import baseline_reach, order_round, resolve, sample_seconds
from bench.measure.profiles import PROFILES
from bench.results import records, store
from bench.results.store import Journal
from bench.results.trust import ALLOCATED, ALLOCATED_MIB, HELD, MORE, SLEEP, SLEEP_MS
from bench.spec import Machine

if TYPE_CHECKING:
    from speed.mill_truth import Effect, World

    from bench.measure.plan import PlannedExperiment, PlannedGroup

MAKE = Make()
BUILD, LATER = "20260102-030405-abcd", "20260103-030405-abcd"
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HORIZON_S = 40_000.0
SOFTWARE = {"onnxruntime": "1.31.1", "python": "3.11.7"}


def journals(world: World) -> dict[str, Journal]:
    """Complete results of every experiment, measured in turns as the runner does."""
    rng = random.Random(f"samples {world.seed}")
    host = Host.with_spells(rng, HORIZON_S) if world.spells else Host()
    made = {name: _begun(world, planned, BUILD) for name, planned in world.planned.items()}
    for name, planned in world.planned.items():
        for record in (*mill_facts.untimed(world, planned, rng), *mill_facts.reports(world, planned)):
            made[name].add(record)
    turns = [(name, group) for name, planned in world.planned.items() for group in planned.groups]
    now = 0.0
    for number in range(min(world.rounds, max(one.most_rounds for one in world.planned.values()))):
        waiting = [turn for turn in turns if number < world.planned[turn[0]].rounds(turn[1])]
        rng.shuffle(waiting)
        for name, group in waiting:
            now = _round(world, made[name], group, number, Clock(host, now), rng)
    for name, planned in world.planned.items():
        _close(made[name], now, min(world.rounds, planned.most_rounds))
    return made


class Clock:
    """The time of a build, and the host as it is then."""

    def __init__(self, host: Host, now: float) -> None:
        self.host, self.begun, self.now = host, now, now


def _begun(world: World, planned: PlannedExperiment, build: str) -> Journal:
    labels: dict[str, list[str]] = {}
    for group in planned.groups:
        labels.setdefault(group.group.model, []).append(group.input.label)
    machine = {
        "cpu": "某处理器",
        "cores": world.cores,
        "logical_cores": world.logical,
        "physical_cores": world.physical,
    }
    prepared = {name: MAKE.prepared(found) for name, found in labels.items()}
    facts = header.Facts(machine, SOFTWARE)
    first = header.first_line(planned, facts, "0123456789abcdef", build, world.seed, prepared)
    first = first.model_copy(update={"started_at": _moment(0)})
    return Journal(Path(planned.experiment.id) / f"{build}.jsonl", first)


def _moment(seconds: float) -> str:
    return (STARTED + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def _close(journal: Journal, seconds: float, rounds: int) -> None:
    took = {"finished_at": _moment(seconds), "measured_s": round(seconds, 1)}
    journal.add(MAKE.footer(rounds).model_copy(update=took))


def _round(
    world: World, journal: Journal, group: PlannedGroup, number: int, clock: Clock, rng: random.Random
) -> float:
    """One round of one group; returns when it ended."""
    name = journal.header.experiment
    planned = world.planned[name]
    effects = {case: world.effects[name, group.index, case] for case in group.cases}
    for position, case in enumerate(order_round(group.cases, rng, baseline_reach(planned, group))):
        effect, started = effects[case], clock.now
        if effect.fails == "always" or (effect.fails == "once" and number == 2):
            wall, result = 0.5, {"failure": MAKE.failure()}
        else:
            wall, figures = _figures(world, planned, group, effect, clock, rng)
            result = {"figures": figures}
        clock.now += wall + 0.02
        begun = started - clock.begun
        journal.add(mill_process.sample(group.index, number, position, case, begun, wall, **result))
    journal.add(MAKE.end(number, group=group.index, dirty=rng.random() < world.busy))
    return clock.now


def _figures(
    world: World,
    planned: PlannedExperiment,
    group: PlannedGroup,
    effect: Effect,
    clock: Clock,
    rng: random.Random,
) -> tuple[float, records.Figures]:
    """(seconds from start to end, what the process reports)."""
    usual = sample_seconds(planned, group)
    slower = clock.host.slower(clock.now, usual) * mill_noise.time(rng, group)
    latency = 0.3 * usual / PASSES / len(group.input.shapes) * effect.time * slower
    kept = effect.kept * mill_noise.memory(rng, group)
    peak = max(kept, effect.peak * mill_noise.memory(rng, group))
    return mill_process.process(
        world,
        len(group.input.shapes),
        latency,
        peak,
        kept,
        cores=effect.cores,
        grown=effect.grown,
        rest=usual,
    )


def self_tests(world: World) -> dict[str, Journal]:
    """Build -> its self-test: of the build that is shown, and of a later one that must not vouch for it."""
    builds = {
        "passed": {BUILD: True},
        "failed": {BUILD: False},
        "elsewhere": {BUILD: False, LATER: True},
        "missing": {},
    }[world.selftest]
    return {build: _self_test(world, build, sees=sees) for build, sees in builds.items()}


def _self_test(world: World, build: str, *, sees: bool) -> Journal:
    """With `sees`, the tenth more that is there; else none of it."""
    rng = random.Random(f"selftest {world.seed}")
    planned = resolve(selftest.EXPERIMENT, PROFILES["default"], Machine(cores=world.cores), 1 << 40)
    journal = _begun(world, planned, build)
    for group in planned.groups:
        for number in range(planned.rounds(group)):
            for position, case in enumerate(order_round(group.cases, rng, 4)):
                wall, figures = _known(world, case, rng, sees=sees)
                place = (group.index, number, position, case, float(position))
                journal.add(mill_process.sample(*place, wall, figures=figures))
            journal.add(MAKE.end(number, group=group.index, dirty=False))
    _close(journal, 60.0, planned.most_rounds)
    return journal


def _known(world: World, case: str, rng: random.Random, *, sees: bool) -> tuple[float, records.Figures]:
    latency = 0.007 * (1.1 if case == MORE and sees else 1.0) * (1 + rng.uniform(-0.004, 0.004))
    peak = 50.0 + (ALLOCATED_MIB if case in (ALLOCATED, HELD) else 0)
    kept = 50.0 + (ALLOCATED_MIB if case == HELD else 0)
    if case == SLEEP:
        return mill_process.process(world, 1, SLEEP_MS / 1000, peak, kept, cores=0.0, threads=1)
    return mill_process.process(world, 1, latency, peak, kept, cores=1.0, threads=1)


def through_its_file(journal: Journal) -> Journal:
    """The journal written out and read back, where everything that cannot be is refused."""
    in_order = [line for end in journal.rounds for line in (*journal.samples_of(end), end)]
    lines = [journal.header, *journal.untimed, *journal.reports, *in_order, journal.footer]
    text = "".join(f"{line.model_dump_json()}\n" for line in lines if line is not None)
    return store.parse(journal.path, text.encode())
