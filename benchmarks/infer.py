"""Inference speed: this package, PyTorch, ONNX Runtime and OpenVINO.

    python -m benchmarks.infer [--quick] [--rounds N] [--cores N] [--json FILE] [--other PYTHON]

The paper's network on images of 224 pixels, float32, batches of 1 and of 32; all have the same
random weights and images, and the table says how far their scores are from PyTorch's, relative to
its largest: random weights give scores in the thousands. "ours" has folded
weights, as evaluation does; "plain layers" are those of tests/reference. PyTorch runs channels
last in inference mode; the other two run what torch.onnx.export made of the same network. Five
minutes.
"""

import dataclasses
import sys
import tempfile

from benchmarks.contest import contest, results
from benchmarks.contest.process import Contestant, by_other
from benchmarks.contest.workload import TINY, Workload

OURS, PLAIN, TORCH = "ours", "ours, plain layers", "PyTorch"
ONNX, OPENVINO = "ONNX Runtime", "OpenVINO"
PACKAGES = ("jax", "flax", "torch", "onnxruntime", "openvino", "numpy")
BATCH_SIZES = (1, 32)
IMAGES_PER_ROUND = 32


def contestants(work: Workload, folder: str, other: str | None = None) -> list[Contestant]:
    """Returns all contestants, and ours by another interpreter."""
    arguments = {"workload": dataclasses.asdict(work), "folder": folder}
    programs = {
        OURS: ("benchmarks.contest.ours", "deployed_scores"),
        PLAIN: ("benchmarks.contest.ours", "plain_scores"),
        TORCH: ("benchmarks.contest.pytorch", "scores"),
        ONNX: ("benchmarks.contest.runtimes", "onnx_runtime"),
        OPENVINO: ("benchmarks.contest.runtimes", "openvino"),
    }
    chosen = [Contestant(name, *program, arguments) for name, program in programs.items()]
    return chosen + ([by_other(chosen[0], other)] if other else [])


def measure(
    work: Workload,
    rounds: int,
    num_cores: int,
    names: tuple[str, ...] = (),
    other: str | None = None,
) -> dict:
    """Lets contestants of these names, or all, take turns at one batch size."""
    with tempfile.TemporaryDirectory() as folder:
        everyone = contestants(work, folder, other)
        chosen = [each for each in everyone if not names or each.name in names]
        to_onnx = any(each.module == "benchmarks.contest.runtimes" for each in chosen)
        network = {"folder": folder, "workload": dataclasses.asdict(work), "to_onnx": to_onnx}
        if failure := contest.prepare("benchmarks.contest.network", "write", network):
            raise SystemExit(f"expected a network for all, writing one {failure}")
        repeats = max(1, IMAGES_PER_ROUND // work.batch_size)
        held = contest.hold(chosen, rounds, repeats, num_cores)
    outcome = results.summarise(*held, (TORCH, ONNX, OURS))
    return outcome | {"workload": dataclasses.asdict(work), "rounds": rounds}


def table(outcomes: list[dict]) -> str:
    """Formats the outcomes of several batch sizes as Markdown."""
    headers = ("batch", "program", "ms a batch (quartiles)", "CPU ms", "peak MiB")
    headers += ("time against PyTorch", "CPU", "memory", "time against ONNX Runtime")
    headers += ("time against ours", "scores off")
    rows = [
        (
            outcome["workload"]["batch_size"],
            name,
            results.milliseconds(values),
            f"{1e3 * values['median_cpu_s']:.0f}",
            f"{values['peak_mib']:.0f}",
            *(results.ratio(values, TORCH, kind) for kind in ("time", "cpu", "memory")),
            results.ratio(values, ONNX, "time"),
            results.ratio(values, OURS, "time"),
            f"{values['against'][TORCH]['difference']:.0e}" if TORCH in values["against"] else "",
        )
        for outcome in outcomes
        for name, values in outcome["contestants"].items()
    ]
    return results.table(headers, rows)


def main() -> None:
    """Measures, prints, and writes the JSON if asked."""
    flags, machine = results.parse_flags(__doc__, 9, PACKAGES)
    work = TINY if flags.quick else Workload()
    outcomes = [
        measure(
            dataclasses.replace(work, batch_size=size),
            flags.rounds,
            flags.cores,
            other=flags.other,
        )
        for size in BATCH_SIZES
    ]
    whole = {"batch_sizes": outcomes, "machine": machine}
    whole["absent"] = outcomes[0]["absent"] | outcomes[1]["absent"]
    everyone = [each for outcome in outcomes for each in outcome["contestants"].values()]
    footer = results.footer(whole, everyone)
    results.publish(whole, f"{table(outcomes)}\n\n{footer}", flags.json)


if __name__ == "__main__":
    sys.exit(main())
