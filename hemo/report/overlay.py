"""A heat map laid over its slice: perceptually even colors, more opaque where the network reacted more."""

import cv2
import numpy as np
from numpy.typing import NDArray

from hemo.errors import RefusedInput

# Written into every file, because a picture travels further than the page it came from.
NOTE = "Hemo: where the network reacted, not where the bleed is. For teaching and research, not for diagnosis."
OPACITY = 0.6
# Opacity rises with the square root of the heat: anatomy under a weak response stays visible, and yet it shows.
_STRENGTH = 0.5


def overlay(grey: NDArray[np.uint8], heat: NDArray[np.float32], opacity: float = OPACITY) -> NDArray[np.uint8]:
    """Blend a heat map over a slice in the inferno colors.

    Args:
        grey: the slice, uint8 (H, W).
        heat: float (H, W) in [0, 1] on a fixed scale: no slice is stretched to its own maximum.
        opacity: of the strongest response, in [0, 1]; 0 gives the untouched slice.

    Returns:
        RGB, uint8 (H, W, 3). Where the heat is zero it is exactly the slice.

    Raises:
        RefusedInput: the two differ in shape.
    """
    if heat.shape != grey.shape:
        raise RefusedInput(f"Expected a heat map of the slice's shape {grey.shape}. Received: {heat.shape}")
    strength = np.clip(np.nan_to_num(heat), 0.0, 1.0).astype(np.float32)
    colors = cv2.applyColorMap((strength * 255).round().astype(np.uint8), cv2.COLORMAP_INFERNO)
    alpha = (np.clip(opacity, 0.0, 1.0) * strength**_STRENGTH)[..., np.newaxis]
    base = grey[..., np.newaxis].astype(np.float32)
    blended = base * (1.0 - alpha) + cv2.cvtColor(colors, cv2.COLOR_BGR2RGB) * alpha
    return np.asarray(blended.round(), dtype=np.uint8)


def overlay_png(
    grey: NDArray[np.uint8], heat: NDArray[np.float32], opacity: float = OPACITY, note: str = NOTE
) -> bytes:
    """The overlay as a PNG at the slice's own resolution, with `note` in its metadata and nothing else.

    Args:
        grey: the slice, uint8 (H, W).
        heat: float (H, W) in [0, 1].
        opacity: of the strongest response.
        note: what the file says about itself.

    Raises:
        RefusedInput: the two differ in shape.
    """
    import io

    from PIL import Image, PngImagePlugin

    about = PngImagePlugin.PngInfo()
    about.add_text("Description", note)
    stream = io.BytesIO()
    Image.fromarray(overlay(grey, heat, opacity)).save(stream, "PNG", pnginfo=about)
    return stream.getvalue()
