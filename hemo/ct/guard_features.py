"""What tells a head-CT slice from anything else, as numbers: outline, ring of bone, inside, the whole picture.

Everything is measured on small copies (256 pixels for the outline, 96 for the rest), relative to the brightest level
within the outline, so that size, margins and window matter little.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from hemo.ct.head import Head, find_head_on_copy, work_copy

_CROP_SIZE = 96
_ANGLES = 72
_RADII = 48
_REACH = 1.08
"""The polar map reaches a little beyond the outline, so that a ring at the very edge is still met from outside."""
_BONE = 0.72
_PROFILE_BINS = 10

FEATURES = (
    "colorfulness",
    "head_share",
    "box_aspect",
    "box_fill",
    "border_touch",
    "hull_solidity",
    "intracranial_share",
    "intracranial_fill",
    "intracranial_aspect",
    "ring_closed",
    "ring_gap",
    "ring_radius",
    "ring_radius_spread",
    "ring_roughness",
    "ring_thickness",
    "ring_thickness_spread",
    "ring_over_inside",
    "inside_median",
    "inside_spread",
    "inside_low",
    "inside_high",
    "inside_air",
    "inside_bone",
    "inside_grain",
    "inside_texture",
    "inside_levels",
    "symmetry",
    "outside_mean",
    "outside_spread",
    "outside_bright",
    "mode_share",
    "top_levels_share",
    "middle_share",
    "straight_edges",
    "edge_density",
    "contrast",
    *(f"profile_{index}" for index in range(_PROFILE_BINS)),
    *(f"unevenness_{index}" for index in range(_PROFILE_BINS)),
)
"""Names of the features, in order."""


@dataclass(frozen=True)
class Measured:
    """Features of one picture, and the head they rest on in its `work_copy` (None where nothing stands out)."""

    features: np.ndarray
    head: Head | None

    def __getitem__(self, name: str) -> float:
        return float(self.features[FEATURES.index(name)])


def measure(grey: np.ndarray, colorfulness: float = 0.0) -> Measured:
    """Measure one picture.

    Args:
        grey: (H, W) uint8.
        colorfulness: of the source picture, 0 to 1.

    Returns:
        Features, float32 (len(FEATURES),); zeros but for the color where no outline is found.
    """
    small = work_copy(grey)
    head = find_head_on_copy(small)
    values = {"colorfulness": colorfulness}
    if head is not None:
        crop, mask = _crop(small, head)
        level = max(float(np.percentile(crop[mask], 99)) if mask.any() else 1.0, 1.0)
        relative = np.clip(crop / level, 0, 1.2).astype(np.float32)
        values |= _outline(small, head)
        values |= _ring_and_profile(relative)
        values |= _inside(relative)
        values |= _picture(small, head)
    features = np.array([values.get(name, 0.0) for name in FEATURES], np.float32)
    return Measured(np.nan_to_num(features), head)


def _crop(grey: np.ndarray, head: Head) -> tuple[np.ndarray, np.ndarray]:
    """The outline's box stretched to a square, so that an ellipse becomes a circle; and the outline in it."""
    top, left, bottom, right = head.box
    size = (_CROP_SIZE, _CROP_SIZE)
    inside = grey[top:bottom, left:right] * head.mask[top:bottom, left:right]
    crop = cv2.resize(inside, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    mask = cv2.resize(head.mask[top:bottom, left:right].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return crop, mask.astype(bool)


def _outline(grey: np.ndarray, head: Head) -> dict[str, float]:
    """Shape of the outline and of what the skull encloses, and how much of the picture they take."""
    height, width = grey.shape
    top, left, bottom, right = head.box
    area = float(head.mask.sum())
    touching = (top <= 1, left <= 1, bottom >= height - 1, right >= width - 1)
    threshold = 0.25 * float(np.percentile(grey[head.mask], 99))
    inner = head.intracranial
    values = {
        "head_share": area / grey.size,
        "box_aspect": (bottom - top) / (right - left),
        "box_fill": area / ((bottom - top) * (right - left)),
        "border_touch": float(sum(touching)),
        "hull_solidity": float((grey[head.mask] > threshold).mean()),
        "intracranial_share": head.intracranial_share,
    }
    if inner.any():
        rows, columns = np.flatnonzero(inner.any(axis=1)), np.flatnonzero(inner.any(axis=0))
        tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        values["intracranial_fill"] = float(inner.sum() / (tall * wide))
        values["intracranial_aspect"] = float(tall / wide)
    return values


def _ring_and_profile(relative: np.ndarray) -> dict[str, float]:
    """Bone seen from the outside at every angle, and brightness by depth."""
    middle = (_CROP_SIZE - 1) / 2
    # Without WARP_FILL_OUTLIERS what lies beyond the picture stays uninitialized memory.
    flags = cv2.INTER_LINEAR | cv2.WARP_POLAR_LINEAR | cv2.WARP_FILL_OUTLIERS
    polar = cv2.warpPolar(relative, (_RADII, _ANGLES), (middle, middle), _REACH * _CROP_SIZE / 2, flags)
    bone = polar >= _BONE
    inward = bone[:, ::-1]
    seen = inward[:, : int(0.62 * _RADII)].any(axis=1)
    first = np.argmax(inward, axis=1)
    radius = _REACH * (1 - first / _RADII)
    # Length of the run of bone that begins at the first bone met from outside.
    after = np.arange(_RADII)[None, :] >= first[:, None]
    ends = ~inward & after
    thickness = (np.where(ends.any(axis=1), np.argmax(ends, axis=1), _RADII) - first) / _RADII
    values = {"ring_closed": float(seen.mean()), "ring_gap": _longest_gap(seen) / _ANGLES}
    if seen.sum() > 4:
        step = np.abs(np.diff(radius[seen], append=radius[seen][:1]))
        within = polar[:, : int(0.55 * _RADII)]
        values |= {
            "ring_radius": float(radius[seen].mean()),
            "ring_radius_spread": float(radius[seen].std()),
            "ring_roughness": float(np.median(step) + step.mean()),
            "ring_thickness": float(thickness[seen].mean()),
            "ring_thickness_spread": float(thickness[seen].std()),
            "ring_over_inside": float(
                np.median([polar[angle, _RADII - 1 - first[angle]] for angle in np.flatnonzero(seen)])
                - np.median(within)
            ),
        }
    bins = np.array_split(np.arange(_RADII), _PROFILE_BINS)
    values |= {f"profile_{index}": float(polar[:, columns].mean()) for index, columns in enumerate(bins)}
    values |= {f"unevenness_{index}": float(polar[:, columns].mean(axis=1).std()) for index, columns in enumerate(bins)}
    return values


def _longest_gap(seen: np.ndarray) -> int:
    """Longest run of angles without bone, around the circle."""
    places = np.flatnonzero(seen)
    if places.size == 0:
        return len(seen)
    return int(np.diff(places, append=places[0] + len(seen)).max() - 1)


def _inside(relative: np.ndarray) -> dict[str, float]:
    """Grey levels and texture of the inner part, and left-right symmetry of the whole."""
    axis = (np.arange(_CROP_SIZE) - (_CROP_SIZE - 1) / 2) / (_CROP_SIZE / 2)
    disc = axis[:, None] ** 2 + axis[None, :] ** 2 < 0.62**2
    inner = relative[disc]
    low, quarter, median, three_quarters, high = np.percentile(inner, (5, 25, 50, 75, 95))
    fine = np.abs(relative - cv2.GaussianBlur(relative, (0, 0), 1.0))[disc]
    coarse = np.abs(cv2.GaussianBlur(relative, (0, 0), 1.5) - cv2.GaussianBlur(relative, (0, 0), 5.0))[disc]
    flat = relative - relative.mean()
    mirrored = flat[:, ::-1]
    return {
        "inside_median": float(median),
        "inside_spread": float(three_quarters - quarter),
        "inside_low": float(low),
        "inside_high": float(high),
        "inside_air": float((inner < 0.08).mean()),
        "inside_bone": float((inner > _BONE).mean()),
        "inside_grain": float(np.median(fine)),
        "inside_texture": float(coarse.mean()),
        "inside_levels": float(len(np.unique(np.round(inner * 64))) / 64),
        "symmetry": float((flat * mirrored).mean() / (float((flat * flat).mean()) + 1e-6)),
    }


def _picture(grey: np.ndarray, head: Head) -> dict[str, float]:
    """The whole picture: background, histogram, straight lines, edges."""
    outside = grey[~head.mask]
    counts = np.bincount(grey.ravel(), minlength=256) / grey.size
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength = cv2.magnitude(across, down)
    strong = strength > 120
    # An edge that runs along the picture's own axes has one of its two slopes near zero.
    straight = np.minimum(np.abs(across), np.abs(down))[strong] < 0.06 * strength[strong]
    return {
        "outside_mean": float(outside.mean() / 255) if outside.size else 0.0,
        "outside_spread": float(outside.std() / 255) if outside.size else 0.0,
        "outside_bright": float((outside > 128).mean()) if outside.size else 0.0,
        "mode_share": float(counts.max()),
        "top_levels_share": float(np.sort(counts[1:255])[-8:].sum() / (counts[1:255].sum() + 1e-6)),
        "middle_share": float(counts[40:216].sum()),
        "straight_edges": float(straight.mean()) if straight.size else 0.0,
        "edge_density": float(strong.mean()),
        "contrast": float((np.percentile(grey, 99) - np.percentile(grey, 1)) / 255),
    }
