"""A bundle goes out as a zip and comes back the same; a faulty zip is refused with the reason and leaves no trace."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from hemo.errors import BundleError
from hemo.model import transfer
from hemo.model.bundle import ModelBundle, file_sha256, load_bundle
from hemo.model.transfer import bundle_zip, import_bundle
from tests.small_bundle import write_small_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    made = write_small_bundle(tmp_path_factory.mktemp("models"))
    (made.path / "out_of_fold").mkdir()
    (made.path / "out_of_fold" / "predictions.csv").write_text("source,label\n")
    return made


def parts(bundle: ModelBundle) -> dict[str, bytes]:
    files = [path for path in bundle.path.rglob("*") if path.is_file()]
    return {path.relative_to(bundle.path).as_posix(): path.read_bytes() for path in files}


def zipped(content: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_out_and_in_again_is_the_same_bundle(bundle: ModelBundle, tmp_path: Path) -> None:
    data = bundle_zip(bundle)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = sorted(archive.namelist())
    assert names == ["tiny/README.md", "tiny/card.json", "tiny/model.keras", "tiny/out_of_fold/predictions.csv"]
    again = import_bundle(data, tmp_path / "models")
    assert again.card == bundle.card
    assert parts(again) == parts(bundle)
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["tiny"]


def test_files_at_the_top_of_the_zip_are_taken_too(bundle: ModelBundle, tmp_path: Path) -> None:
    assert import_bundle(zipped(parts(bundle)), tmp_path).card == bundle.card


def test_a_stranger_cannot_make_itself_the_default(bundle: ModelBundle, tmp_path: Path) -> None:
    added = import_bundle(zipped(parts(bundle) | {"card.json": changed_card(bundle, default=True)}), tmp_path)
    assert added.card == bundle.card


def test_what_is_no_table_stays_out_and_the_readme_is_written_anew(bundle: ModelBundle, tmp_path: Path) -> None:
    extra = {
        "README.md": b"<script>",
        "run.py": b"evil",
        "../up.csv": b"x",
        "sub/deep.csv": b"x",
        ".hidden.json": b"{}",
    }
    added = import_bundle(zipped(parts(bundle) | extra), tmp_path / "models")
    assert parts(added) == parts(bundle)
    assert sorted(path.name for path in tmp_path.rglob("*.csv")) == ["predictions.csv"]


def test_a_name_that_is_taken_is_refused_and_the_old_model_stays(bundle: ModelBundle, tmp_path: Path) -> None:
    old = write_small_bundle(tmp_path)
    before = parts(old)
    with pytest.raises(BundleError, match="'tiny', which is there already"):
        import_bundle(bundle_zip(bundle), tmp_path)
    assert parts(load_bundle(old.path)) == before


def changed_card(bundle: ModelBundle, **changes: object) -> bytes:
    return json.dumps(dict(bundle.card) | changes).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: {"card.json": changed_card(b, sha256="0" * 64)}, "sha256"),
        (lambda b: {"card.json": changed_card(b, name="../up")}, "'name'"),
        (lambda b: {"card.json": b"{}"}, "'name'"),
        (lambda b: {"card.json": b"\xff"}, "JSON"),
        (lambda b: {"model.keras": b"\x89HDF\r\n\x1a\n"}, "sha256"),
        (lambda b: {"other/card.json": b"{}"}, "one card.json"),
        (lambda b: {f"{n}.csv": b"" for n in range(50)}, "at most 24 files"),
    ],
)
def test_a_faulty_zip_is_refused_and_leaves_no_trace(bundle: ModelBundle, tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BundleError, match=said.replace(".", r"\.")):
        import_bundle(zipped(parts(bundle) | change(bundle)), tmp_path)
    assert list(tmp_path.rglob("*")) == [tmp_path / "hemo-home"] or list(tmp_path.rglob("*")) == []


def test_a_network_that_a_bundle_may_not_hold_is_refused_although_its_hash_is_right(
    bundle: ModelBundle, tmp_path: Path
) -> None:
    with zipfile.ZipFile(bundle.model_file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1]["class_name"] = "Lambda"
    evil = tmp_path / "evil.keras"
    evil.write_bytes(zipped(members | {"config.json": json.dumps(config).encode()}))
    content = {"model.keras": evil.read_bytes(), "card.json": changed_card(bundle, sha256=file_sha256(evil))}
    with pytest.raises(BundleError, match=r"keras\.layers\.Lambda"):
        import_bundle(zipped(content), tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04" + b"\x00" * 40, b"PK\x05\x06" + b"\x00" * 18])
def test_bytes_that_are_no_zip_give_one_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BundleError, match="Received"):
        import_bundle(data, tmp_path)


def test_caps_count_what_comes_out(bundle: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MAX_COMPANION_BYTES", 1000)
    with pytest.raises(BundleError, match=r"big\.csv of at most 1000 bytes"):
        import_bundle(zipped(parts(bundle) | {"big.csv": b"\x00" * 10_000}, zipfile.ZIP_DEFLATED), tmp_path)
    monkeypatch.setattr(transfer, "MAX_ZIP_BYTES", 2**20)
    with pytest.raises(BundleError, match="zip of at most 1 MB"):
        import_bundle(b"\x00" * 2**21, tmp_path)
