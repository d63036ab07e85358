"""Tests of the Dockerfile and docs/cluster: linters, run.py's own flags, SLURM's variables."""

import os
import re
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from hmhn_jax.runtime.signals import EXIT_CODES

ROOT = Path(__file__).parents[1]
SLURM = ROOT / "docs" / "cluster" / "hmhn.slurm"
JOB = ROOT / "docs" / "cluster" / "hmhn-job.yaml"
FOLDS_SLURM = SLURM.with_name("hmhn-folds.slurm")
FOLDS_JOB = JOB.with_name("hmhn-folds.yaml")


def objects():
    return {each["kind"]: each for each in yaml.safe_load_all(JOB.read_text())}


def pod():
    return objects()["Job"]["spec"]["template"]["spec"]


def assert_run_py_takes(arguments, environment):
    """Asserts that run.py's own parser takes these flags, and that the config exists."""
    code = "import sys; from hmhn_jax import cli; cli.parse_flags(sys.argv)"
    parsed = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert parsed.returncode == 0, parsed.stderr


@pytest.mark.parametrize("script", [SLURM, FOLDS_SLURM], ids=lambda path: path.name)
def test_the_script_is_clean(script):
    check(["bash", "-n", script])
    check(["shellcheck", script])


def test_the_dockerfile_is_clean_and_takes_versions_that_exist():
    check(["hadolint", ROOT / "Dockerfile"])
    text = (ROOT / "Dockerfile").read_text()
    (version,) = re.findall(r"FROM python:(\S+)-slim", text)
    assert f"--constraint constraints/{version}.txt" in text
    assert (ROOT / "constraints" / f"{version}.txt").is_file()


def check(command):
    """Runs a linter, which pip installs next to the interpreter."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    environment = os.environ | {"PATH": path}
    checked = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("ends_with", "requeued"), [(75, True), (0, False), (1, False)])
def test_the_script_starts_again_what_was_asked_to_end(tmp_path, environment, ends_with, requeued):
    for name, code in (("srun", ends_with), ("scontrol", 0)):
        stand_in = tmp_path / name
        stand_in.write_text(
            f'#!/bin/bash\nprintf "%s\\n" "$@" > {tmp_path}/{name}.txt\nexit {code}\n'
        )
        stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    ended = subprocess.run(
        ["bash", SLURM, "--config", "configs/avec2014.py"],
        env=environment | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "7"},
    )
    assert ended.returncode == ends_with
    if requeued:
        assert (tmp_path / "scontrol.txt").read_text().split() == ["requeue", "7"]
    assert (tmp_path / "scontrol.txt").exists() == requeued

    arguments = (tmp_path / "srun.txt").read_text().split("\n")[:-1]
    flags = arguments[arguments.index("run.py") + 1 :]
    assert "--distributed" in flags
    assert_run_py_takes(flags, environment)


def test_the_array_runs_a_fold_a_task(tmp_path, environment):
    stand_in = tmp_path / "srun"
    stand_in.write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" > {tmp_path}/srun.txt\n')
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    variables = {"SLURM_ARRAY_TASK_ID": "7", "FOLDS": "5", "REPEATS": "2"}
    subprocess.run(
        ["bash", FOLDS_SLURM, "--config", "configs/avec2014.py"],
        env=environment | {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | variables,
        check=True,
    )
    arguments = (tmp_path / "srun.txt").read_text().split("\n")[:-1]
    flags = arguments[arguments.index("run.py") + 1 :]
    assert flags[-2:] == ["--fold", "r1f2"]
    assert_run_py_takes(flags, environment)


def test_each_pod_of_an_array_runs_a_fold(environment):
    (job,) = yaml.safe_load_all(FOLDS_JOB.read_text())
    kubernetes_validate.validate(job, kubernetes_validate.latest_version(), strict=True)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    arguments = [flag.replace("$(JOB_COMPLETION_INDEX)", "4") for flag in container["args"]]
    assert "--fold=r0f4" in arguments
    assert f"--config.cv.folds={job['spec']['completions']}" in arguments
    assert_run_py_takes(arguments, environment)


def test_the_script_warns_the_tasks_and_not_itself():
    # B: would go to the script alone, which srun keeps waiting.
    (signal,) = re.findall(r"^#SBATCH --signal=(.*)$", SLURM.read_text(), re.M)
    name, seconds = signal.split("@")
    assert name == "TERM"
    assert int(seconds) >= 60


def test_the_objects_follow_the_schemas_of_kubernetes():
    assert set(objects()) == {"PersistentVolumeClaim", "Service", "Job"}
    for each in objects().values():
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def test_the_pods_find_each_other(environment):
    job, service, (container,) = objects()["Job"], objects()["Service"], pod()["containers"]
    processes = job["spec"]["completions"]
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["parallelism"] == processes
    assert service["spec"]["clusterIP"] == "None"
    name = job["metadata"]["name"]
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": name}
    assert pod()["subdomain"] == service["metadata"]["name"]

    flags = dict(flag.split("=", 1) for flag in container["args"])
    assert flags["--coordinator"].split(":")[0] == f"{name}-0.{pod()['subdomain']}"
    assert flags["--num_processes"] == str(processes)
    assert flags["--process_id"] == "$(JOB_COMPLETION_INDEX)"
    assert container["command"] == ["python", "run.py"]
    arguments = [flag.replace("$(JOB_COMPLETION_INDEX)", "1") for flag in container["args"]]
    assert_run_py_takes(arguments, environment)


def test_the_pods_start_again_unless_the_flags_are_wrong():
    assert pod()["restartPolicy"] == "Never"  # podFailurePolicy is for these
    actions = {
        code: rule["action"]
        for rule in objects()["Job"]["spec"]["podFailurePolicy"]["rules"]
        for code in rule.get("onExitCodes", {}).get("values", [])
    }
    assert actions == {75: "Ignore", 2: "FailJob"}
    assert 75 in EXIT_CODES.values()


def test_the_pods_have_no_rights_that_they_do_not_need():
    (container,) = pod()["containers"]
    assert pod()["securityContext"]["runAsNonRoot"]
    assert pod()["automountServiceAccountToken"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    # All that is written goes where a volume is.
    flags = dict(flag.split("=", 1) for flag in container["args"])
    mounts = [each["mountPath"] for each in container["volumeMounts"]]
    (home,) = (each["value"] for each in container["env"] if each["name"] == "HOME")
    for path in (flags["--workdir"], flags["--config.data.data_dir"], home):
        assert any(Path(path).is_relative_to(mount) for mount in mounts)
