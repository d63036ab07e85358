"""Tests of weights from PyTorch: equal outputs, and clear refusals."""

import os
import pickle
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: see the extra 'parity'")

import torch
from torch_hmhn import TorchHMHN

from configs import default
from hmhn_jax.base.errors import UserError
from hmhn_jax.interop import torch_files, torch_names, torch_weights
from hmhn_jax.models import HMHN, MAB
from hmhn_jax.training import pretrained

pytestmark = pytest.mark.pure

# DAN: trunk, heads, output.
DAN = {"use_gwa": False, "use_dff": False, "spatial_reduce": "sum", "width": 4, "num_heads": 3}
# Where torchvision's ResNet-18 has what DAN has at features.N.
TORCHVISION = {0: "conv1", 1: "bn1", 4: "layer1", 5: "layer2", 6: "layer3", 7: "layer4"}


@pytest.fixture(scope="module")
def network():
    """Makes a network in PyTorch whose weights and running statistics are all random."""
    return random_network(DAN)


@pytest.fixture
def state(network):
    return dict(network.state_dict())


@pytest.fixture(scope="module")
def variables():
    """Makes variables of the whole HMHN, GWA and DFF included."""
    return init(HMHN(width=4, num_heads=3, lgfe_expansion=1), seed=0)


def random_network(settings):
    torch.manual_seed(0)
    network = TorchHMHN(**settings).eval()
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_var", "bn.weight")):
            tensor.uniform_(0.5, 2.0)
        elif tensor.ndim == 1:
            tensor.normal_(0.0, 0.5)
    return network


def init(model, seed):
    """Makes random variables of a network, as compiling its own initialisation takes long."""
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: rng.uniform(0.5, 1.5, leaf.shape).astype("f"), shapes)


def as_torchvision(state):
    """Renames DAN's trunk."""
    renamed = {}
    for name, tensor in state.items():
        if name.startswith("features."):
            _, index, rest = name.split(".", 2)
            renamed[f"{TORCHVISION[int(index)]}.{rest}"] = tensor
    return renamed


def assert_close(ours, theirs, tolerance=1e-4):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


def assert_same(tree, other):
    jax.tree.map(np.testing.assert_array_equal, tree, other)


def blocks(variables, *names):
    return {kind: {name: tree.get(name) for name in names} for kind, tree in variables.items()}


def test_heads_and_maps_are_pytorchs(network, state):
    model = HMHN(**DAN)
    loaded, report = torch_weights.load(state, init(model, seed=1))
    assert report.parts == ("trunk", "heads", "output")
    assert report.notes == ()

    images = np.random.default_rng(0).normal(size=(2, 75, 96, 3)).astype(np.float32)
    with torch.no_grad():
        scores, theirs = network(torch.from_numpy(images.transpose(0, 3, 1, 2)))
    ours_scores, ours = jax.jit(model.apply)(loaded, images)
    assert_close(ours["features"], theirs["features"].permute(0, 2, 3, 1))
    assert_close(ours["attention"], theirs["attention"])
    assert_close(ours_scores, scores)
    mab = {kind: tree["mab"] for kind, tree in loaded.items()}
    vectors, _ = jax.jit(MAB(3, spatial_reduce="sum").apply, static_argnums=2)(
        mab, ours["features"], False
    )
    assert_close(vectors, theirs["vectors"])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": {f"module.{name}": state[name] for name in state}},
        lambda state: {"iter": 7, "model_state_dict": state, "optimizer_state_dict": {}},
    ],
)
def test_a_trunk_alone_changes_the_trunk_alone(network, state, variables, tmp_path, wrap):
    weights = as_torchvision(state) | {"fc.weight": torch.ones(7, 32), "fc.bias": torch.ones(7)}
    torch.save(wrap(weights), tmp_path / "trunk.pth")
    loaded, report = torch_weights.load(tmp_path / "trunk.pth", variables)
    assert report.parts == ("trunk",)
    assert report.notes == ("its last layer is not used: it has 7 outputs, ours has 1",)
    others = ("gwa", "dff", "mab", "regression")
    assert_same(blocks(loaded, *others), blocks(variables, *others))
    expected = torch_weights.load(state, variables)[0]
    assert_same(blocks(loaded, "trunk"), blocks(expected, "trunk"))


@pytest.mark.parametrize("naming", torch_names.NAMINGS)
def test_round_trip(variables, tmp_path, naming):
    torch_weights.save(tmp_path / "weights.pth", variables, naming)
    others = init(HMHN(width=4, num_heads=3, lgfe_expansion=1), seed=1)
    loaded, report = torch_weights.load(tmp_path / "weights.pth", others)
    taken = ("trunk", "mab", "regression") if naming == "dan" else ("trunk",)
    kept = {"trunk", "mab", "regression", "gwa", "dff"} - set(taken)
    assert_same(blocks(loaded, *taken), blocks(variables, *taken))
    assert_same(blocks(loaded, *kept), blocks(others, *kept))
    assert report.parts == (("trunk", "heads", "output") if naming == "dan" else ("trunk",))
    assert os.listdir(tmp_path) == ["weights.pth"]


def test_pytorch_takes_what_we_write(network, variables, tmp_path):
    torch_weights.save(tmp_path / "weights.pth", variables)
    content = torch.load(tmp_path / "weights.pth", weights_only=True)
    assert not TorchHMHN(**DAN).load_state_dict(content, strict=True).missing_keys
    trunk = torch_weights.export(variables, "torchvision")
    names = {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
    assert set(trunk) == set(as_torchvision(dict.fromkeys(names)))


@pytest.mark.parametrize(
    "settings",
    [{"kernels": ((3, 3), (3, 3), (1, 3), (3, 3))}, {"use_mab": False}, {"use_output_norm": False}],
)
def test_every_network_has_a_round_trip(settings):
    model = HMHN(width=4, lgfe_expansion=1, **settings)
    first, second = init(model, seed=0), init(model, seed=1)
    names = ("trunk", "mab", "regression")
    state = torch_weights.export(first)
    assert len(state) == len(jax.tree.leaves(blocks(first, *names)))
    assert_same(blocks(torch_weights.load(state, second)[0], *names), blocks(first, *names))


def test_double_and_half_precision_become_the_networks(state, variables):
    for dtype in (torch.float64, torch.bfloat16):
        cast = {name: tensor.to(dtype) for name, tensor in state.items()}
        loaded, _ = torch_weights.load(cast, variables)
        kernel = loaded["params"]["trunk"]["stem_conv"]["kernel"]
        assert kernel.dtype == np.float32
        expected = cast["features.0.weight"].float().numpy().transpose(2, 3, 1, 0)
        np.testing.assert_array_equal(kernel, expected)


@pytest.mark.parametrize(
    ("settings", "change", "parts", "note"),
    [
        ({}, {"fc.weight": (1000, 32)}, ("trunk", "heads"), "it has 1000 outputs, ours has 1"),
        ({"use_mab": False}, {}, ("trunk",), "its heads are not used: this network has none"),
        ({"use_mab": False}, {}, ("trunk",), "does not follow the same layers as ours"),
    ],
)
def test_what_does_not_fit_the_output_is_left_with_a_note(state, settings, change, parts, note):
    variables = init(HMHN(**DAN | settings), seed=1)
    state |= {name: torch.zeros(shape) for name, shape in change.items()}
    loaded, report = torch_weights.load(state, variables)
    assert report.parts == parts
    assert any(note in each for each in report.notes)
    assert_same(blocks(loaded, "regression"), blocks(variables, "regression"))


def test_an_output_without_batch_normalisation_is_taken_by_a_network_without(state, variables):
    plain = {name: tensor for name, tensor in state.items() if not name.startswith("bn.")}
    loaded, report = torch_weights.load(plain, variables)  # a network with
    assert report.parts == ("trunk", "heads")
    assert report.notes == (
        "its last layer is not used: it has no batch normalisation (bn), ours has one; "
        "config.model.use_output_norm=False takes it",
    )
    assert_same(blocks(loaded, "regression"), blocks(variables, "regression"))

    without = init(HMHN(**DAN, use_output_norm=False), seed=1)
    loaded, report = torch_weights.load(plain, without)
    assert (report.parts, report.notes) == (("trunk", "heads", "output"), ())
    kernel = loaded["params"]["regression"]["dense"]["kernel"]
    np.testing.assert_array_equal(kernel, plain["fc.weight"].numpy().T)

    loaded, report = torch_weights.load(state, without)
    assert report.parts == ("trunk", "heads")
    assert report.notes[0].endswith("ours has none; config.model.use_output_norm=True takes it")
    assert_same(blocks(loaded, "regression"), blocks(without, "regression"))


def swap(state):
    state["features.0.weight"], state["fc.weight"] = state["fc.weight"], state["features.0.weight"]


def without_last_head(state):
    for name in [name for name in state if name.startswith("cat_head2")]:
        del state[name]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (swap, ["2 of another shape", "features.0.weight expected (4, 3, 7, 7), got (1, 32)"]),
        (lambda state: state.pop("features.1.bias"), ["1 missing (features.1.bias)"]),
        (without_last_head, ["missing (cat_head2.", "and 29 more"]),
        (lambda state: state.pop("bn.weight"), ["1 missing (bn.weight)"]),
        (lambda state: state.update(extra=torch.ones(1)), ["1 unexpected (extra)"]),
        (
            lambda state: state.update({"features.0.weight": torch.ones(64, 3, 7, 7)}),
            ["expected (4, 3, 7, 7), got (64, 3, 7, 7)", "--config.model.width=64"],
        ),
        (lambda state: state["bn.bias"].fill_(torch.nan), ["1 not finite (bn.bias)"]),
        (
            lambda state: state.update({"bn.bias": torch.tensor([1e300]).double() * 1e100}),
            ["1 not finite (bn.bias)"],
        ),
        (
            lambda state: state["features.1.running_var"].fill_(-1.0),
            ["1 negative (features.1.running_var)"],
        ),
        (
            lambda state: state.update({"fc.weight": torch.ones(1, 32, dtype=torch.int8)}),
            ["torch.int8 under 'fc.weight'"],
        ),
        (lambda state: state.update(epoch=3), ["int under 'epoch'"]),
        (
            lambda state: state.update({"fc.bias": torch.zeros(1).to_sparse()}),
            ["sparse torch.float32 under 'fc.bias'"],
        ),
        (
            lambda state: state.update({"fc.bias": torch.zeros(1, device="meta")}),
            ["meta torch.float32 under 'fc.bias'"],
        ),
        (lambda state: state.clear(), ["got an empty one"]),
    ],
)
def test_weights_that_do_not_fit_are_named_in_one_line(state, variables, tmp_path, spoil, words):
    file = tmp_path / "spoiled.pth"
    state = {name: tensor.clone() for name, tensor in state.items()}
    spoil(state)
    torch.save(state, file)
    with pytest.raises(UserError) as raised:
        torch_weights.load(file, variables)
    assert_one_line(raised, file, *words)


def assert_one_line(raised, *words):
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 600
    for word in words:
        assert str(word) in message


def truncate(file, state):
    torch.save(state, file)
    file.write_bytes(file.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda file, _: None, ["No such file"]),
        (lambda file, _: file.mkdir(), ["Is a directory"]),
        (lambda file, _: file.write_bytes(b""), ["0 bytes"]),
        (lambda file, _: file.write_text("not weights"), ["11 bytes"]),
        (truncate, ["damaged"]),
        (lambda file, state: torch.save(list(state.values()), file), ["got list"]),
        (lambda file, _: torch.save(torch.ones(3), file), ["got Tensor"]),
    ],
)
def test_files_that_are_no_weights_are_named_in_one_line(state, variables, tmp_path, write, words):
    file = tmp_path / "weights.pth"
    write(file, state)
    with pytest.raises(UserError) as raised:
        torch_weights.load(file, variables)
    assert_one_line(raised, file, *words)


class Malicious:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "write", [torch.save, lambda *both: both[1].write_bytes(pickle.dumps(both[0]))]
)
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(state, variables, tmp_path, write):
    file, ran = tmp_path / "weights.pth", tmp_path / "ran"
    write(state | {"extra": Malicious(ran)}, file)
    with pytest.raises(UserError) as raised:
        torch_weights.load(file, variables)
    assert_one_line(raised, file, "weights_only=True")
    assert not ran.exists()
    torch.load(file, weights_only=False) if write is torch.save else pickle.loads(file.read_bytes())
    assert ran.exists()  # it would have run


def test_without_pytorch_one_line_says_what_to_install(variables, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for use in (torch_weights.load, torch_weights.save):
        args = (tmp_path / "weights.pth", variables)
        with pytest.raises(UserError, match=r"pip install 'hmhn-jax\[torch\]'"):
            use(*args)
    arrays = torch_weights.export(variables)  # arrays need no PyTorch
    assert torch_weights.load(arrays, variables)[1].file is None


def test_a_file_that_cannot_be_written_is_named(variables, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        torch_files.write(tmp_path / "file" / "weights.pth", torch_weights.export(variables))


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_a_run_says_what_it_starts_from(state, tmp_path, capsys, reduce):
    config = default.get_config()
    config.model.width, config.model.num_heads, config.model.spatial_reduce = 4, 3, reduce
    variables = init(HMHN(width=4, num_heads=3), seed=0)
    assert pretrained.start(config, variables) == (variables, None)
    assert capsys.readouterr().out == ""

    torch.save(state, tmp_path / "weights.pth")
    config.init_from = str(tmp_path / "weights.pth")
    loaded, origin = pretrained.start(config, variables)
    assert origin["parts"] == ["trunk", "heads", "output"]
    assert_same(blocks(loaded, "trunk"), blocks(torch_weights.load(state, variables)[0], "trunk"))
    printed = capsys.readouterr().out
    assert f"starting from {config.init_from}: trunk, heads, output" in printed
    assert ("divides them by 32" in printed) == (reduce == "mean")
