"""Shared fixtures: a small real dataset, and the real command line."""

import atexit
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import avec_trees
import forked_runs
import pytest

from hmhn_jax.runtime import environment as runtime_environment

# What is compiled is kept for all tests and for the programs that they start, and for no longer.
if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker has this of the process that started it
    COMPILED = tempfile.mkdtemp(prefix="hmhn_jax_compiled_")
    atexit.register(shutil.rmtree, COMPILED, ignore_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = COMPILED
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    # Compiling takes most of the time here, and networks are tiny. `make smoke` sets XLA_FLAGS to
    # nothing, and so compiles as users do.
    quickly = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    # The flags of one release end the process in another. CPU time to compile a training step:
    fast = {
        "0.10": "--xla_cpu_use_fusion_emitters=false",  # 6 to 7 s instead of 11 s
        "0.12": "--xla_cpu_opt_preset=CPU_OPT_PRESET_FAST_COMPILE",  # 8.8 s instead of 10.8 s
    }
    release = ".".join(version("jaxlib").split(".")[:2])
    os.environ.setdefault("XLA_FLAGS", f"{quickly} {fast.get(release, '')}".strip())
runtime_environment.set_environment()  # as run.py does

import jax  # noqa: E402, only now

ROOT = Path(__file__).parents[1]

# A silent broadcast is the classic way to a wrong loss.
jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_addoption(parser):
    parser.addoption(
        "--parity", action="store_true", help="Fail without PyTorch, instead of skipping its tests."
    )


def pytest_configure(config):
    if config.getoption("parity") and importlib.util.find_spec("torch") is None:
        raise pytest.UsageError("--parity: PyTorch is missing: pip install -e '.[test,parity]'")


@pytest.fixture(scope="session")
def videos(tmp_path_factory) -> avec_trees.Videos:
    """Makes plain rendered videos where a test wants them."""
    return avec_trees.Videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="session")
def manual_dir(tmp_path_factory, videos) -> Path:
    """Makes TFDS's manual directory with AVEC 2013, AVEC 2014 (layout A) and awkward videos."""
    manual_dir = tmp_path_factory.mktemp("manual")
    avec_trees.avec2013(manual_dir / "AVEC2013", videos)
    avec_trees.layout_a(manual_dir / "avec2014", videos)
    avec_trees.folder_of_traps(manual_dir / "traps")
    return manual_dir


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory) -> Path:
    """Prepares a data_dir with `avec_faces/tiny`: 7 / 2 / 3 rendered subjects of 5 crops."""
    from hmhn_jax import tfds as avec_faces

    data_dir = tmp_path_factory.mktemp("tiny")
    config = avec_faces.FacesConfig(
        name="tiny",
        videos={"num_train": 7, "num_validation": 2, "num_test": 3, "num_frames": 5},
        num_processes=2,
    )
    avec_faces.Builder(config=config, data_dir=data_dir).download_and_prepare()
    return data_dir


@pytest.fixture(scope="session")
def tiny_flags(tiny_dataset) -> list[str]:
    """Returns flags for the smallest whole network on `tiny_dataset`."""
    fields = {
        "data.dataset": "avec_faces/tiny",
        "data.data_dir": tiny_dataset,
        "data.image_size": 32,
        "model.width": 4,
        "model.lgfe_expansion": 1,
        "model.num_heads": 2,
        "train.batch_size": 8,
        "train.num_epochs": 4,
        "train.log_every_steps": 1,
        "evaluate.batch_size": 8,
        "evaluate.baselines": (),
        "evaluate.audit": False,
    }
    return [f"--config.{field}={value}" for field, value in fields.items()]


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Returns variables for programs: this checkout, and deprecation warnings as errors."""
    paths = (ROOT, ROOT / "tests" / "support" / "strict")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}


@pytest.fixture(scope="session")
def on_devices(environment) -> Callable[[int], dict[str, str]]:
    """Returns on_devices(n), variables for a program that finds so many devices in this CPU."""

    def on_devices(number):
        flags = os.environ["XLA_FLAGS"] + f" --xla_force_host_platform_device_count={number}"
        return environment | {"XLA_FLAGS": flags}

    return on_devices


@pytest.fixture(scope="session")
def start(environment, tmp_path_factory) -> Iterator[Callable[..., forked_runs.Program]]:
    """Returns start("--workdir", ...), which starts `run.py`, or another program, so."""
    with forked_runs.start_server(environment) as server:

        def start(*flags, program=ROOT / "run.py", environment=environment, cwd=ROOT):
            folder = tmp_path_factory.mktemp("program")
            return forked_runs.start(server, program, flags, environment, cwd, folder)

        yield start


@pytest.fixture(scope="session")
def run(start) -> Callable[..., subprocess.CompletedProcess]:
    """Returns run("--workdir", ...), which starts `run.py` and waits until it has ended."""
    return lambda *flags, **settings: start(*flags, **settings).wait()


@pytest.fixture(scope="session")
def run_afresh(environment) -> Callable[..., subprocess.CompletedProcess]:
    """Returns the same with a Python that has imported nothing, as users start it."""

    def run(*flags) -> subprocess.CompletedProcess:
        command = [sys.executable, ROOT / "run.py", *map(str, flags)]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run
