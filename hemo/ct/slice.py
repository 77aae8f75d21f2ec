"""One CT slice, as everything above this floor sees it."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hemo.ct.window import MODEL_WINDOW, Window, apply_window


@dataclass(frozen=True, eq=False)
class CTSlice:
    """Pixels of one slice and what is known about them.

    Args:
        pixels: float32 (rows, columns), HU or grey levels.
        unit: `"HU"` when the pixels are Hounsfield units, `"grey"` when they are a picture's 0..255.
        name: how to call the slice on screen; never a path to open.
        spacing_mm: distance between rows and between columns, where known.
        position_mm: position along the slice normal, where known.
        warnings: sentences a reader of the slice should see.
        colorfulness: mean spread between the channels of the source picture, 0 (grey) to 1.

    Raises:
        ValueError: if the pixels are not a two-dimensional float32 array or the unit is unknown.
    """

    pixels: NDArray[np.float32] = field(repr=False)
    unit: Literal["HU", "grey"]
    name: str
    spacing_mm: tuple[float, float] | None = None
    position_mm: float | None = None
    warnings: tuple[str, ...] = ()
    colorfulness: float = 0.0

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.float32:
            raise ValueError(
                f"Expected pixels float32 (rows, columns). Received: {self.pixels.dtype} {self.pixels.shape}"
            )
        if self.unit not in ("HU", "grey"):
            raise ValueError(f"Expected unit 'HU' or 'grey'. Received: {self.unit!r}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.pixels.shape
        return rows, columns

    def grey(self, window: Window = MODEL_WINDOW) -> NDArray[np.uint8]:
        """The slice as grey levels, uint8 (rows, columns).

        HU go through `window`; a picture's window was chosen by whoever exported it, so it stays as it is.
        """
        if self.unit == "HU":
            return apply_window(self.pixels, window)
        return (np.clip(self.pixels, 0, 255) + np.float32(0.5)).astype(np.uint8)
