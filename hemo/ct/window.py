"""From Hounsfield units to grey levels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """One way of looking at Hounsfield units.

    Args:
        name: what a reader calls it.
        level: centre, in HU.
        width: in HU; at least 1, or above 0 for `LINEAR_EXACT`.
        function: the VOI LUT function of PS3.3 C.11.2.1.3. `LINEAR` is what viewers show by default;
            `LINEAR_EXACT` maps `level - width / 2` to 0 and `level + width / 2` to 255.

    Raises:
        ValueError: if the width is too small for the function.
    """

    name: str
    level: float
    width: float
    function: Literal["LINEAR", "LINEAR_EXACT"] = "LINEAR"

    def __post_init__(self) -> None:
        enough = self.width >= 1 if self.function == "LINEAR" else self.width > 0
        if not enough:
            raise ValueError(
                f"Expected a window at least 1 HU wide (above 0 for LINEAR_EXACT). Received: width={self.width}"
            )


WINDOWS: dict[str, Window] = {
    "brain": Window("brain", level=40, width=80),
    "subdural": Window("subdural", level=80, width=200),
    "stroke": Window("stroke", level=40, width=40),
    "bone": Window("bone", level=600, width=2800),
}

# The window in which the CT-ICH slices were exported; every model sees HU through it, never through a header's window.
MODEL_WINDOW = Window("model", level=40, width=120, function="LINEAR_EXACT")


def apply_window(hu: NDArray[np.floating], window: Window) -> NDArray[np.uint8]:
    """Map Hounsfield units to 0..255.

    Args:
        hu: any shape, in HU.
        window: what to look through.

    Returns:
        uint8 of the same shape; black below the window, white above it.

    References:
        PS3.3 C.11.2.1.2.1 (LINEAR: centre c - 0.5, width w - 1) and C.11.2.1.3.2 (LINEAR_EXACT).
    """
    if window.function == "LINEAR_EXACT":
        low, span = window.level - window.width / 2, window.width
    else:
        # A width of 1 is a step at c - 0.5: any tiny span gives it.
        span = max(window.width - 1, 1e-6)
        low = (window.level - 0.5) - span / 2
    grey = (np.asarray(hu, dtype=np.float32) - np.float32(low)) * np.float32(255.0 / span)
    # +0.5 and truncation rounds; the clip before it keeps the cast defined.
    np.clip(grey, 0, 255, out=grey)
    grey += np.float32(0.5)
    return grey.astype(np.uint8)
