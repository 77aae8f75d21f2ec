import json
from pathlib import Path

from hemo.evaluate.reproduction import load_reproduction, sentence, table


def record(seen: float = 1.0) -> dict:
    def part(title: str, trained: bool, accuracy: float) -> dict:
        rules = {"mean grey": {"accuracy": 0.5, "auc": 0.9}}
        network = {"accuracy": accuracy, "auc": 0.7}
        return {
            "title": title,
            "slices": 60,
            "series": 3,
            "series_also_trained": trained,
            "network": network,
            "rules": rules,
        }

    parts = {"a": part("random", True, seen), "b": part("other", False, 0.5), "c": part("test", False, 0.64)}
    return {"data": {"fingerprint": "f"}, "epochs": 37, "parts": parts, "why_no_intervals": "nine series"}


def test_the_random_figure_stands_beside_the_disjoint_ones(tmp_path: Path) -> None:
    path = tmp_path / "reproduction.json"
    path.write_text(json.dumps(record()))
    found = load_reproduction(path)
    assert found is not None
    frame = table(found)
    assert list(frame["Accuracy"]) == [1.0, 0.5, 0.64]
    assert list(frame["Series seen in training"]) == ["yes", "no", "no"]
    assert "AUC of mean grey" in frame.columns
    assert "100% of the slices; on series it has not seen, 0.50 and 0.64" in sentence(found)


def test_no_record_and_a_damaged_one_are_none(tmp_path: Path) -> None:
    assert load_reproduction(tmp_path / "nothing.json") is None
    path = tmp_path / "reproduction.json"
    values = record()
    del values["parts"]["a"]["network"]["accuracy"]
    path.write_text(json.dumps(values))
    assert load_reproduction(path) is None


def test_the_committed_record_can_be_read() -> None:
    found = load_reproduction()
    assert found is not None
    assert len(table(found)) >= 3
