"""Small synthetic head-like pictures for the tests of data sets; every seed gives another head."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt


def head_picture(seed: int, side: int = 96) -> npt.NDArray[np.uint8]:
    """A bright ring around a grey inside with blobs, uint8 (side, side)."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((side, side), np.uint8)
    axes = (int(side * rng.uniform(0.28, 0.36)), int(side * rng.uniform(0.36, 0.44)))
    cv2.ellipse(picture, (side // 2, side // 2), axes, float(rng.uniform(-15, 15)), 0, 360, 240, -1)
    inner = (axes[0] - side // 16, axes[1] - side // 16)
    cv2.ellipse(picture, (side // 2, side // 2), inner, 0, 0, 360, 110, -1)
    for _ in range(6):
        center = tuple(int(value) for value in rng.integers(side // 3, 2 * side // 3, 2))
        cv2.circle(picture, center, int(rng.integers(3, side // 7)), int(rng.integers(40, 200)), -1)
    return picture


def write_picture(path: Path, seed: int, side: int = 96) -> Path:
    """Write the picture of a seed, in the format of the path's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), head_picture(seed, side))
    return path


def write_class_folders(root: Path, names: dict[str, int], seed: int = 0, suffix: str = ".png") -> Path:
    """A folder a name with as many pictures as told: `{"Normal": 3, "Hemorrhage/p1": 2}`."""
    for name, count in names.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            write_picture(root / name / f"{number}{suffix}", seed)
            seed += 1
    return root
