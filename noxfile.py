"""Nox sessions on several Python interpreters; `make` calls them."""

import platform
import subprocess
import sys
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13")
FOLDER = Path(__file__).parent / "constraints"

nox.options.error_on_missing_interpreters = False  # but the last lines say which were missing
nox.options.reuse_existing_virtualenvs = True


def is_found(version: str) -> bool:
    """Returns whether this interpreter can be started."""
    try:
        return not subprocess.run([f"python{version}", "--version"], capture_output=True).returncode
    except OSError:
        return False


def newest_other() -> str:
    """Returns the newest interpreter found other than the one that runs nox, or any."""
    own = "{}.{}".format(*sys.version_info)
    others = [version for version in reversed(PYTHONS) if version != own]
    return next(filter(is_found, others), others[0])


def install(session: nox.Session, *more: str) -> None:
    """Installs this checkout with what its tests need."""
    session.install("--quiet", *more, "--editable", ".[test]")


def constrained(session: nox.Session) -> tuple[str, str]:
    """Returns the options of pip for the versions that are known to work together."""
    return ("--constraint", str(FOLDER / f"{session.python}.txt"))


def try_it(session: nox.Session) -> None:
    """Runs the smoke tests, with programs compiled as for users."""
    session.run("pytest", "-m", "smoke", *session.posargs, env={"XLA_FLAGS": ""})


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Runs all tests."""
    install(session, *constrained(session))
    session.run("pytest", "-n", "2", "--dist", "loadfile", *session.posargs)


@nox.session(python=newest_other())
def smoke(session: nox.Session) -> None:
    """Runs the smoke tests, two minutes, on the newest other interpreter."""
    install(session, *constrained(session))
    try_it(session)


@nox.session(python=PYTHONS, reuse_venv=False)
def constraints(session: nox.Session) -> None:
    """Installs the newest versions, tries them, and writes them to constraints/."""
    install(session, "--upgrade")
    try_it(session)
    frozen = session.run("python", "-m", "pip", "freeze", "--exclude-editable", silent=True)
    lines = [line for line in frozen.splitlines() if "==" in line]
    title = f"# Python {session.python} on {platform.system()} {platform.machine()}"
    text = "\n".join([f"{title}, by `make constraints`.", *lines]) + "\n"
    (FOLDER / f"{session.python}.txt").write_text(text)
