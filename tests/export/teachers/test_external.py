"""External teachers with random weights in exactly their checkpoints' layout."""

import os
import pickle

import numpy as np
import pytest
import torch
from scipy import special

from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_export.teachers import KINDS, PRESETS, load_teacher
from ecgedge_export.teachers.external import build
from ecgedge_export.teachers.net1d import Net1d

FS = 500.0
SINE = np.sin(2 * np.pi * 1.3 * np.arange(5000) / FS)
GOLDEN = [-0.788065, 0.272473, -4.501258, 1.599004, -1.503464, -1.789656]  # every 50th value
# Stages of CLEF-small: in, out, middle, groups, blocks, length of the output for 5,000 samples.
SMALL = (
    (32, 32, 16, 4, 1, 1250),
    (32, 64, 32, 8, 1, 625),
    (64, 64, 32, 8, 2, 313),
    (64, 128, 64, 16, 2, 157),
    (128, 128, 64, 16, 2, 79),
    (128, 256, 128, 32, 2, 40),
)


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of CLEF-small, written down from the table above and not from the network."""
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name, *weight):
        shapes.update({f"{name}.weight": weight, f"{name}.bias": weight[:1]})

    def norm(name, width):
        layer(name, width)
        shapes.update({f"{name}.running_mean": (width,), f"{name}.running_var": (width,)})
        shapes[f"{name}.num_batches_tracked"] = ()

    layer("first_conv.conv", 32, 1, 16)
    norm("first_bn", 32)
    for i, (c_in, c_out, middle, groups, blocks, _) in enumerate(SMALL):
        for j in range(blocks):
            at, width = f"stage_list.{i}.block_list.{j}", c_out if j else c_in
            norm(f"{at}.bn1", width)
            norm(f"{at}.bn2", middle)
            norm(f"{at}.bn3", middle)
            layer(f"{at}.conv1.conv", middle, width, 1)
            layer(f"{at}.conv2.conv", middle, middle // groups, 16)
            layer(f"{at}.conv3.conv", c_out, middle, 1)
            layer(f"{at}.se_fc1", c_out // 2, c_out)
            layer(f"{at}.se_fc2", c_out, c_out // 2)
    return shapes


def random_state(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights that keep the signal's size; from numpy, so that they are the same with every torch."""
    rng = np.random.default_rng(seed)
    state = {}
    for name, shape in sorted(shapes.items()):
        scale = 1.0 / np.sqrt(max(1, np.prod(shape[1:], dtype=int)))
        values = rng.standard_normal(shape) * scale if shape else np.array(3)
        state[name] = torch.from_numpy(np.asarray(values, np.float32 if shape else np.int64))
    return state


def same_padded_conv(x, weight, bias, stride, groups):
    """Convolution of (channels, time) after its definition, tap by tap in float64."""
    c_out, per_group, kernel = weight.shape
    length = -(-x.shape[1] // stride)
    pad = max(0, (length - 1) * stride + kernel - x.shape[1])
    x = np.pad(x, ((0, 0), (pad // 2, pad - pad // 2)))
    y = np.repeat(bias[:, None], length, axis=1)
    for g in range(groups):
        rows = slice(g * c_out // groups, (g + 1) * c_out // groups)
        inputs = x[g * per_group : (g + 1) * per_group]
        for k in range(kernel):
            y[rows] += weight[rows, :, k] @ inputs[:, k : k + stride * (length - 1) + 1 : stride]
    return y


def silu(x):
    return x * special.expit(x)


def reference(state, x):
    """CLEF-small in numpy from its tensors alone; checks the length after every stage."""
    w = {k: v.numpy().astype(np.float64) for k, v in state.items()}

    def conv(x, name, stride=1, groups=1):
        return same_padded_conv(x, w[f"{name}.conv.weight"], w[f"{name}.conv.bias"], stride, groups)

    def fc(x, name):
        return w[f"{name}.weight"] @ x + w[f"{name}.bias"]

    x = silu(conv(x[None], "first_conv", 2))
    for i, (_, c_out, _, groups, blocks, length) in enumerate(SMALL):
        for j in range(blocks):
            at = f"stage_list.{i}.block_list.{j}"
            y = conv(x if i == j == 0 else silu(x), f"{at}.conv1")
            y = conv(silu(y), f"{at}.conv2", 1 if j else 2, groups)
            y = conv(silu(y), f"{at}.conv3")
            y = y * special.expit(fc(silu(fc(y.mean(axis=1), f"{at}.se_fc1")), f"{at}.se_fc2"))[:, None]
            if j == 0:
                x = np.pad(x, ((0, 0), (0, 1)))
                x = np.maximum(x[:, 0:-1:2], x[:, 1::2])
            extra = c_out - len(x)
            x = y + np.pad(x, ((extra // 2, extra - extra // 2), (0, 0)))
        assert x.shape == (c_out, length)
    return x.mean(axis=1)


@pytest.fixture(scope="module")
def state():
    return random_state(expected_shapes())


@pytest.fixture
def checkpoint(state, tmp_path):
    """The file as its authors write it."""
    path = tmp_path / "clef.pt"
    torch.save({"state_dict": {f"backbone.{k}": v for k, v in state.items()}}, path)
    return path


@pytest.mark.parametrize(
    ("kind", "tensors", "parameters"),
    [("clef-small", 257, 447_792), ("clef-medium", 507, 30_654_000), ("ecgfounder", 509, 30_807_750)],
)
def test_counts(kind, tensors, parameters):
    net = build(kind)
    assert len(net.state_dict()) == tensors
    assert sum(p.numel() for p in net.parameters()) == parameters == KINDS[kind].parameters


def test_the_keys_and_shapes_of_clef_small():
    assert {k: tuple(v.shape) for k, v in build("clef-small").state_dict().items()} == expected_shapes()


def test_the_batch_norms_of_clef_small_hold_4608_parameters():
    named = build("clef-small").named_parameters()
    assert sum(p.numel() for name, p in named if name.split(".")[-2].startswith(("bn", "first_bn"))) == 4608


def test_the_network_computes_what_the_layout_says(state):
    net = Net1d(KINDS["clef-small"].layout).eval()
    net.load_state_dict(state)
    with torch.inference_mode():
        got = net(torch.from_numpy(SINE.astype(np.float32))[None, None])[0].numpy()
    want = reference(state, SINE)
    assert np.abs(want).max() > 0.1
    np.testing.assert_allclose(got, want, atol=2e-5 * np.abs(want).max())


def test_golden_output_on_a_sine(checkpoint):
    teacher = load_teacher("clef-small", checkpoint)
    vector = teacher.embed(SINE, FS)
    assert (vector.shape, vector.dtype, teacher.dim) == ((256,), np.float32, 256)
    np.testing.assert_allclose(vector[::50], GOLDEN, rtol=1e-4)


def test_other_rates_mean_the_same(checkpoint):
    teacher = load_teacher("clef-small", checkpoint)
    at_500 = teacher.embed(SINE, FS)
    for fs in (250, 130):
        vector = teacher.embed(np.sin(2 * np.pi * 1.3 * np.arange(10 * fs) / fs), fs)
        assert np.linalg.norm(vector - at_500) < 0.02 * np.linalg.norm(at_500)


def test_the_teacher_says_who_it_is(checkpoint):
    teacher = load_teacher("clef-small", checkpoint)
    again = load_teacher("clef-small", checkpoint)
    assert (teacher.name, teacher.preset) == ("clef-small", "clef")
    assert teacher.sha256 == again.sha256
    assert len(teacher.sha256) == 64


@pytest.mark.parametrize("wrapped", [True, False])
def test_ecgfounder_has_no_prefix_and_two_presets(tmp_path, wrapped):
    state = build("ecgfounder").state_dict()
    path = tmp_path / "founder.pth"
    torch.save({"state_dict": state} if wrapped else state, path)
    filtered = load_teacher("ecgfounder", path)
    plain = load_teacher("ecgfounder", path, "founder-plain")
    assert (filtered.preset, plain.preset, filtered.dim) == ("founder", "founder-plain", 1024)
    if wrapped:
        assert not np.allclose(filtered.embed(SINE, FS), plain.embed(SINE, FS), rtol=1e-3)
    with pytest.raises(ConfigError, match="choose one of founder, founder-plain"):
        load_teacher("ecgfounder", path, "clef")


def damaged(state, how):
    if how == "missing":
        return {k: v for k, v in state.items() if k != "backbone.first_bn.weight"}
    if how == "unexpected":
        return state | {"backbone.dense.weight": torch.zeros(1)}
    if how == "shape":
        return state | {"backbone.first_conv.conv.bias": torch.zeros(31)}
    if how == "prefix":
        return {f"module.{k}": v for k, v in state.items()}
    return {k.removeprefix("backbone."): v for k, v in state.items()}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", r"Missing key.*first_bn\.weight"),
        ("unexpected", r"Unexpected key.*dense\.weight"),
        ("shape", "size mismatch"),
        ("prefix", r"does not start with 'backbone\.'"),
        ("no prefix", r"does not start with 'backbone\.'"),
    ],
)
def test_loading_is_strict(checkpoint, how, message):
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    torch.save({"state_dict": damaged(state, how)}, checkpoint)
    with pytest.raises(ModelError, match=message):
        load_teacher("clef-small", checkpoint)


def test_another_kinds_checkpoint_is_refused(checkpoint):
    with pytest.raises(ModelError, match="is no clef-medium"):
        load_teacher("clef-medium", checkpoint)


class Evil:
    """What a hostile pickle looks like: a call when it is read."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_code_in_a_checkpoint_does_not_run(tmp_path):
    path, trace = tmp_path / "evil.pt", tmp_path / "trace"
    torch.save({"state_dict": {"backbone.x": Evil(f"touch {trace}")}}, path)
    with pytest.raises(ModelError, match="never unpickled"):
        load_teacher("clef-small", path)
    path.write_bytes(pickle.dumps(Evil(f"touch {trace}"), protocol=2))
    with pytest.raises(ModelError, match="never unpickled"):
        load_teacher("clef-small", path)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04broken"])
def test_a_broken_file_is_named(tmp_path, content):
    path = tmp_path / "broken.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.pt"):
        load_teacher("clef-small", path)


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": 3}, {"epoch": 7}])
def test_a_file_without_tensors_is_named(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="no state dictionary"):
        load_teacher("clef-small", tmp_path / "other.pt")


def test_a_mistake_of_the_user_is_named(tmp_path):
    with pytest.raises(ConfigError, match="choose one of ecgedge, clef-small"):
        load_teacher("clef-tiny", tmp_path)
    with pytest.raises(ConfigError, match="no such file"):
        load_teacher("clef-small", tmp_path / "none.pt")


def gain(preset, hz):
    """Amplitude of a sine after the filters, in the middle of the window."""
    t = np.arange(5000) / FS
    y = PRESETS[preset].filtered(np.sin(2 * np.pi * hz * t))[1500:3500]
    return np.sqrt(2 * np.mean(y**2))


def test_the_band_of_clef():
    assert gain("clef", 0.1) < 0.01
    assert 0.45 < gain("clef", 40.0) < 0.55  # half amplitude at the edge: the filter runs twice
    assert gain("clef", 8.0) == pytest.approx(1.0, abs=0.01)
    assert gain("clef", 80.0) < 0.01


def test_the_presets_of_ecgfounder():
    assert gain("founder", 50.0) < 0.01
    assert gain("founder", 12.0) == pytest.approx(1.0, abs=0.1)
    assert gain("founder", 1.0) < 0.5, "the median takes slow waves away"
    x = np.random.default_rng(0).standard_normal(5000)
    np.testing.assert_allclose(PRESETS["founder-plain"](x, FS), (x - x.mean()) / x.std(), atol=1e-6)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_standardise_and_bear_a_flat_line(preset):
    x = PRESETS[preset](3 + np.random.default_rng(1).standard_normal(3000), 300.0)
    assert (x.shape, x.dtype) == ((5000,), np.float32)
    assert abs(x.mean()) < 1e-5
    assert x.std() == pytest.approx(1.0, abs=1e-4)
    assert not PRESETS[preset](np.full(5000, 0.7), FS).any()


@pytest.mark.parametrize(
    ("mv", "fs", "message"),
    [
        (np.zeros(4000), 500.0, "not ten seconds"),
        (np.zeros((5000, 2)), 500.0, "not ten seconds"),
        (np.zeros(5000), 0.0, "not ten seconds"),
        (np.full(5000, np.nan), 500.0, "not finite"),
    ],
)
def test_a_wrong_window_is_refused(mv, fs, message):
    with pytest.raises(ValueError, match=message):
        PRESETS["clef"](mv, fs)
