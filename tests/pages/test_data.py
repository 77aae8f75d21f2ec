"""The Data page: pick, import or make a set, and see what is in it and what is wrong with it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from hemo.data.importers import import_dataset
from hemo.data.library import keep_dataset, known_datasets
from hemo.workspace import Workspace
from pages.components import datasets
from pages.components.data_augmentation import sample_rows, strip
from tests.data.pictures import head_picture, write_class_folders, write_picture

REPOSITORY = Path(__file__).resolve().parents[2]


def open_page() -> AppTest:
    app = AppTest.from_file(str(REPOSITORY / "streamlit_app.py"), default_timeout=120)
    return app.run().switch_page("pages/data.py").run()


def texts(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.error) for element in kind)


def choose_view(app: AppTest, name: str) -> AppTest:
    return app.segmented_control(key="data_view").set_value(name).run()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = {"train/Normal/p1": 20, "train/Hemorrhage/p2": 10, "test/Normal/p3": 4, "test/Hemorrhage/p4": 2}
    return write_class_folders(tmp_path / "small-set", names)


@pytest.fixture
def kept(folder: Path) -> str:
    return keep_dataset(import_dataset(folder), Workspace.from_environment().datasets)


def test_without_a_set_one_click_makes_a_phantom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.make_phantom, "__defaults__", (2, 0, False))
    app = open_page()
    assert "No data set yet" in texts(app)
    assert "PhysioNet CT" in texts(app)
    app.button(key="data_empty").click().run()
    assert not app.exception
    (entry,) = known_datasets(Workspace.from_environment().datasets)
    assert entry.title.startswith("SYNTHETIC")
    assert entry.slices == 32
    assert [metric.value for metric in app.metric if metric.label == "Slices"] == ["32"]
    assert not list(entry.path.parent.glob(".making-*"))


def test_counts_by_class_split_and_patient(kept: str) -> None:
    app = open_page()
    assert not app.exception
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Slices"] == "36"
    assert values["Hemorrhage slices"] == "12 (33%)"
    assert values["Patients"] == "4"
    assert values["Patients with a bleed"] == "2"
    table = app.table[0].value
    assert table["Split"].tolist() == ["Train", "Test", "All"]
    assert table["Patients"].tolist() == ["2, 1 with a bleed", "2, 1 with a bleed", "4, 2 with a bleed"]


def test_filters_and_pages_of_the_grid(kept: str) -> None:
    app = open_page()
    shown = [button for button in app.button if button.key.startswith("data_open_")]
    assert len(shown) == 24
    app.segmented_control(key=f"data_class_{kept}").set_value("Hemorrhage").run()
    app.segmented_control(key=f"data_split_{kept}").set_value("test").run()
    shown = [button.label for button in app.button if button.key.startswith("data_open_")]
    assert len(shown) == 2
    assert all("p4" in label for label in shown)
    app.selectbox(key=f"data_group_{kept}").set_value("p1").run()
    assert not app.exception
    assert "No slice passes these filters" in texts(app)


def test_a_slice_opens_large(kept: str) -> None:
    app = open_page()
    first = next(button for button in app.button if button.key.startswith("data_open_"))
    first.click().run()
    assert not app.exception
    assert "1 of 36" in texts(app)


def test_problems_are_listed_after_all_files_were_looked_at(folder: Path) -> None:
    write_picture(folder / "test/Normal/p3/copy.png", 0)
    keep_dataset(import_dataset(folder), Workspace.from_environment().datasets)
    app = choose_view(open_page(), "problems")
    assert "Not every file was looked at" in texts(app)
    app.button(key="data_check").click().run()
    assert not app.exception
    problems = app.table[0].value
    assert problems["Problem"].tolist() == ["Same file twice"]
    assert "Not every file was looked at" not in texts(app)


def test_importing_keeps_the_set_and_leaves_out_what_cannot_be_read(folder: Path) -> None:
    (folder / "train/Normal/p1/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(300) + b"\xff\xd9")
    (folder / "train/Normal/p1/text.png").write_text("no picture")
    app = open_page()
    app.button(key="data_import").click().run()
    app.text_input(key="data_import_path").set_value(str(folder)).run()
    app.button(key="data_import_go").click().run()
    assert not app.exception
    (entry,) = known_datasets(Workspace.from_environment().datasets)
    assert (entry.title, entry.slices) == ("small-set", 36)
    app = choose_view(open_page(), "problems")
    assert sorted(app.table[0].value["Problem"]) == ["Unreadable file", "Unreadable file"]
    assert "Not every file was looked at" not in texts(app)


def test_a_failed_import_says_why_and_loses_nothing(kept: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    app = open_page()
    app.button(key="data_import").click().run()
    app.text_input(key="data_import_path").set_value(str(tmp_path / "empty")).run()
    app.button(key="data_import_go").click().run()
    assert not app.exception
    assert len(app.error) == 1
    assert "Received: the empty folder" in app.error[0].value.replace("\\", "")
    assert [entry.name for entry in known_datasets(Workspace.from_environment().datasets)] == [kept]


def test_the_columns_of_a_table_can_be_named(folder: Path) -> None:
    rows = [f"{path.relative_to(folder).as_posix()},{i % 2},p{i // 2}" for i, path in enumerate(folder.rglob("*.png"))]
    (folder.parent / "list.csv").write_text("\n".join(["where,what,who", *(f"small-set/{row}" for row in rows)]))
    app = open_page()
    app.button(key="data_import").click().run()
    app.text_input(key="data_import_path").set_value(str(folder.parent / "list.csv")).run()
    for option, column in (("path_column", "where"), ("label_column", "what"), ("group_column", "who")):
        app.selectbox(key=f"data_import_{option}").set_value(column).run()
    app.button(key="data_import_go").click().run()
    (entry,) = known_datasets(Workspace.from_environment().datasets)
    assert (entry.title, entry.slices, entry.positives, entry.groups) == ("list", 36, 18, 18)


def test_a_set_whose_slices_have_gone_is_one_sentence_and_can_be_removed(kept: str, folder: Path) -> None:
    for file in folder.rglob("*.png"):
        file.unlink()
    app = open_page()
    assert not app.exception
    assert "none of 36" in app.error[0].value.replace("\\", "")
    app.button(key="data_remove").click().run()
    assert known_datasets(Workspace.from_environment().datasets) == []


def test_augmentation_starts_as_published_and_moves_at_once(kept: str) -> None:
    app = choose_view(open_page(), "augmentation")
    assert not app.exception
    assert [app.slider(key=f"data_augment_{name}").value for name in ("zoom", "shear", "rotation")] == [0.25, 0.25, 25]
    assert app.toggle(key="data_augment_horizontal_flip").value is True
    app.slider(key="data_augment_noise").set_value(0.1).run()
    app.button(key="data_again").click().run()
    assert not app.exception
    app.button(key="data_preset_Off").click().run()
    assert app.slider(key="data_augment_rotation").value == 0
    assert app.slider(key="data_augment_noise").value == 0
    app.button(key="data_preset_As published").click().run()
    assert app.slider(key="data_augment_rotation").value == 25


def test_settings_go_to_a_new_training_run(kept: str) -> None:
    app = choose_view(open_page(), "augmentation")
    app.slider(key="data_augment_rotation").set_value(7.0).run()
    app.button(key="data_train_with").click().run()
    assert not app.exception
    assert app.title[0].value == "Train"
    assert app.slider(key="train_augment_rotation").value == 7


def test_public_sets_name_licences(kept: str) -> None:
    app = choose_view(open_page(), "sources")
    for fact in ("CC BY 4", "CC BY\\-NC\\-SA 4", "non\\-commercial", "Kaggle Head CT"):
        assert fact in texts(app)


def test_sample_rows_hold_both_classes_where_there_are_both() -> None:
    labels = np.array([0] * 20 + [1] * 5)
    assert labels[sample_rows(labels, 6, 0)].tolist() == [1, 1, 1, 0, 0, 0]
    assert sample_rows(labels, 6, 0).tolist() != sample_rows(labels, 6, 1).tolist()
    assert len(set(sample_rows(np.zeros(4, np.int64), 6, 0))) == 4
    assert np.array([0, 1, 1, 1, 1, 1, 1])[sample_rows(np.array([0, 1, 1, 1, 1, 1, 1]), 6, 0)].sum() == 5


def test_a_strip_is_as_wide_as_its_pictures_and_gaps() -> None:
    pictures = np.stack([head_picture(seed, 64) for seed in range(3)])
    row = strip(pictures)
    assert row.shape == (64, 3 * 64 + 2 * 6)
    assert np.array_equal(row[:, 70:134], pictures[1])


def test_the_page_never_imports_tensorflow(kept: str) -> None:
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('streamlit_app.py', default_timeout=120).run().switch_page('pages/data.py').run()\n"
        "app.segmented_control(key='data_view').set_value('augmentation').run()\n"
        "assert not app.exception\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
