"""A few validation slices with their heat maps, as the network saw them after an epoch."""

import io
from pathlib import Path

import cv2
import numpy as np
import streamlit as st
from PIL import Image

from hemo.data.manifest import LABEL_NAMES
from hemo.model.samples import load_samples, sample_epochs
from hemo.report.overlay import overlay
from hemo.runs.run import SAMPLES, Run
from pages.components.calls import marked
from pages.components.notice import HEAT_MAP_LIMIT


def show_latest(run: Run) -> None:
    """The samples after the latest epoch; nothing before the first."""
    if epochs := sample_epochs(run.folder / SAMPLES):
        _show(run, epochs[-1])


def show_any(run: Run) -> None:
    """The samples after any epoch of a past run, with a slider."""
    epochs = sample_epochs(run.folder / SAMPLES)
    if len(epochs) > 1:
        epoch = st.select_slider("Samples after epoch", epochs, value=epochs[-1], key=f"train_samples_{run.name}")
        _show(run, epoch)
    elif epochs:
        _show(run, epochs[0])


def _show(run: Run, epoch: int) -> None:
    folder = run.folder / SAMPLES
    pictures = _pictures(str(folder), epoch, (folder / f"epoch-{epoch:04d}.npz").stat().st_mtime_ns)
    if not pictures:
        return
    for column, (png, label, probability) in zip(st.columns(len(pictures)), pictures, strict=True):
        with column:
            words = f"Validation slice labeled {label}, score {probability:.2f} after epoch {epoch}, heat map over it"
            st.image(png, width="stretch", alt=words)
            st.caption(f"{marked(label)}  \nscore {probability:.2f}")
    st.caption(f"Validation slices by their labels, after epoch {epoch}, scores not calibrated. {HEAT_MAP_LIMIT}")


@st.cache_data(max_entries=32, show_spinner=False)
def _pictures(folder: str, epoch: int, version: int) -> list[tuple[bytes, str, float]]:
    """PNG, label and score of each sample."""
    del version  # part of the cache's key only
    samples = load_samples(Path(folder), epoch)
    if samples is None:
        return []
    side = samples.images.shape[1]
    found = []
    for image, heat, label, probability in zip(
        samples.images, samples.heat, samples.labels, samples.probability, strict=True
    ):
        large = np.clip(cv2.resize(heat, (side, side), interpolation=cv2.INTER_CUBIC), 0.0, 1.0)
        stream = io.BytesIO()
        Image.fromarray(overlay(image, large)).save(stream, "PNG")
        found.append((stream.getvalue(), LABEL_NAMES[int(label)], float(probability)))
    return found
