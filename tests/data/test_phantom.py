import numpy as np
import pytest

from hemo.ct.read import read_path
from hemo.data.manifest import Manifest
from hemo.data.phantom import KINDS, phantom_study, write_phantom
from hemo.errors import DatasetError


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom")
    return write_phantom(out, studies=20, seed=3, n_slices=8, size=96)


def test_same_seed_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_phantom(tmp_path / name, studies=4, seed=5, n_slices=6, size=64)
    write_phantom(tmp_path / "other", studies=4, seed=6, n_slices=6, size=64)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert tree(tmp_path / "one") != tree(tmp_path / "other")


def test_same_seed_same_bytes_as_dicom(tmp_path):
    for name in ("one", "two"):
        write_phantom(tmp_path / name, studies=2, seed=5, n_slices=3, size=64, dicom=True)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_both_classes_in_every_split(small_set):
    counts = small_set.frame.groupby("split")["label"].nunique()
    assert dict(counts) == {"train": 2, "validation": 2, "test": 2}
    assert (small_set.frame.groupby("group")["split"].nunique() == 1).all()


def test_every_kind_occurs_and_only_with_its_label(small_set):
    frame = small_set.frame
    assert all(frame[kind].any() for kind in KINDS)
    assert (frame[list(KINDS)].sum(axis=1) == frame["label"]).all()


def test_masks_and_boxes_go_with_the_label(small_set):
    for i, row in small_set.frame.iterrows():
        mask = small_set.read_mask(i)
        assert (mask is not None) == bool(row["label"]) == bool(row["boxes"])
        if mask is not None:
            xc, yc, width, height = row["boxes"][0]
            rows, columns = np.nonzero(mask)
            assert (xc - width / 2) * 96 == pytest.approx(columns.min(), abs=1e-3)
            assert (yc + height / 2) * 96 == pytest.approx(rows.max() + 1, abs=1e-3)


def test_manifest_reads_back_and_says_synthetic(small_set):
    again = Manifest.load(small_set.root)
    assert len(again) == len(small_set) == 160
    assert "SYNTHETIC" in again.name and "SYNTHETIC" in again.licence
    assert again.frame["group"].str.contains("SYNTHETIC").all()
    assert "SYNTHETIC" in (small_set.root / "README.txt").read_text()


def test_dicom_set_reads_as_hounsfield_units(tmp_path):
    manifest = write_phantom(tmp_path / "d", studies=2, seed=1, n_slices=4, size=128, dicom=True)
    slice_ = read_path(manifest.file(2))
    assert slice_.unit == "HU"
    study = phantom_study(100_000, 4, None, 128)
    np.testing.assert_array_equal(slice_.pixels, np.maximum(study.hu[2], -1024))


def test_an_earlier_phantom_is_replaced_but_nothing_else(tmp_path):
    write_phantom(tmp_path / "p", studies=4, seed=0, n_slices=4, size=64)
    manifest = write_phantom(tmp_path / "p", studies=2, seed=0, n_slices=4, size=64)
    assert len(list((tmp_path / "p" / "images").rglob("*.png"))) == len(manifest) == 8
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "thesis.txt").write_text("mine")
    with pytest.raises(DatasetError, match="empty folder"):
        write_phantom(tmp_path / "q", studies=2)
    assert (tmp_path / "q" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("bad", [{"studies": 1}, {"seed": -1}, {"n_slices": 0}])
def test_numbers_out_of_range(tmp_path, bad):
    with pytest.raises(DatasetError, match="Received"):
        write_phantom(tmp_path / "p", **bad)


def test_progress_reaches_the_end(tmp_path):
    seen = []
    write_phantom(
        tmp_path / "p", studies=2, n_slices=2, size=64, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]
