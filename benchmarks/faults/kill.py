"""SIGKILL at random moments."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.faults.checks import (
    against_whole,
    dataset_against_whole,
    digests,
    losses,
    resumed_from,
    steps,
)
from benchmarks.faults.runs import (
    NUM_EPOCHS,
    STEPS_PER_EPOCH,
    Place,
    Program,
    Trial,
    finish,
    start_build,
    start_run,
)

SHARES = {"steps": 0.3, "saving": 0.3, "evaluation": 0.12, "records": 0.12, "crops": 0.16}


def trials(place: Place, count: int) -> dict[str, list[Trial]]:
    """Kills this many programs, grouped by the work that is interrupted."""
    counts = {name: max(1, round(share * count)) for name, share in SHARES.items()}
    counts["steps"] += count - sum(counts.values())
    return {
        "killed between steps": _training(place, counts["steps"], _at_a_step),
        "killed while a checkpoint is saved": _training(place, counts["saving"], _at_a_save),
        "killed while evaluating": list(_evaluation(place, counts["evaluation"])),
        "killed while TFDS writes records": list(_builds(place, counts["records"], _at_records)),
        "killed while cropping": list(_builds(place, counts["crops"], _at_crops)),
    }


Wait = Callable[[Place, Program, Path], bool]


def _at_a_step(place: Place, program: Program, workdir: Path) -> bool:
    before, more = len(losses(workdir)), place.rng.randint(1, 12)
    return program.wait_until(lambda: len(losses(workdir)) >= before + more)


def _at_a_save(place: Place, program: Program, workdir: Path) -> bool:
    before = max(steps(workdir), default=0)
    after = before + STEPS_PER_EPOCH * place.rng.randint(0, 1)  # the next one, or the one after

    def saves() -> bool:
        folders = (workdir / "checkpoints").glob("*.orbax-checkpoint-tmp*")
        return max(steps(workdir), default=0) >= after and any(folders)

    return program.wait_until(saves)


def _training(place: Place, count: int, wait: Wait) -> list[Trial]:
    """Kills runs on one workdir in a row, and on a new one when that is finished."""
    done: list[Trial] = []
    workdir, acknowledged = place.new("killed"), set()
    while True:
        program = start_run(place, workdir)
        begin = len(losses(workdir))
        alive = program.wait_until(lambda at=workdir, begin=begin: len(losses(at)) > begin)
        recovery = program.seconds()
        problem = ""
        if acknowledged and (resumed_from(program) or 0) < max(acknowledged):
            problem = f"{workdir}: had {acknowledged}, resumed from {resumed_from(program)}"
        if done:  # it is this start that shows what the last kill cost
            done[-1] = Trial(done[-1].what, done[-1].problem or problem, recovery)
        if len(done) == count or not alive or not wait(place, program, workdir):
            end = program.wait()
            wrong = f"ended with {end}" if end else against_whole(place, workdir)
            if done and wrong:
                done[-1] = Trial(done[-1].what, f"{workdir}: {wrong}", done[-1].seconds)
            if len(done) == count:
                return done
            workdir, acknowledged = place.new("killed"), set()
            continue
        time.sleep(place.rng.uniform(0, 0.03))
        acknowledged = steps(workdir)
        program.kill()
        step = max((step for step, _ in losses(workdir)), default=0)
        done.append(Trial(f"step {step}", _unwritten(program, workdir), 0.0))


def _unwritten(program: Program, workdir: Path) -> str:
    """Returns the results that a killed run printed but did not write."""
    if "Traceback" in program.text():
        return f"traceback: {program.log}"
    written = dict(losses(workdir))
    for epoch in range(1, NUM_EPOCHS + 1):
        printed = f"epoch {epoch}/{NUM_EPOCHS}:" in program.text()
        if printed and epoch * STEPS_PER_EPOCH not in written:
            return f"{workdir}: epoch {epoch} was printed, and is not in scalars.jsonl"
    return ""


def _evaluation(place: Place, count: int) -> Iterator[Trial]:
    kept = digests(place.whole / "evaluation")
    for number in range(count):
        workdir = place.new("evaluated")
        shutil.copytree(place.whole, workdir)
        folder = workdir / "evaluation" / "test"
        if number % 2:  # otherwise the results of before are there, and must stay whole
            shutil.rmtree(folder)
        before = time.time_ns()
        program = start_run(place, workdir, "--mode", "evaluate")
        wanted = place.rng.randint(1, 4)

        def written(folder=folder, before=before, wanted=wanted) -> bool:
            new = [path for path in folder.glob("*") if path.stat().st_mtime_ns > before]
            return len(new) >= wanted

        hit = program.wait_until(lambda written=written: _safe(written))
        time.sleep(place.rng.uniform(0, 0.05))
        program.kill()
        problem = "" if hit else "ended before it was killed"
        half = [name for name in digests(folder) if not name.startswith(".")]
        if not number % 2 and set(half) != {Path(name).name for name in kept}:
            problem = f"results of before are gone: {sorted(half)}"
        seconds = finish(start_run(place, workdir, "--mode", "evaluate"))
        yield Trial(f"file {wanted}", problem or against_whole(place, workdir), seconds)


def _safe(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except FileNotFoundError:  # a temporary file that took its name between two looks
        return False


def _at_records(place: Place, program: Program, data_dir: Path) -> bool:
    folder = data_dir / "avec_faces" / "tiny"
    written = place.rng.choice(["incomplete.*", "incomplete.*/*", "incomplete.*/*test*"])
    hit = program.wait_until(lambda: any(folder.glob(written)))
    time.sleep(place.rng.uniform(0, 0.1))
    return hit


def _at_crops(place: Place, program: Program, data_dir: Path) -> bool:
    crops, wanted = data_dir / "downloads" / "avec_faces" / "crops", place.rng.randint(1, 8)
    hit = program.wait_until(lambda: len(list(crops.glob("*.crops"))) >= wanted)
    time.sleep(place.rng.uniform(0, 0.2))
    return hit


def _builds(place: Place, count: int, wait: Wait) -> Iterator[Trial]:
    expected = digests(place.data_dir / "downloads" / "avec_faces" / "crops", "*.crops")
    left_out = shutil.ignore_patterns(*(["crops"] if wait is _at_crops else []))
    for _ in range(count):
        data_dir = place.new("built")
        downloads = place.data_dir / "downloads"
        shutil.copytree(downloads, data_dir / "downloads", ignore=left_out)
        program = start_build(place, data_dir)
        hit = wait(place, program, data_dir)
        program.kill()
        problem = "" if hit else "ended before it was killed"
        cached = digests(data_dir / "downloads" / "avec_faces" / "crops", "*.crops")
        if wrong := [name for name, digest in cached.items() if expected[name] != digest]:
            problem = f"half-written crops: {wrong}"
        if (data_dir / "avec_faces" / "tiny" / "1.0.0").exists():
            problem = problem or dataset_against_whole(place, data_dir)
        seconds = finish(start_build(place, data_dir))
        problem = problem or dataset_against_whole(place, data_dir)
        yield Trial(f"{len(cached)} crops kept", problem, seconds)
        shutil.rmtree(data_dir)
