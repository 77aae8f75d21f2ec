"""A CSV of paths and labels, as published and as people write it."""

from pathlib import Path

import pytest

from hemo.data.importers import import_dataset
from hemo.errors import DatasetError
from tests.data.pictures import write_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        write_picture(tmp_path / f"images/{number}.png", number)
    return tmp_path


def write(folder: Path, text: str, name: str = "table.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_text(text, encoding=encoding)
    return folder / name


def test_the_published_columns(folder: Path) -> None:
    table = write(folder, "JPG,CATEGORY\nimages/0.png,0\nimages/1.png,1\n")
    manifest = import_dataset(table)
    assert manifest.frame["path"].tolist() == ["images/0.png", "images/1.png"]
    assert manifest.labels.tolist() == [0, 1]


def test_columns_named_by_the_user(folder: Path) -> None:
    table = write(folder, "where,who,what,part\nimages/0.png,p1,normal,train\nimages/1.png,p2,bleed,val\n")
    manifest = import_dataset(table, path_column="where", label_column="what", group_column="who", split_column="part")
    assert manifest.labels.tolist() == [0, 1]
    assert manifest.groups.tolist() == ["p1", "p2"]
    assert manifest.frame["split"].tolist() == ["train", "validation"]
    assert manifest.group_kind == "patient"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_byte_order_mark_and_blanks(folder: Path, separator: str) -> None:
    lines = ["JPG, CATEGORY ", " images/0.png ,0", "images/1.png, 1"]
    table = write(folder, "\n".join(line.replace(",", separator) for line in lines), encoding="utf-8-sig")
    assert import_dataset(table).labels.tolist() == [0, 1]


def test_a_folder_with_one_table_is_recognized(folder: Path) -> None:
    write(folder, "JPG,CATEGORY\nimages/0.png,0\nimages/1.png,1\n")
    assert len(import_dataset(folder)) == 2


def test_a_bare_name_is_found_below_and_backslashes_are_read(folder: Path) -> None:
    table = write(folder, "JPG,CATEGORY\n2.png,0\nimages\\3.png,1\n")
    assert import_dataset(table).frame["path"].tolist() == ["images/2.png", "images/3.png"]


def test_missing_files_and_strange_labels_are_named_and_the_rest_is_used(folder: Path) -> None:
    table = write(folder, "JPG,CATEGORY\nimages/0.png,0\nimages/7.png,1\nimages/1.png,maybe\nimages/2.png,1\n")
    manifest = import_dataset(table)
    assert manifest.frame["path"].tolist() == ["images/0.png", "images/2.png"]
    found = {problem.kind: problem for problem in manifest.problems}
    assert found["missing"].path == "images/7.png"
    assert "line 3" in found["missing"].detail
    assert "'maybe'" in found["bad_label"].detail


def test_a_table_that_names_only_missing_files_is_refused(folder: Path) -> None:
    table = write(folder, "JPG,CATEGORY\nx.png,0\ny.png,1\n")
    with pytest.raises(DatasetError, match=r"Received: 2 problems, the first: x\.png: Expected the file that line 2"):
        import_dataset(table)


def test_a_column_that_is_not_there_is_refused(folder: Path) -> None:
    table = write(folder, "JPG,CATEGORY\nimages/0.png,0\n")
    with pytest.raises(DatasetError, match=r"Expected the column 'label'.* Received: JPG, CATEGORY"):
        import_dataset(table, label_column="label")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", '"unclosed\n'])
def test_a_table_of_something_else_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(DatasetError, match=r"Expected .* Received"):
        import_dataset(write(folder, text), layout="csv")


def test_an_option_of_another_layout_is_refused(folder: Path) -> None:
    table = write(folder, "JPG,CATEGORY\nimages/0.png,0\nimages/1.png,1\n")
    with pytest.raises(DatasetError, match="Expected options of the layout csv"):
        import_dataset(table, layout="csv", group_pattern="x")
