"""A model file is code: what Hemo's own networks would not hold is refused before Keras opens it."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hemo.errors import BundleError
from hemo.model.architectures import ARCHITECTURES
from hemo.model.archive import check_archive, check_config
from tests.small_bundle import write_small_bundle

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("models")).model_file


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(model_file: Path, target: Path, change: Change) -> Path:
    """A copy of the model file whose config.json was changed."""
    parts = members(model_file)
    config = json.loads(parts["config.json"])
    change(config)
    parts["config.json"] = json.dumps(config).encode()
    return zipped(target, parts)


def zipped(target: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return target


def layer(config: dict[str, Any], index: int) -> dict[str, Any]:
    return config["config"]["layers"][index]


def _lambda(config: dict[str, Any]) -> None:
    layer(config, 1).update(class_name="Lambda", module="keras.layers")


def _lambda_inside(config: dict[str, Any]) -> None:
    layer(config, 1)["config"]["kernel_initializer"] = {
        "class_name": "__lambda__",
        "config": {"value": ["4wEAAAA=", None, None]},
    }


def _function_activation(config: dict[str, Any]) -> None:
    layer(config, 1)["config"]["activation"] = {"class_name": "function", "module": "os", "config": "system"}


def _unknown_activation(config: dict[str, Any]) -> None:
    layer(config, 1)["config"]["activation"] = "get_file"


def _foreign_module(config: dict[str, Any]) -> None:
    layer(config, 1)["module"] = "subprocess"


def _registered(config: dict[str, Any]) -> None:
    layer(config, 1)["registered_name"] = "package>Conv2D"


def _compiled(config: dict[str, Any]) -> None:
    config["compile_config"] = {"optimizer": "adam"}


def _sequential(config: dict[str, Any]) -> None:
    config["class_name"] = "Sequential"


def _huge_layer(config: dict[str, Any]) -> None:
    layer(config, 1)["config"]["filters"] = 10**9


def _more_weights_than_held(config: dict[str, Any]) -> None:
    layer(config, -1)["config"]["units"] = 8192
    layer(config, -1)["build_config"] = {"input_shape": [None, 8192]}


def _no_build_shape(config: dict[str, Any]) -> None:
    del layer(config, 1)["build_config"]


def _huge_input(config: dict[str, Any]) -> None:
    layer(config, 0)["config"]["batch_shape"] = [None, 100_000, 100_000, 1]


def _fixed_batch(config: dict[str, Any]) -> None:
    layer(config, 0)["config"]["batch_shape"] = [10**6, 64, 64, 1]


def _deep(config: dict[str, Any]) -> None:
    node: dict[str, Any] = config
    for _ in range(100):
        node["deeper"] = {}
        node = node["deeper"]


def _wrapped_layer(config: dict[str, Any]) -> None:
    layer(config, 3).update(class_name="TimeDistributed", config={"layer": {"class_name": "Dense", "config": {}}})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_lambda, "keras.layers.Lambda"),
        (_lambda_inside, "__lambda__"),
        (_function_activation, "activation"),
        (_unknown_activation, "get_file"),
        (_foreign_module, "subprocess.Conv2D"),
        (_registered, "package>Conv2D"),
        (_compiled, "without an optimizer"),
        (_sequential, "Functional model"),
        (_huge_layer, "'filters' between 1"),
        (_more_weights_than_held, "weights file of"),
        (_no_build_shape, "build shape"),
        (_huge_input, "input of shape"),
        (_fixed_batch, "input of shape"),
        (_deep, "levels deep"),
        (_wrapped_layer, "TimeDistributed around Flatten"),
    ],
)
def test_a_config_that_a_hemo_network_would_not_have_is_refused(
    model_file: Path, tmp_path: Path, change: Change, said: str
) -> None:
    with pytest.raises(BundleError, match=said.replace(".", r"\.")):
        check_archive(rewritten(model_file, tmp_path / "model.keras", change))


def test_an_untouched_copy_passes(model_file: Path, tmp_path: Path) -> None:
    config = check_archive(rewritten(model_file, tmp_path / "model.keras", lambda config: None))
    assert config["class_name"] == "Functional"


@pytest.mark.parametrize("name", ["seed_cnn", "compact", "lite0"])
def test_every_architecture_passes(name: str, tmp_path: Path) -> None:
    architecture = ARCHITECTURES[name]
    architecture.build(architecture.preparation.size).save(tmp_path / "model.keras")
    check_archive(tmp_path / "model.keras")


@pytest.mark.parametrize("name", ["../evil.py", "assets/x", "config.json.bak"])
def test_an_extra_member_is_refused(model_file: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="Expected the members"):
        check_archive(zipped(tmp_path / "model.keras", members(model_file) | {name: b"x"}))


def test_a_member_that_comes_twice_is_refused(model_file: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "model.keras", members(model_file))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", b"{}")
    with pytest.raises(BundleError, match="Expected the members"):
        check_archive(path)


def test_a_deflate_bomb_is_refused_without_being_inflated(model_file: Path, tmp_path: Path) -> None:
    parts = members(model_file) | {"model.weights.h5": b"\x00" * 2**22}
    with pytest.raises(BundleError, match="expand at most"):
        check_archive(zipped(tmp_path / "model.keras", parts, zipfile.ZIP_DEFLATED))


def test_hdf5_is_refused_under_either_name(tmp_path: Path) -> None:
    for name in ("model.h5", "model.keras"):
        (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n" + b"\x00" * 100)
        with pytest.raises(BundleError, match="HDF5 file"):
            check_archive(tmp_path / name)


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + b"\x00" * 200, b"not a zip" * 50])
def test_a_file_that_is_no_zip_gives_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "model.keras").write_bytes(data)
    with pytest.raises(BundleError, match="not a readable zip"):
        check_archive(tmp_path / "model.keras")


def test_a_damaged_config_gives_one_sentence(model_file: Path, tmp_path: Path) -> None:
    for data in (b"{", b"\xff\xfe\x00", b"[" * 10_000):
        with pytest.raises(BundleError, match="Expected"):
            check_archive(zipped(tmp_path / "model.keras", members(model_file) | {"config.json": data}))


def test_a_file_over_the_cap_is_refused(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemo.model.archive.MAX_FILE_BYTES", 100)
    with pytest.raises(BundleError, match="at most 100 bytes"):
        check_archive(model_file)


@pytest.mark.parametrize("config", [None, [], "x", {}, {"class_name": "Functional", "module": "os"}])
def test_a_config_of_another_kind_gives_one_sentence(config: object) -> None:
    with pytest.raises(BundleError, match="Received"):
        check_config(config, weight_bytes=1000)
