"""Augmentation: originals over drawn rows, sliders beside them, from the code that training uses."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import streamlit as st

from hemo.ct.preparation import Preparation
from hemo.data.augment import AS_PUBLISHED, RANGES, UNCHANGED, AugmentSettings, augment_batch
from hemo.data.manifest import LABEL_NAMES, Manifest
from hemo.errors import HemoError
from pages.components import calls, notice

SLICES = 6
DRAWN_ROWS = 3
SIDE = 256
GAP = 6
PREFIX = "data_augment_"
SEED = "data_augment_seed"
PICK = "data_augment_pick"
PRESETS = {"As published": AS_PUBLISHED, "Off": UNCHANGED}
FILLS = {"nearest": "Nearest", "reflect": "Mirror", "black": "Black"}

Slider = tuple[str, str, float, float, str, str]
# Name, label, largest value on the slider, step, format, help. The code allows more; a slider should stay useful.
PUBLISHED_SLIDERS: tuple[Slider, ...] = (
    ("zoom", "Zoom", 0.5, 0.01, "%.2f", "Each axis is scaled by a factor drawn from 1 − zoom to 1 + zoom."),
    ("shear", "Shear (°)", 30.0, 0.25, "%.2f", "Keras counts in degrees: the published 0.25 hardly shows."),
    ("rotation", "Rotation (°)", 180.0, 1.0, "%.0f", "Turned by up to so many degrees either way."),
)
FURTHER_SLIDERS: tuple[Slider, ...] = (
    ("shift", "Shift", 0.3, 0.01, "%.2f", "Moved by up to this share of the side, along each axis."),
    ("brightness", "Brightness", 0.5, 0.01, "%.2f", "Up to this share of the full range is added or taken."),
    ("contrast", "Contrast", 0.9, 0.01, "%.2f", "Distances to the mean are scaled by 1 − contrast to 1 + contrast."),
    ("noise", "Noise", 0.2, 0.01, "%.2f", "White noise of up to this deviation, as a share of the full range."),
)


def show(manifest: Manifest, name: str) -> None:
    """Sliders on the left, pictures on the right."""
    _start_as_published()
    controls, pictures = st.columns([0.36, 0.64], gap="large")
    with controls:
        kind = _show_controls()
        settings = chosen()
    with pictures:
        try:
            _show_rows(manifest, name, kind, settings)
        except (HemoError, OSError) as error:
            notice.error(str(error))


def chosen() -> AugmentSettings:
    """The settings that the sliders stand at."""
    values: dict[str, Any] = {key: st.session_state[PREFIX + key] for key in RANGES}
    values["horizontal_flip"] = st.session_state[PREFIX + "horizontal_flip"]
    values["fill"] = st.session_state[PREFIX + "fill"]
    return AugmentSettings(**values)


def _start_as_published() -> None:
    """Slider values for a session's first visit; also after a visit elsewhere, when Streamlit has dropped them."""
    if PREFIX + "zoom" not in st.session_state:
        _take_preset("As published")


def _take_preset(preset: str) -> None:
    for key, value in PRESETS[preset].to_json().items():
        st.session_state[PREFIX + key] = value


def _show_controls() -> str:
    kind = st.segmented_control(
        "Prepared as",
        ["whole", "head"],
        default="whole",
        required=True,
        key="data_augment_kind",
        format_func=lambda kind: "Whole picture" if kind == "whole" else "Head centered",
        help="The published network takes the whole picture; the others take the head, centered on black.",
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("**The published generator**")
        with st.container(horizontal=True, width="content", gap="xsmall"):
            for preset in PRESETS:
                st.button(preset, key=f"data_preset_{preset}", on_click=_take_preset, args=(preset,))
    _show_pairs(PUBLISHED_SLIDERS)
    flip, fill = st.columns(2, vertical_alignment="center")
    with flip:
        st.toggle("Flip", key=PREFIX + "horizontal_flip", help="Left and right swap, half of the time.")
    with fill:
        st.selectbox(
            "Beyond the edge",
            list(FILLS),
            format_func=lambda fill: FILLS[fill],
            key=PREFIX + "fill",
            help="What fills the parts that a warp uncovers; published: the nearest pixel.",
        )
    st.caption("Rescale 1/255, as published: the network sees grey levels from 0 to 1.")
    st.markdown("**Beyond it**")
    _show_pairs(FURTHER_SLIDERS)
    return str(kind)


def _show_pairs(sliders: tuple[Slider, ...]) -> None:
    """Sliders two a row, so that they stay in sight of the pictures."""
    for start in range(0, len(sliders), 2):
        for cell, (key, label, most, step, form, explanation) in zip(
            st.columns(2), sliders[start : start + 2], strict=False
        ):
            with cell:
                st.slider(label, 0.0, most, step=step, format=form, key=PREFIX + key, help=explanation)


def _show_rows(manifest: Manifest, name: str, kind: str, settings: AugmentSettings) -> None:
    pick, seed = st.session_state.setdefault(PICK, 0), st.session_state.setdefault(SEED, 0)
    rows = sample_rows(manifest.labels, SLICES, pick)
    originals = _originals(manifest, name, tuple(int(row) for row in rows), kind)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        labels = [calls.marked(LABEL_NAMES[label]) for label in sorted(set(manifest.labels[rows]), reverse=True)]
        st.markdown(f"**Originals** · {' then '.join(labels)}")
        with st.container(horizontal=True, width="content"):
            st.button("Other slices", icon=":material/shuffle:", key="data_other", on_click=_step, args=(PICK,))
            st.button("Draw again", icon=":material/casino:", key="data_again", on_click=_step, args=(SEED,))
    st.image(strip(originals), width="stretch", alt=f"{len(rows)} original slices side by side")
    st.markdown("**As training draws them**")
    for line in range(DRAWN_ROWS):
        drawn = augment_batch(originals, settings, np.random.default_rng([seed, line]))
        picture = strip(np.rint(drawn / settings.rescale).astype(np.uint8))
        st.image(picture, width="stretch", alt=f"The same slices augmented, draw {line + 1} of {DRAWN_ROWS}")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption("Only the training part is augmented. Validation and test slices stay as they are.")
        if st.button("Train with these", icon=":material/model_training:", key="data_train_with"):
            _hand_to_training(settings)
            st.switch_page("pages/train.py")


def _hand_to_training(settings: AugmentSettings) -> None:
    """Fill the form of a new run with these settings, the rest as recommended."""
    from hemo.model.training_config import PRESETS as RUN_PRESETS
    from pages.components import train_form

    train_form.fill(RUN_PRESETS["recommended"].replace(augmentation=settings.to_json()))
    st.session_state[train_form.PRESET] = None


def _step(key: str) -> None:
    st.session_state[key] += 1


def sample_rows(labels: npt.NDArray[np.int64], n: int, pick: int) -> npt.NDArray[np.int64]:
    """Row numbers of n slices, half with a bleed where there are enough, bleeds first; another `pick`, other slices."""
    rng = np.random.default_rng([11, pick])
    bleeds, normals = (rng.permutation(np.flatnonzero(labels == label)) for label in (1, 0))
    first = min(len(bleeds), max(n // 2, n - len(normals)))
    return np.concatenate([bleeds[:first], normals[: n - first]])


def _originals(manifest: Manifest, name: str, rows: tuple[int, ...], kind: str) -> npt.NDArray[np.uint8]:
    """Prepared slices, uint8 (n, SIDE, SIDE), kept while sliders move, so that only the warp runs."""
    key = (name, manifest.fingerprint(), rows, kind)
    kept = st.session_state.get("data_augment_originals")
    if kept is None or kept[0] != key:
        preparation = Preparation("head" if kind == "head" else "whole", SIDE)
        images = np.stack([preparation.apply(manifest.read(row)).image for row in rows])
        kept = st.session_state["data_augment_originals"] = (key, images)
    images = kept[1]
    return np.asarray(images, dtype=np.uint8)


def strip(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Square images side by side on black with a gap between, uint8 (SIDE, n · (SIDE + GAP) - GAP)."""
    padded = [cv2.copyMakeBorder(image, 0, 0, 0, GAP, cv2.BORDER_CONSTANT, value=0) for image in images]
    return np.concatenate(padded, axis=1)[:, :-GAP]
