"""Augmentation: the published generator's geometry, ranges that hold, draws that the seed decides."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemo.data.augment import (
    AS_PUBLISHED,
    RANGES,
    UNCHANGED,
    AugmentSettings,
    Draws,
    affine_matrices,
    augment_batch,
    draw,
)
from hemo.errors import HemoError
from tests.data.pictures import head_picture

BATCH = np.stack([head_picture(seed, 64) for seed in range(8)])


def keras_affine(theta: float, shear: float, zoom: tuple[float, float], side: int) -> np.ndarray:
    """Rotation · shear · zoom about the center as `keras.src.legacy.preprocessing.image` writes it, (x, y) → (x, y)."""
    rotation = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    sheared = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    zoomed = np.diag([*zoom, 1.0])
    center = side / 2 - 0.5
    to_center = np.array([[1, 0, center], [0, 1, center], [0, 0, 1]])
    from_center = np.array([[1, 0, -center], [0, 1, -center], [0, 0, 1]])
    return (to_center @ rotation @ sheared @ zoomed @ from_center)[:2]


def one(theta: float = 0, shear: float = 0, zoom: tuple[float, float] = (1, 1), flip: bool = False) -> Draws:
    zero = np.zeros(1)
    return Draws(
        np.array([theta]), np.array([shear]), np.array([zoom]), np.zeros((1, 2)), np.array([flip]), zero, zero + 1, zero
    )


@pytest.mark.parametrize(
    ("theta", "shear", "zoom"), [(0.4, 0, (1, 1)), (0, 0.3, (1, 1)), (0, 0, (0.8, 1.2)), (-0.3, 0.2, (1.25, 0.75))]
)
def test_the_affine_is_keras_own(theta: float, shear: float, zoom: tuple[float, float]) -> None:
    ours = affine_matrices(one(theta, shear, zoom), 64, 64)[0]
    assert np.allclose(ours, keras_affine(theta, shear, zoom, 64))


def test_a_flip_mirrors_the_warped_picture() -> None:
    plain, flipped = (affine_matrices(one(0.3, 0.1, (0.9, 1.1), flip), 64, 64)[0] for flip in (False, True))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    straight, mirrored = (cv2.warpAffine(BATCH[0], m, (64, 64), flags=flags) for m in (plain, flipped))
    assert np.abs(straight[:, ::-1].astype(int) - mirrored).max() <= 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")  # Keras' own import
def test_pixels_equal_those_of_the_published_generator() -> None:
    image = pytest.importorskip("keras.src.legacy.preprocessing.image")
    generator = image.ImageDataGenerator(zoom_range=0.25, shear_range=20, rotation_range=25, horizontal_flip=True)
    for seed in range(6):
        p = generator.get_random_transform((64, 64, 1), seed=seed)
        reference = generator.apply_transform(BATCH[0][..., None].astype(np.float32), p)[..., 0]
        draws = one(np.deg2rad(p["theta"]), np.deg2rad(p["shear"]), (p["zx"], p["zy"]), bool(p["flip_horizontal"]))
        ours = cv2.warpAffine(
            BATCH[0],
            affine_matrices(draws, 64, 64)[0],
            (64, 64),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        assert np.abs(reference - ours).max() <= 0.5 + 1e-3  # half a grey level: ours is rounded to uint8


def test_nothing_switched_on_is_the_rescaled_batch() -> None:
    assert np.allclose(augment_batch(BATCH, UNCHANGED, np.random.default_rng(0)), BATCH / np.float32(255))


def test_the_generator_decides_and_the_batch_is_left_alone() -> None:
    before = BATCH.copy()
    settings = AugmentSettings(noise=0.1, brightness=0.2)
    first, again = (augment_batch(BATCH, settings, np.random.default_rng(7)) for _ in range(2))
    other = augment_batch(BATCH, settings, np.random.default_rng(8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(BATCH, before)


def test_moving_one_slider_leaves_the_other_draws_as_they_were() -> None:
    first = draw(16, AS_PUBLISHED, np.random.default_rng(1))
    second = draw(16, AugmentSettings(brightness=0.5, zoom=0.1), np.random.default_rng(1))
    assert np.array_equal(first.theta, second.theta)
    assert np.array_equal(first.flip, second.flip)
    assert np.allclose((first.zoom - 1) / 0.25, (second.zoom - 1) / 0.1)


def test_draws_keep_to_the_published_ranges() -> None:
    draws = draw(4000, AS_PUBLISHED, np.random.default_rng(0))
    assert 24.8 < np.rad2deg(draws.theta).max() <= 25
    assert 0.2 < np.rad2deg(draws.shear).max() <= 0.25  # degrees, as Keras has it
    assert draws.zoom.min() >= 0.75
    assert draws.zoom.max() <= 1.25
    assert not np.allclose(draws.zoom[:, 0], draws.zoom[:, 1])
    assert 0.45 < draws.flip.mean() < 0.55
    assert not draws.shift.any()
    assert not draws.noise.any()


def test_brightness_and_contrast_move_levels_as_told() -> None:
    flat = np.full((200, 16, 16), 100, np.uint8)
    bright = augment_batch(flat, AugmentSettings(brightness=0.2), np.random.default_rng(0))[:, 8, 8]
    assert bright.min() == pytest.approx(100 / 255 - 0.2, abs=0.01)
    assert bright.max() == pytest.approx(100 / 255 + 0.2, abs=0.01)
    contrast = AugmentSettings(zoom=0, shear=0, rotation=0, horizontal_flip=False, contrast=0.5)
    halves = np.concatenate([np.full((200, 8, 16), 80, np.uint8), np.full((200, 8, 16), 120, np.uint8)], axis=1)
    changed = augment_batch(halves, contrast, np.random.default_rng(0)) * 255
    spread = changed[:, 12, 8] - changed[:, 4, 8]
    assert spread.min() == pytest.approx(20, abs=1)
    assert spread.max() == pytest.approx(60, abs=1)
    assert np.allclose(changed.mean(axis=(1, 2)), 100, atol=0.5)


def test_noise_is_as_strong_as_told() -> None:
    flat = np.full((64, 32, 32), 128, np.uint8)
    deviations = augment_batch(flat, AugmentSettings(noise=0.1), np.random.default_rng(0)).std(axis=(1, 2))
    assert 0.08 < deviations.max() < 0.11
    assert deviations.min() < 0.02


@settings(max_examples=40, deadline=None)
@given(
    values=st.fixed_dictionaries({name: st.floats(low, high) for name, (low, high) in RANGES.items()}),
    seed=st.integers(0, 2**31),
    fill=st.sampled_from(["nearest", "black", "reflect"]),
)
def test_whatever_the_sliders_say_the_result_is_a_picture(values: dict[str, float], seed: int, fill: str) -> None:
    result = augment_batch(BATCH[:2], AugmentSettings(**values, fill=fill), np.random.default_rng(seed))  # type: ignore[arg-type]
    assert result.shape == (2, 64, 64)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize(
    ("name", "value"), [("zoom", 1.5), ("rotation", -1), ("noise", 2), ("fill", "wrap"), ("rotation", float("nan"))]
)
def test_values_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(HemoError, match=f"Expected {name}"):
        AugmentSettings(**{name: value})  # type: ignore[arg-type]


def test_settings_survive_json_and_refuse_strangers() -> None:
    settings = AugmentSettings(rotation=10, noise=0.1, fill="black")
    assert AugmentSettings.from_json(settings.to_json()) == settings
    assert AugmentSettings.from_json({}) == AS_PUBLISHED
    with pytest.raises(HemoError, match="Received: rotate"):
        AugmentSettings.from_json({"rotate": 3})
