"""Server of `--mode serve`: the page, on this machine."""

import contextlib
import socket
from pathlib import Path

from ml_collections import ConfigDict

from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.base.notices import NOTICE, SYNTHETIC
from hmhn_jax.interop import model_card
from hmhn_jax.runtime import devices


def serve(config: ConfigDict, workdir: Path, host: str, port: int) -> None:
    """Serves the page until it is interrupted, and removes all uploads.

    Args:
      config: of the run; `evaluate.checkpoint` chooses the checkpoint.
      workdir: of the run.
      host: address or name to bind to; others than loopback ones can be reached from elsewhere.
      port: 0 for any free one.

    Raises:
      UsageError: for an address or a port that cannot be had.
      UserError: without the packages that it takes, or without a checkpoint.
    """
    try:
        import uvicorn

        from hmhn_jax.serve.app import make_app
        from hmhn_jax.serve.ending import Server
        from hmhn_jax.serve.guard import is_loopback
        from hmhn_jax.serve.limits import Limits
        from hmhn_jax.serve.predictor import make_work
    except ModuleNotFoundError as error:
        raise UserError(
            f"the page needs {error.name}, which is not installed: pip install 'hmhn-jax[serve]'"
        ) from error
    from hmhn_jax.prediction import ensemble
    from hmhn_jax.prediction import residuals as residuals_lib

    limits = Limits()
    devices.check_batch_size("evaluate.batch_size", config.evaluate.batch_size)
    members = ensemble.restore(config, [workdir])
    residuals = residuals_lib.read_for(workdir, members)
    work = make_work(
        members, config.evaluate, limits.max_duration_s, residuals, config.cv.widest_interval
    )
    step = None if residuals else members[0].step
    split = residuals_lib.SPLIT if residuals else config.data.test_split
    evaluations = model_card.read_evaluations(workdir, step, config)
    about = {
        "dataset": members[0].provenance.config["data"]["dataset"],
        "network": ensemble.training_data(members),
        "synthetic": ensemble.is_synthetic(members),
        "evaluation": next((e for e in evaluations if e["split"] == split), None),
        "intervals": residuals and residuals.describe(),
        "scale": members[0].scale,
    }
    with _listening(host, port) as listener:
        address = f"[{host}]" if ":" in host else host
        print(f"the page is at http://{address}:{listener.getsockname()[1]} (Ctrl-C ends it)")
        if not is_loopback(host):
            print(
                f"warning: anyone who can reach {host} can use it; there is no password and no "
                "encryption"
            )
        if about["synthetic"]:
            print(SYNTHETIC)
        print(NOTICE, flush=True)
        app = make_app(work, about, limits, host)
        settings = uvicorn.Config(
            app, log_level="warning", server_header=False, timeout_graceful_shutdown=3
        )
        with contextlib.suppress(KeyboardInterrupt):  # the way to end it
            Server(settings).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"cannot listen at --host {host} --port {port}: {reason}") from error
