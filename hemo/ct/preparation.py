"""From a slice to a network's input, and from a heat map back to the slice.

There is one preparation for training, evaluation, the pages and the command line: a slice is never prepared in two
ways.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import cv2
import numpy as np

from hemo.ct.head import Head, find_head
from hemo.ct.slice import CTSlice
from hemo.ct.window import MODEL_WINDOW
from hemo.errors import HemoError

_MARGIN = 0.04
"""Margin around the head as a share of its longer side: room for the scalp's outline."""


@dataclass(frozen=True)
class Prepared:
    """A slice as a network sees it.

    Attributes:
        image: (S, S) uint8 grey level.
        to_source: (2, 3) float64, maps a pixel (x, y) of `image` to (x, y) in the slice.
        source_shape: (H, W) of the slice.
        head_found: False where no head stood out and the whole picture was taken.
    """

    image: np.ndarray
    to_source: np.ndarray
    source_shape: tuple[int, int]
    head_found: bool

    def heat_to_source(self, heat: np.ndarray) -> np.ndarray:
        """Lay a heat map over the slice.

        Args:
            heat: (h, w) float in [0, 1], covering the prepared image evenly.

        Returns:
            (H, W) float32 at the slice's own resolution, zero outside the prepared part.
        """
        size = self.image.shape[0]
        enlarged = cv2.resize(heat.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
        height, width = self.source_shape
        placed = cv2.warpAffine(np.clip(enlarged, 0.0, 1.0), self.to_source, (width, height), flags=cv2.INTER_LINEAR)
        return np.asarray(placed, dtype=np.float32)


@dataclass(frozen=True)
class Preparation:
    """How a slice becomes a square grey image.

    Args:
        kind: "head" finds the head, blacks out what lies beyond it (table, letters), centres it and scales its longer
            side to the image; "whole" resizes the whole picture, aspect ratio given up, as the published project does.
        size: side of the image in pixels.
    """

    kind: Literal["head", "whole"] = "head"
    size: int = 224

    def __post_init__(self) -> None:
        if self.kind not in ("head", "whole") or not 16 <= self.size <= 1024:
            raise HemoError(
                f"Expected a preparation of kind 'head' or 'whole' with a size from 16 to 1024. Received: {self}"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values for a bundle's card."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Preparation":
        """Read back what `to_json` gave.

        Raises:
            HemoError: a key is missing or unknown, or a value is out of range.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise HemoError(f"Expected a preparation with kind and size. Received: {values}") from error

    def apply(self, source: "CTSlice | np.ndarray", head: Head | None = None) -> Prepared:
        """Prepare one slice.

        Args:
            source: a slice, windowed here with the model's own window when it is in HU; or its
                (H, W) uint8 grey picture.
            head: the head in it, in pixels of any size of it, where the guard has found it; looked for otherwise.
        """
        grey = source.grey(MODEL_WINDOW) if isinstance(source, CTSlice) else source
        if self.kind == "whole":
            height, width = grey.shape
            image = cv2.resize(grey, (self.size, self.size), interpolation=cv2.INTER_AREA)
            to_source = _scaling(width / self.size, height / self.size, 0.0, 0.0)
            return Prepared(image, to_source, (height, width), head_found=True)
        return self._head_centred(grey, head.resized(grey.shape) if head else find_head(grey))

    def _head_centred(self, grey: np.ndarray, head: Head | None) -> Prepared:
        height, width = grey.shape
        top, left, bottom, right = head.box if head else (0, 0, height, width)
        side = max(bottom - top, right - left) * (1 + 2 * _MARGIN)
        side_pixels = max(1, round(side))
        start_y, start_x = round((top + bottom - side) / 2), round((left + right - side) / 2)
        visible = grey * head.mask if head else grey
        square = np.zeros((side_pixels, side_pixels), np.uint8)
        y0, y1 = max(0, start_y), min(height, start_y + side_pixels)
        x0, x1 = max(0, start_x), min(width, start_x + side_pixels)
        square[y0 - start_y : y1 - start_y, x0 - start_x : x1 - start_x] = visible[y0:y1, x0:x1]
        shrinks = side_pixels > self.size
        image = cv2.resize(square, (self.size, self.size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        ratio = side_pixels / self.size
        return Prepared(image, _scaling(ratio, ratio, start_x, start_y), (height, width), head_found=head is not None)


def _scaling(ratio_x: float, ratio_y: float, start_x: float, start_y: float) -> np.ndarray:
    """Affine from image to slice pixels, centre of pixel to centre of pixel."""
    return np.array(
        [
            [ratio_x, 0.0, start_x + 0.5 * ratio_x - 0.5],
            [0.0, ratio_y, start_y + 0.5 * ratio_y - 0.5],
        ]
    )
