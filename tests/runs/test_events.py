"""Events: appended by one, read by many, and robust against a kill in the middle of a line."""

from pathlib import Path

from hemo.runs.events import EventReader, EventWriter, read_events


def test_each_event_is_read_once_and_carries_its_time(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    reader, writer = EventReader(path), EventWriter(path)
    assert reader.new() == []
    writer.write({"event": "batch", "loss": 0.5})
    (event,) = reader.new()
    assert (event["event"], event["loss"]) == ("batch", 0.5)
    assert event["time"] > 1.7e9
    assert reader.new() == []
    writer.close()


def test_a_half_written_line_waits_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "one"}\n{"event": "t')
    reader = EventReader(path)
    assert [event["event"] for event in reader.new()] == ["one"]
    with path.open("ab") as file:
        file.write(b'wo"}\n')
    assert [event["event"] for event in reader.new()] == ["two"]


def test_a_line_cut_short_by_a_kill_is_passed_over_and_later_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "one"}\n{"event": "cut sh')
    writer = EventWriter(path)
    writer.write({"event": "two"})
    writer.close()
    assert [event["event"] for event in read_events(path)] == ["one", "two"]


def test_not_a_number_is_written_as_null(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write({"event": "epoch", "auc": float("nan"), "loss": float("inf")})
    writer.close()
    (event,) = read_events(tmp_path / "events.jsonl")
    assert event["auc"] is None
    assert event["loss"] is None
