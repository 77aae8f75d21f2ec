"""Training: the memory of a process that prepares, trains and scores, over sets of very different size.

`python -m hemo.bench.flat_memory FOLDER` measures one set in a process of its own and prints JSON;
`scripts/flat_memory.py` makes the sets and the table.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hemo.ct.preparation import Preparation
    from hemo.ct.slice import CTSlice
    from hemo.data.manifest import Manifest
    from hemo.model.training_config import TrainingConfig
    from hemo.model.training_data import TrainingData

STUDY = 25
_BASES = 16
_NOISE = 6.0
_SAMPLE_SECONDS = 0.1


@dataclass
class Memory:
    """What a process held at its peak, in MB (10^6 bytes).

    Attributes:
        anonymous: its own memory, which only swapping could take from it (`RssAnon`).
        file: pages of files that it has mapped, such as TensorFlow's libraries, which the system takes back at need
            (`RssFile`).
        total: resident memory (`VmRSS`); both at once and shared memory.
    """

    anonymous: float = 0.0
    file: float = 0.0
    total: float = 0.0

    @classmethod
    def now(cls) -> "Memory":
        """Of this process, see proc(5); Linux only."""
        values = {}
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name in ("RssAnon", "RssFile", "VmRSS"):
                values[name] = int(value.split()[0]) * 1024 / 1e6
        return cls(values["RssAnon"], values["RssFile"], values["VmRSS"])

    def rise_to(self, other: "Memory") -> None:
        """Take the larger of each figure."""
        for name, value in asdict(other).items():
            setattr(self, name, max(getattr(self, name), value))


@dataclass
class MemoryWatch:
    """Samples this process's memory in a thread and keeps the peak of each phase."""

    peaks: dict[str, Memory] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    _phase: str = ""
    _began: float = 0.0

    def __post_init__(self) -> None:
        threading.Thread(target=self._sample, daemon=True).start()

    def enter(self, phase: str) -> None:
        """Begin a phase; "" ends the last one."""
        if self._phase:
            self.peaks[self._phase].rise_to(Memory.now())
            self.seconds[self._phase] = time.monotonic() - self._began
        if phase:
            self.peaks[phase] = Memory.now()
        self._phase, self._began = phase, time.monotonic()

    def _sample(self) -> None:
        while True:
            if phase := self._phase:
                self.peaks[phase].rise_to(Memory.now())
            time.sleep(_SAMPLE_SECONDS)


def write_many(folder: Path, n: int, size: int, seed: int = 0) -> "Manifest":
    """A set of `n` SYNTHETIC slices as PNG: a few phantom studies again and again, each time under other noise.

    Args:
        folder: new or empty.
        n: slices; 25 count as one person's.
        size: rows and columns.
        seed: of the noise.
    """
    import cv2

    from hemo.ct.window import MODEL_WINDOW, apply_window
    from hemo.data.manifest import Manifest, build_frame
    from hemo.data.phantom_study import KINDS, phantom_study

    kinds = [KINDS[number // 2 % len(KINDS)] if number % 2 else None for number in range(_BASES)]
    bases = [phantom_study(number, STUDY, kind, size) for number, kind in enumerate(kinds)]
    grey = [apply_window(study.hu, MODEL_WINDOW).astype(np.int16) for study in bases]
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for number in range(-(-n // STUDY)):
        base, group = number % _BASES, f"person-{number:06d}"
        (folder / "images" / group).mkdir(parents=True)
        noise = rng.normal(0.0, _NOISE, (STUDY, size, size)).astype(np.int16)
        images = np.clip(grey[base] + np.where(grey[base] > 0, noise, 0), 0, 255).astype(np.uint8)
        for index in range(min(STUDY, n - number * STUDY)):
            path = f"images/{group}/{index:02d}.png"
            (folder / path).write_bytes(
                cv2.imencode(".png", images[index], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
            )
            label = int(bases[base].labels[index])
            rows.append({"path": path, "label": label, "group": group, "slice": str(index)})
    frame = build_frame([row | {"group_kind": "patient", "split": ""} for row in rows])
    manifest = Manifest(frame, folder, f"SYNTHETIC head phantom, {n:,} slices", "Made by Hemo.", "CC0 1.0")
    manifest.save()
    return manifest


def config_for(folder: Path, size: int) -> "TrainingConfig":
    """The compact network at the slices' own size, everything else as recommended."""
    from hemo.model.training_config import RECOMMENDED

    return RECOMMENDED.replace(data=str(folder), image_size=size, epochs=1000, test=0.15)


def prepare(folder: Path, config: "TrainingConfig", cache: Path, find_heads: bool = True) -> "TrainingData":
    """What the trainer does before it trains: import, fingerprint, split, decode, cache.

    Args:
        folder: the set.
        config: names architecture and image size.
        cache: of prepared images.
        find_heads: False takes each slice as it is: finding heads is what takes the time, and no memory.
    """
    from hemo.data.importers import import_dataset
    from hemo.data.prepared import prepared_images
    from hemo.model.training_data import assemble, preparation_of, split_by_protocol

    manifest = import_dataset(folder)
    manifest.fingerprint()
    if not find_heads:
        prepared_images(manifest, AsTheyAre(preparation_of(config)), cache)  # type: ignore[arg-type]
    return assemble(split_by_protocol(manifest, config), config, cache)


def generate(folder: Path, n: int, config: "TrainingConfig") -> "TrainingData":
    """What `prepare` would give of `n` slices, made without a picture on disk: noise in the shards of a cache entry.

    For sets whose pictures would take hours to write, decode and delete; the list of slices is as long as a real one.
    """
    from hemo.data.manifest import Manifest, build_frame
    from hemo.data.prepared import SHARD
    from hemo.data.shards import ShardedImages, shard_header
    from hemo.model.training_data import TrainingData, preparation_of, split_by_protocol

    folder.mkdir(parents=True, exist_ok=True)
    side, rng = config.image_size, np.random.default_rng(0)
    paths = []
    for start in range(0, n, SHARD):
        rows = min(SHARD, n - start)
        paths.append(folder / f"shard-{start // SHARD:05d}.npy")
        paths[-1].write_bytes(shard_header(rows, side) + rng.bytes(rows * side * side))
    lines = [
        {"path": f"images/person-{row // STUDY:06d}/{row % STUDY:02d}.png", "group": f"person-{row // STUDY:06d}"}
        | {"label": row // STUDY % 2, "slice": str(row % STUDY), "group_kind": "patient", "split": ""}
        for row in range(n)
    ]
    manifest = Manifest(build_frame(lines), folder, f"SYNTHETIC noise, {n:,} slices")
    images = ShardedImages(tuple(paths), SHARD, n, side)
    return TrainingData(split_by_protocol(manifest, config), images, preparation_of(config))


@dataclass
class AsTheyAre:
    """Stands in for a preparation whose result does not matter to what is measured; for this bench only."""

    real: "Preparation"

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.real.size

    def to_json(self) -> dict[str, Any]:
        """As the real one, so that its entry of the cache is found."""
        return self.real.to_json()

    def apply(self, ct_slice: "CTSlice") -> "_Image":
        """The slice, which has the right size already."""
        return _Image(ct_slice.grey())


@dataclass(frozen=True)
class _Image:
    image: np.ndarray


def measure(
    folder: Path,
    work: Path,
    size: int,
    steps: int,
    find_heads: bool = True,
    generated: int = 0,
    most_scored: int | None = None,
) -> dict[str, Any]:
    """Prepare, train some steps, and score the slices of validation and test, as a run does.

    Args:
        folder: the set.
        work: for cache and checkpoints.
        size: pixels a side.
        steps: batches to train on, of 32 slices.
        find_heads: see `prepare`.
        generated: slices to `generate` in place of a set; 0 for none.
        most_scored: slices to score at most, drawn at random; None for all of them.

    Returns:
        Slices, seconds and peak memory by phase.
    """
    from hemo.model.quiet import import_tensorflow_quietly

    import_tensorflow_quietly()
    from hemo.model.training import build_network, score, train

    config = config_for(folder, size)
    watch = MemoryWatch()
    watch.enter("preparing")
    data = generate(folder, generated, config) if generated else prepare(folder, config, work / "cache", find_heads)
    watch.enter("training")
    asked = iter(range(10**9))
    train(config, data, work / "checkpoints", commands=lambda: "stop" if next(asked) >= steps else None)
    watch.enter("scoring")
    held = np.concatenate([data.rows("validation"), data.rows("test")])
    held = np.random.default_rng(0).permutation(held)[:most_scored]
    score(build_network(config, pretrained=False), data.images, held)
    watch.enter("")
    return {
        "slices": len(data.manifest),
        "how": "generated" if generated else "heads found" if find_heads else "as they are",
        "steps": steps,
        "train": len(data.rows("train")),
        "scored": len(held),
        "images_mb": len(data.manifest) * size * size / 1e6,
        "seconds": watch.seconds,
        "peaks": {phase: asdict(peak) for phase, peak in watch.peaks.items()},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one set and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="as `write_many` wrote it")
    parser.add_argument("work", type=Path, help="for cache and checkpoints")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--as-they-are", action="store_true", help="do not find heads")
    parser.add_argument(
        "--generated", type=int, default=0, metavar="N", help="make N slices of noise in FOLDER instead"
    )
    parser.add_argument("--most-scored", type=int, metavar="N", help="score N slices of validation and test at most")
    args = parser.parse_args(arguments)
    found = measure(
        args.folder, args.work, args.size, args.steps, not args.as_they_are, args.generated, args.most_scored
    )
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
