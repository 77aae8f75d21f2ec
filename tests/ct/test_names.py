import pytest

from hemo.ct.names import MAX_NAME, clean_name, common_name, is_clutter, natural_key, numbered


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("scan.dcm", "scan.dcm"),
        ("../../etc/passwd", "etc/passwd"),
        ("C:\\scans\\.\\1.dcm", "C:/scans/1.dcm"),
        ("/abs//olute", "abs/olute"),
        ("a\x00b\n\u202ec", "abc"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("x" * 500, "x" * MAX_NAME),
    ],
)
def test_names_are_made_fit_for_the_screen(name, shown):
    assert clean_name(name) == shown


@pytest.mark.parametrize("name", ["__MACOSX/scan/._1.dcm", "a/.DS_Store", "Thumbs.db", "x\\desktop.ini"])
def test_clutter_is_known(name):
    assert is_clutter(name)
    assert not is_clutter("scan/1.dcm")


def test_numbers_sort_as_numbers():
    assert sorted(["s10", "s9", "s", "9", "s9b"], key=natural_key) == ["9", "s", "s9", "s9b", "s10"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("6_0_80.jpg", ("6_0_#.jpg", 80)),
        ("a/14.jpg", ("a/#.jpg", 14)),
        ("IMG-0001-00015", ("IMG-0001-#", 15)),
        ("brain.png", None),
        ("v2/brain.png", None),
    ],
)
def test_last_number_is_split_off(name, expected):
    assert numbered(name) == expected


def test_common_name_is_the_shared_folder():
    assert common_name(["a/b/1", "a/b/2"]) == "a/b"
    assert common_name(["a/b/1", "a/c/2"]) == "a"
    assert common_name(["1", "2"]) == ""
    assert common_name(["a/1"]) == "a/1"
