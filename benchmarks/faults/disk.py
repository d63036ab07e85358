"""Full disks and read-only folders, as small file systems in memory."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults.checks import against_whole, dataset_against_whole, digests, refusal
from benchmarks.faults.runs import Place, Trial, finish, start_build, start_run

ROOMY = "64m"


def can_mount(place: Place) -> bool:
    """Returns whether this process may mount file systems, as root usually may."""
    try:
        with mounted(place, "1m"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextlib.contextmanager
def mounted(place: Place, size: str) -> Iterator[Path]:
    """Mounts a file system of this size."""
    folder = place.new("disk")
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder)
    try:
        yield folder
    finally:
        _run("umount", "--lazy", folder)


def _remount(folder: Path, option: str) -> None:
    _run("mount", "-o", f"remount,{option}", folder)


def _run(*command) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def trials(place: Place, count: int) -> dict[str, list[Trial]]:
    """Runs this many trials of each kind; none where nothing can be mounted."""
    if not can_mount(place):
        return {}
    return {
        "disk full while training": [_full_training(place) for _ in range(count)],
        "disk full while evaluating": [_full_evaluation(place) for _ in range(count)],
        "disk full while predicting": [_full_prediction(place) for _ in range(count)],
        "disk full while building": [_full_build(place) for _ in range(count)],
        "folder can only be read": list(_read_only(place)),
    }


def _full_training(place: Place) -> Trial:
    size = place.rng.randint(60, 1500)  # KiB; it takes 2 MiB
    with mounted(place, f"{size}k") as disk:
        workdir = disk / "run"
        program = start_run(place, workdir, "--mode", "train")
        problem, seconds = refusal(program, "cannot", str(disk)), program.seconds()
        _remount(disk, f"size={ROOMY}")
        finish(start_run(place, workdir))
        return Trial(f"{size} KiB", problem or against_whole(place, workdir), seconds)


def _fill(disk: Path, left: int) -> None:
    """Fills the file system up to this many free bytes."""
    usage = shutil.disk_usage(disk)
    (disk / "filler").write_bytes(bytes(max(0, usage.free - left)))


def _full_evaluation(place: Place) -> Trial:
    left = 4096 * place.rng.randint(0, 16)
    with mounted(place, ROOMY) as disk:
        workdir = shutil.copytree(place.whole, disk / "run")
        before = digests(workdir / "evaluation")
        _fill(disk, left)
        program = start_run(place, workdir, "--mode", "evaluate")
        problem, seconds = refusal(program, "cannot write", str(disk)), program.seconds()
        after = digests(workdir / "evaluation", "**/[!.]*")
        if after.keys() != before.keys():
            problem = f"results of before: {before.keys()}, now {after.keys()}"
        (disk / "filler").unlink()
        finish(start_run(place, workdir, "--mode", "evaluate"))
        return Trial(f"{left} bytes", problem or against_whole(place, workdir), seconds)


def _full_prediction(place: Place) -> Trial:
    left = 4096 * place.rng.randint(0, 3)
    video = next(place.data_dir.glob("downloads/avec_faces/synthetic-*/videos/*.mp4"))
    with mounted(place, ROOMY) as disk:
        flags = ["--mode", "predict", "--input", video, "--output", disk / "out"]
        _fill(disk, left)
        program = start_run(place, place.whole, *flags)
        problem, seconds = refusal(program, "cannot", str(disk)), program.seconds()
        (disk / "filler").unlink()
        finish(start_run(place, place.whole, *flags))
        if not (disk / "out" / "predictions.csv").exists():
            problem = problem or "no predictions with room"
        return Trial(f"{left} bytes", problem, seconds)


def _full_build(place: Place) -> Trial:
    videos_only = place.rng.random() < 0.5
    with mounted(place, ROOMY) as disk:
        ignored = shutil.ignore_patterns(*(["crops"] if videos_only else []))
        shutil.copytree(place.data_dir / "downloads", disk / "downloads", ignore=ignored)
        left = 4096 * place.rng.randint(1, 100)
        _fill(disk, left)
        program = start_build(place, disk)
        problem, seconds = refusal(program, str(disk)), program.seconds()
        if (disk / "avec_faces" / "tiny" / "1.0.0").exists():
            problem = problem or "something that looks like a dataset"
        (disk / "filler").unlink()
        finish(start_build(place, disk))
        what = f"{left} bytes, {'videos' if videos_only else 'crops'} there"
        return Trial(what, problem or dataset_against_whole(place, disk), seconds)


def _read_only(place: Place) -> Iterator[Trial]:
    with mounted(place, ROOMY) as disk:
        workdir = shutil.copytree(place.whole, disk / "run")
        shutil.copytree(place.data_dir / "avec_faces", disk / "data" / "avec_faces")
        before = digests(workdir)
        _remount(disk, "ro")
        for mode in ("train", "evaluate", "export"):
            program = start_run(place, workdir, "--mode", mode)
            problem = refusal(program, "cannot", str(disk))
            yield Trial(f"workdir, {mode}", problem, program.seconds())
        program = start_run(place, disk / "new")
        problem = refusal(program, str(disk))
        yield Trial("folder of workdirs", problem, program.seconds())
        program = start_build(place, disk / "other")
        problem = refusal(program, str(disk))
        yield Trial("data_dir, build", problem, program.seconds())
        # Predicting and reading a dataset need not write where these are.
        video = next(place.data_dir.glob("downloads/avec_faces/synthetic-*/videos/*.mp4"))
        flags = ["--mode", "predict", "--input", video, "--output", place.new("predicted")]
        yield Trial("workdir, predict", "", finish(start_run(place, workdir, *flags)))
        copy = shutil.copytree(place.whole, place.new("evaluated"))
        flags = ["--mode", "evaluate", f"--config.data.data_dir={disk / 'data'}"]
        seconds = finish(start_run(place, copy, *flags))
        yield Trial("data_dir, evaluate", against_whole(place, copy), seconds)
        problem = "" if digests(workdir) == before else "files changed"
        yield Trial("what lies there", problem, 0.0)
