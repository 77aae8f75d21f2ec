"""The pictures the guard is fitted on: heads as hospitals and web pages show them, and everything that is no head.

Heads: CT-ICH slices with brain in view, and phantoms in several windows; each also as a foreign picture. No heads:
CT-ICH slices of neck and face, the families of `hemo.data.non_heads`, and the pictures that installed packages ship.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from hemo.ct.window import MODEL_WINDOW, WINDOWS, Window, apply_window
from hemo.data.degrade import DegradeSettings, degrade
from hemo.data.foreign import foreign, framed
from hemo.data.lesion import BLEED_KINDS, find_anatomy, grey_to_hu, hu_to_grey, paint_bleed
from hemo.data.levels import ct_ich_level
from hemo.data.non_heads import FAMILIES, HU_FAMILIES, make_non_head
from hemo.data.phantom_study import phantom_study

SOFT_TISSUE = Window("soft tissue", level=40, width=400)
LUNG = Window("lung", level=-600, width=1500)
_SETTINGS = DegradeSettings(window_low=0.35, noise_share=0.5, blur_share=0.4, jpeg_share=0.6, letter_share=0.4)
# Shepp and Logan's test picture is a drawn head: no one would blame the guard for either answer.
_NOT_CLEARLY_NO_HEAD = {"phantom.png"}


@dataclass(frozen=True)
class Example:
    """One picture to fit or judge on.

    Attributes:
        grey: (H, W) uint8.
        colorfulness: 0 to 1.
        is_head: whether the guard should accept it.
        level: "neck", "base", "brain" or "vertex"; "" for what is no CT of a head or neck.
        family: "CT-ICH", "CT-ICH foreign", "phantom", …, or the family of non-heads.
        source: patient, phantom, family or file: never on both sides of a split.
    """

    grey: np.ndarray
    colorfulness: float
    is_head: bool
    level: str
    family: str
    source: str


def ct_ich_examples(root: Path, rng: np.random.Generator, foreign_copies: int = 2) -> Iterator[Example]:
    """Every slice of CT-ICH but the one at the border of neck and base, as it is and as foreign pictures.

    Half the foreign pictures of the brain level get a painted bleed first: large bleeds are rare in CT-ICH, and a head
    with one is the last that may be refused.
    """
    for file in sorted((root / "Patients_CT").glob("*/brain/*.jpg")):
        patient, number = file.parents[1].name, file.stem
        level = ct_ich_level(patient, number) if number.isdigit() else ""
        if not level or (level == "neck" and ct_ich_level(patient, int(number) + 1) != "neck"):
            continue
        grey = np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE))
        is_head = level != "neck"
        yield Example(grey, 0.0, is_head, level, "CT-ICH" if is_head else "CT-ICH neck", patient)
        for copy in range(foreign_copies if is_head else 1):
            shown = _with_bleed(grey, rng) if level == "brain" and copy % 2 else grey
            changed, tint = foreign(shown, rng, _SETTINGS)
            family = "CT-ICH foreign" if is_head else "CT-ICH neck foreign"
            yield Example(changed, tint, is_head, level, family, patient)


def _with_bleed(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The slice with one to three bleeds painted, or as it was where no inside of a skull is found."""
    anatomy = find_anatomy(grey)
    if anatomy is None:
        return grey
    hu = grey_to_hu(grey)
    for _ in range(int(rng.integers(1, 4))):
        hu, _ = paint_bleed(hu, anatomy, BLEED_KINDS[int(rng.integers(len(BLEED_KINDS)))], rng)
    return hu_to_grey(hu)


def phantom_examples(count: int, rng: np.random.Generator, first_seed: int = 500_000) -> Iterator[Example]:
    """Phantom slices in the windows in use, half of them as foreign pictures."""
    windows = (MODEL_WINDOW, MODEL_WINDOW, WINDOWS["brain"], WINDOWS["subdural"], WINDOWS["stroke"], WINDOWS["bone"])
    kinds = (None, "epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
    for seed in range(first_seed, first_seed + count):
        study = phantom_study(seed, 8, kinds[seed % len(kinds)], 320)
        for hu, level in zip(study.hu[1:], study.levels[1:], strict=True):
            grey = apply_window(hu, windows[int(rng.integers(len(windows)))])
            tint = 0.0
            if rng.random() < 0.5:
                grey, tint = foreign(grey, rng, _SETTINGS)
            yield Example(grey, tint, True, level, "phantom", study.name)


def made_examples(count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Pictures of every family of non-heads; CT families in several windows; some degraded like the heads."""
    windows = (MODEL_WINDOW, MODEL_WINDOW, WINDOWS["brain"], WINDOWS["subdural"], SOFT_TISSUE, LUNG, WINDOWS["bone"])
    for family in FAMILIES:
        for _ in range(count):
            picture = make_non_head(family, rng, int(rng.choice([192, 320, 448])))
            if family in HU_FAMILIES:
                picture = apply_window(picture, windows[int(rng.integers(len(windows)))])
            yield _no_head(picture, family, family, rng)


def package_pictures() -> list[tuple[str, np.ndarray]]:
    """(name, uint8 picture) of what the installed scikit-image, scikit-learn, matplotlib and pydicom ship."""
    found: list[tuple[str, np.ndarray]] = []
    folders = (
        ("skimage", "data"),
        ("sklearn", "datasets/images"),
        ("matplotlib", "mpl-data/sample_data"),
    )
    for package, folder in folders:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for file in sorted((Path(spec.origin).parent / folder).glob("*.*")):
            if file.suffix in (".png", ".jpg") and file.name not in _NOT_CLEARLY_NO_HEAD:
                picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
                found += [(file.name, picture)] if picture is not None else []
    return found + _package_ct_and_mr()


def _package_ct_and_mr() -> list[tuple[str, np.ndarray]]:
    """pydicom's small test slices, through a window around their own grey levels."""
    import pydicom
    from pydicom.data import get_testdata_file

    found = []
    # Its 693_*.dcm and J2K_pixelrep_mismatch.dcm are heads, so they are not here.
    for name in ("CT_small.dcm", "MR_small.dcm", "examples_ybr_color.dcm"):
        try:
            path = get_testdata_file(name, download=False)
            pixels = pydicom.dcmread(str(path)).pixel_array.astype(np.float32)
            pixels = pixels[0] if pixels.ndim == 4 else pixels
        except Exception:  # whatever this installation of pydicom lacks or cannot decode
            continue
        low, high = np.percentile(pixels, (1, 99))
        found.append((name, np.clip((pixels - low) / (high - low + 1e-6) * 255, 0, 255).astype(np.uint8)))
    return found


def package_examples(count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Random crops of the packages' pictures, each picture whole first."""
    for name, picture in package_pictures():
        for index in range(count):
            crop = picture
            if index:
                height, width = picture.shape[:2]
                tall, wide = int(height * rng.uniform(0.3, 1)), int(width * rng.uniform(0.3, 1))
                top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
                crop = picture[top : top + tall, left : left + wide]
                turn = int(rng.integers(4))
                crop = np.ascontiguousarray(np.rot90(crop, turn) if turn else crop)
            yield _no_head(crop, "package picture", name, rng, plain=index == 0)


def _no_head(picture: np.ndarray, family: str, source: str, rng: np.random.Generator, plain: bool = False) -> Example:
    """Grey and colorfulness as `read_picture` sees them; half the pictures lose their color, some are degraded."""
    if picture.ndim == 3 and not plain and rng.random() < 0.5:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    colorfulness = 0.0
    if picture.ndim == 3:
        colorfulness = _colorfulness(picture)
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    elif rng.random() < 0.1:
        colorfulness = float(rng.uniform(0.01, 0.3))
    if not plain and min(picture.shape) >= 64:
        size = int(np.exp(rng.uniform(np.log(110), np.log(512))))
        tall, wide = picture.shape
        if rng.random() < 0.4:
            work = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
            picture = cv2.resize(degrade(work, rng, _SETTINGS), (max(64, round(size * wide / tall)), size))
        if rng.random() < 0.2:
            edges = [int(value) for value in rng.integers(0, max(2, min(picture.shape) // 3), 4)]
            picture = framed(picture, edges, int(rng.choice([0, 255])))
    return Example(picture, colorfulness, False, "", family, source)


def _colorfulness(picture: np.ndarray) -> float:
    """Mean spread of the channels, as `read_picture` measures it."""
    return float(np.mean(picture.max(axis=2) - picture.min(axis=2)) / 255.0)
