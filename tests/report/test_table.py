"""The table is whole after a crash, resumes without doubles, and no cell is a formula."""

import csv
import io
from pathlib import Path

import pytest

from hemo.errors import DatasetError
from hemo.report.table import COLUMNS, Row, TableFile, table_text


def row(source: str, name: str = "", **changes: object) -> Row:
    values = {"group": "study", "label": None, "probability": 0.25, "call": "Normal", "reason": "below"}
    return Row(source, name or source, **(values | changes))  # type: ignore[arg-type]


def cells(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_unknown_values_are_empty_cells() -> None:
    refused = row("a.png", probability=None, call="Refused", reason="too dark")
    assert table_text([refused]).splitlines()[1] == "a.png,a.png,study,,,Refused,too dark"
    assert table_text([row("a.png", label=1)]).splitlines()[1] == "a.png,a.png,study,1,0.250000,Normal,below"


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2", "@sum", "\t=1", "\r\n=HYPERLINK(1)"])
def test_no_cell_is_a_formula(name: str) -> None:
    line = table_text([row(name, reason=name)]).splitlines()[1]
    (parsed,) = csv.reader([line])
    assert parsed[0].startswith("'")
    assert parsed[-1].startswith("'")


def test_a_name_with_line_breaks_and_quotes_stays_one_row() -> None:
    text = table_text([row('a"b\n,c\x00.png')])
    assert len(text.splitlines()) == 2
    assert next(csv.reader([text.splitlines()[1]]))[0] == 'a"b ,c .png'


def test_rows_are_on_the_disk_before_the_next_study(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "t.csv"
    with TableFile(path) as table:
        assert cells(path) == [list(COLUMNS)]
        table.append([row("a"), row("b")])
        assert [line[0] for line in cells(path)[1:]] == ["a", "b"]


def test_without_resume_a_table_starts_anew(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with TableFile(tmp_path / "t.csv") as table:
            table.append([row(name)])
    assert [line[0] for line in cells(tmp_path / "t.csv")[1:]] == ["b"]


def test_resume_skips_what_is_there_and_reads_the_last_study_again(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with TableFile(path) as table:
        table.append([row("one/1"), row("one/2")])
        table.append([row("two.zip/s/1"), row("two.zip/s/2")])
        table.append([row("three/1")])
    with TableFile(path, resume=True) as table:
        assert table.holds(["one/1", "one/2"], "one")
        assert table.holds(["two.zip"], "two.zip")
        assert not table.holds(["three/1", "three/2"], "three")
        assert not table.holds(["four/1"], "four")
        assert [written.source for written in table.append([row("three/1"), row("three/2")])] == ["three/2"]
    assert [line[0] for line in cells(path)[1:]] == [
        "one/1",
        "one/2",
        "two.zip/s/1",
        "two.zip/s/2",
        "three/1",
        "three/2",
    ]


def test_a_folder_is_not_done_because_another_file_in_it_is(tmp_path: Path) -> None:
    with TableFile(tmp_path / "t.csv") as table:
        table.append([row("folder/notes.txt")])
        table.append([row("last")])
    with TableFile(tmp_path / "t.csv", resume=True) as table:
        assert not table.holds(["folder/1.dcm", "folder/2.dcm"], "folder")


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_table_cut_at_any_byte_resumes_to_the_same_rows(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "t.csv"
    studies = {name: [row(f"{name}/{number}", f"slice {number}") for number in (1, 2, 3)] for name in "abc"}
    with TableFile(path) as table:
        for rows in studies.values():
            table.append(rows)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with TableFile(path, resume=True) as table:
        for name, rows in studies.items():
            if not table.holds([entry.source for entry in rows], name):
                table.append(rows)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("content", ["name,score\na,1\n", "\x00\x01\n", ",".join(COLUMNS) + "\nonly,three,cells\n"])
def test_another_file_is_not_resumed_and_stays_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match="Received"):
        TableFile(path, resume=True)
    assert path.read_text(encoding="utf-8") == content


def test_a_place_that_cannot_be_written_gives_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(DatasetError, match=r"can be written\. Received: t\.csv"):
        TableFile(tmp_path / "t.csv")
