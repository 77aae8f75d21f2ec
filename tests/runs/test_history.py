"""What a run's events add up to."""

from pathlib import Path

from hemo.runs.events import EVENTS, EventWriter
from hemo.runs.history import HistoryReader, read_history


def write(folder: Path, *events: dict) -> None:
    writer = EventWriter(folder / EVENTS)
    for event in events:
        writer.write(event)
    writer.close()


def batch(epoch: int, number: int) -> dict:
    return {"event": "batch", "epoch": epoch, "batch": number, "batches": 2, "loss": 1.0}


def test_a_resumed_run_forgets_what_lies_beyond_its_checkpoint(tmp_path: Path) -> None:
    epochs = [{"event": "epoch", "epoch": number, "val_auc": 0.5 + number / 10} for number in (1, 2)]
    write(tmp_path, batch(1, 1), batch(1, 2), epochs[0], batch(2, 1), batch(2, 2), epochs[1], batch(3, 1))
    write(tmp_path, {"event": "resume", "epoch": 1}, batch(2, 1))
    history = read_history(tmp_path)
    assert [(event["epoch"], event["batch"]) for event in history.batches] == [(1, 1), (1, 2), (2, 1)]
    assert [event["epoch"] for event in history.epochs] == [1]


def test_the_reader_takes_in_only_what_is_new(tmp_path: Path) -> None:
    reader = HistoryReader(tmp_path)
    assert reader.update().batches == []
    write(tmp_path, batch(1, 1))
    assert len(reader.update().batches) == 1
    write(tmp_path, batch(1, 2))
    assert [event["batch"] for event in reader.update().batches] == [1, 2]
    assert reader.history.latest["batch"] == 2


def test_the_best_epoch_has_the_lowest_loss_or_the_highest_auc(tmp_path: Path) -> None:
    values = [(0.9, 0.6), (0.4, 0.7), (0.5, 0.8), (0.7, None)]
    write(
        tmp_path,
        *({"event": "epoch", "epoch": n + 1, "val_loss": loss, "val_auc": auc} for n, (loss, auc) in enumerate(values)),
    )
    history = read_history(tmp_path)
    assert history.best("val_loss")["epoch"] == 2  # type: ignore[index]
    assert history.best("val_auc")["epoch"] == 3  # type: ignore[index]
    assert history.best("val_kappa") is None


def test_a_very_long_run_keeps_a_bounded_number_of_batches(tmp_path: Path) -> None:
    from hemo.runs.history import BATCHES_KEPT, History

    history = History()
    for number in range(BATCHES_KEPT * 2):
        history.add(batch(1, number))
    assert len(history.batches) <= BATCHES_KEPT
    assert history.latest["batch"] == BATCHES_KEPT * 2 - 1
