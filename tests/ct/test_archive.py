import io
import struct
import zipfile

import pytest

from hemo.ct import archive
from hemo.ct.archive import zip_members
from hemo.errors import HemoError, RefusedInput, UnreadableImage


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return out.getvalue()


def read(data: bytes) -> dict[str, bytes | str]:
    return {
        name: str(content) if isinstance(content, HemoError) else content for name, content in zip_members(data, "z")
    }


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_come_with_names_for_the_screen(method):
    data = zipped({"a/1": b"one", "../../2": b"two", "a/": b"", "__MACOSX/a/._1": b"x"}, method)
    assert read(data) == {"z/a/1": b"one", "z/2": b"two"}


def test_nested_archive_is_ignored_with_a_reason():
    result = read(zipped({"inner.zip": zipped({"a": b"x"}), "1": b"one"}))
    assert "nested archive" in result["z/inner.zip"]
    assert result["z/1"] == b"one"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(method):
    assert "another compression" in read(zipped({"a": b"text" * 99}, method))["z/a"]


def test_member_that_unpacks_to_too_much_is_refused_and_the_rest_is_read(monkeypatch):
    monkeypatch.setattr(archive, "MIN_TOTAL_BYTES", 2**20)
    data = zipped({"1": b"one", "bomb": bytes(2**23), "2": b"two"})
    assert {name: type(content) for name, content in read(data).items()} == {"z/1": bytes, "z/bomb": str, "z/2": bytes}


def test_many_members_together_are_held_to_the_same_cap(monkeypatch):
    monkeypatch.setattr(archive, "MIN_TOTAL_BYTES", 2**20)
    result = read(zipped({str(index): bytes(2**18) for index in range(8)}))
    assert sum(len(content) for content in result.values() if isinstance(content, bytes)) <= 2**20
    assert isinstance(result["z/0"], bytes) and isinstance(result["z/7"], str)


def test_size_that_lies_is_found_by_what_comes_out():
    data = bytearray(zipped({"a": bytes(5_000_000), "b": b"good"}))
    record = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, record + 24, 10)
    result = read(bytes(data))
    assert "damaged" in str(result["z/a"])
    assert result["z/b"] == b"good"


def test_damaged_member_keeps_no_other_from_being_read():
    data = bytearray(zipped({"a": b"A" * 100, "b": b"good"}, zipfile.ZIP_STORED))
    data[data.index(b"AAAA")] = 0
    assert "damaged" in str(read(bytes(data))["z/a"])
    assert read(bytes(data))["z/b"] == b"good"


def test_encrypted_member_is_refused():
    data = bytearray(zipped({"a": b"x"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in str(read(bytes(data))["z/a"])


@pytest.mark.parametrize("cut", [0, 4, 30, -1, -10])
def test_damaged_directory_is_unreadable(cut):
    data = zipped({"a": b"x" * 50})
    with pytest.raises(UnreadableImage, match="directory is damaged"):
        list(zip_members(data[:cut], "z"))


def test_too_many_members_are_refused_before_they_are_listed(monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 10)

    def no_listing(*_args):
        raise AssertionError("the archive was opened")

    data = zipped({str(index): b"" for index in range(21)})
    monkeypatch.setattr(archive.zipfile, "ZipFile", no_listing)
    with pytest.raises(RefusedInput, match="at most 10 files"):
        list(zip_members(data, "z"))


def test_members_beyond_the_cap_are_counted_after_clutter(monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 10)
    with pytest.raises(RefusedInput, match="Received: 11 files"):
        list(zip_members(zipped({str(index): b"" for index in range(11)}), "z"))
    assert len(read(zipped({"__MACOSX/a": b"", **{str(index): b"" for index in range(10)}}))) == 10
