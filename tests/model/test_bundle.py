"""A bundle is written whole or not at all, and loaded only when weights, card and archive agree."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemo.errors import BundleError
from hemo.model import bundle as bundle_module
from hemo.model.architectures import seed_cnn
from hemo.model.bundle import bundle_folder_name, file_sha256, find_bundle, list_bundles, load_bundle, write_bundle
from tests.small_bundle import SIZE, small_card, write_small_bundle


def change_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / "card.json").read_text())
    for name, value in changes.items():
        if value is None:
            del card[name]
        else:
            card[name] = value
    (folder / "card.json").write_text(json.dumps(card))


def tiny_model() -> Any:
    import keras

    image = keras.Input((SIZE, SIZE, 1))
    x = keras.layers.Conv2D(2, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(1)(x))


def test_what_was_written_is_what_is_loaded(tmp_path: Path) -> None:
    model = tiny_model()
    images = np.random.default_rng(1).random((3, SIZE, SIZE, 1)).astype(np.float32)
    bundle = write_bundle(tmp_path / "tiny", model, small_card())
    again = load_bundle(tmp_path / "tiny").load_model()
    np.testing.assert_array_equal(again(images).numpy(), model(images).numpy())
    assert bundle.card["sha256"] == file_sha256(bundle.model_file)
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == ["README.md", "card.json", "model.keras"]
    assert bundle.card["versions"]["keras"]
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_optimizer_state_stays_out_of_the_file(tmp_path: Path) -> None:
    model = tiny_model()
    bare = write_bundle(tmp_path / "bare", model, small_card())
    model.compile("adam", "mse")
    model.fit(np.zeros((2, SIZE, SIZE, 1), np.float32), np.zeros((2, 1), np.float32), verbose=0)
    trained = write_bundle(tmp_path / "trained", model, small_card())
    assert trained.size_bytes == bare.size_bytes
    assert model.optimizer is not None


@pytest.mark.slow
def test_the_published_network_fits_in_64_megabytes(tmp_path: Path) -> None:
    card = small_card(preparation={"kind": "whole", "size": 256})
    assert write_bundle(tmp_path / "seed", seed_cnn.build(), card).size_bytes <= 64_000_000


def test_heat_images_fit_the_scale_of_the_heat(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (4, SIZE, SIZE)).astype(np.uint8)
    bundle = write_bundle(tmp_path / "tiny", tiny_model(), small_card(), heat_images=images)
    assert bundle.card["heat"]["kind"] == "cam"
    assert bundle.card["heat"]["scale"] > 0
    assert "4" in bundle.card["heat"]["how"]


def test_a_bundle_that_cannot_be_written_leaves_the_old_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_small_bundle(tmp_path)

    def full_disk(model: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(bundle_module, "_save_without_optimizer", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_bundle(old.path, tiny_model(), small_card())
    assert load_bundle(old.path).card == old.card
    assert [path.name for path in tmp_path.iterdir()] == [old.path.name]


def test_an_incomplete_card_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    card = small_card()
    del card["limits"]
    with pytest.raises(BundleError, match="'limits'"):
        write_bundle(tmp_path / "tiny", tiny_model(), card)
    assert list(tmp_path.iterdir()) == []


def test_changed_weights_are_not_loaded(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    data = bytearray(bundle.model_file.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.model_file.write_bytes(bytes(data))
    with pytest.raises(BundleError, match="sha256"):
        load_bundle(bundle.path)
    with pytest.raises(BundleError, match="sha256"):
        bundle.load_model()


def test_an_archive_that_passes_by_hash_is_still_checked(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    bundle.model_file.write_bytes(b"\x89HDF\r\n\x1a\n")
    change_card(bundle.path, sha256=file_sha256(bundle.model_file))
    with pytest.raises(BundleError, match="HDF5"):
        load_bundle(bundle.path)


def test_the_list_goes_on_past_faulty_bundles_and_says_which_and_why(tmp_path: Path) -> None:
    for name in ("good", "no-limits", "no-model", "no-card", "bad-json", "bad-preparation"):
        write_small_bundle(tmp_path, name)
    change_card(tmp_path / "no-limits", limits=None)
    (tmp_path / "no-model" / "model.keras").unlink()
    (tmp_path / "no-card" / "card.json").unlink()
    (tmp_path / "bad-json" / "card.json").write_text("{")
    change_card(tmp_path / "bad-preparation", preparation={"kind": "head", "size": -1})
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").write_text("not a bundle")
    bundles, faults = list_bundles(tmp_path)
    assert [bundle.name for bundle in bundles] == ["good"]
    reasons = {fault.path.name: fault.reason for fault in faults}
    assert set(reasons) == {"no-limits", "no-model", "no-card", "bad-json", "bad-preparation"}
    assert "'limits'" in reasons["no-limits"]
    assert "model.keras" in reasons["no-model"]
    assert "card.json" in reasons["no-card"]
    assert "JSON" in reasons["bad-json"]
    assert "size" in reasons["bad-preparation"]


def test_a_missing_models_folder_is_an_empty_list(tmp_path: Path) -> None:
    assert list_bundles(tmp_path / "none") == ([], [])
    with pytest.raises(BundleError, match="none that can be loaded"):
        find_bundle(tmp_path / "none")


def test_a_bundle_is_found_by_name_else_the_marked_one_else_the_newest(tmp_path: Path) -> None:
    for name, created in (("old", "2025-01-01"), ("new", "2026-01-01"), ("middle", "2025-06-01")):
        write_small_bundle(tmp_path, name)
        change_card(tmp_path / name, created=created)
    assert find_bundle(tmp_path).name == "new"
    change_card(tmp_path / "middle", default=True)
    assert find_bundle(tmp_path).name == "middle"
    assert find_bundle(tmp_path, "old").name == "old"
    change_card(tmp_path / "old", limits=None)
    with pytest.raises(BundleError, match=r"'old' is not loaded.*'limits'"):
        find_bundle(tmp_path, "old")
    with pytest.raises(BundleError, match="Received: 'absent'"):
        find_bundle(tmp_path, "absent")


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a" * 65, "nul\0"])
def test_a_name_that_could_point_elsewhere_is_no_folder_name(name: str) -> None:
    with pytest.raises(BundleError, match="Expected a name"):
        bundle_folder_name(name)


def test_checking_a_bundle_does_not_import_tensorflow(tmp_path: Path) -> None:
    write_small_bundle(tmp_path)
    code = (
        "import sys; from pathlib import Path; from hemo.model.bundle import list_bundles; "
        f"bundles, faults = list_bundles(Path({str(tmp_path)!r})); assert len(bundles) == 1 and not faults; "
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_readme_says_what_the_card_says(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    text = (bundle.path / "README.md").read_text(encoding="utf-8")
    assert "0.701 to 0.903" in text
    assert "none: too few groups" in text
    assert "Never trained: for tests only." in text
    assert bundle.card["sha256"] in text
    assert "not for diagnosis" in text
