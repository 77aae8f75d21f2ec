"""The configuration: presets, JSON and refusals."""

import json
from pathlib import Path

import pytest

from hemo.errors import RunError
from hemo.model.training_config import AS_PUBLISHED, RECOMMENDED, EarlyStop, TrainingConfig, unusual


def test_as_published_says_what_the_published_script_did() -> None:
    config = AS_PUBLISHED
    assert (config.architecture, config.protocol, config.image_size) == ("seed_cnn", "published", 256)
    assert (config.batch, config.epochs, config.validation) == (32, 50, 0.15)
    assert (config.optimizer, config.learning_rate, config.schedule) == ("adam", 1e-3, "constant")
    assert config.early_stop == EarlyStop(monitor="loss", patience=5, mode="min")
    assert config.class_weight == "none"
    assert config.label_smoothing == 0.0
    assert config.augmentation == {}  # the generator's own settings are the defaults of AugmentSettings


def test_a_configuration_survives_its_file(tmp_path: Path) -> None:
    config = RECOMMENDED.replace(data="/data", seed=7, early_stop=EarlyStop("val_auc", 3, "max"))
    config.save(tmp_path / "config.json")
    assert TrainingConfig.load(tmp_path / "config.json") == config


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(RunError, match=r"Received: colour"):
        TrainingConfig.from_json({"colour": "red"})


def test_a_damaged_file_is_a_run_error(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(RECOMMENDED.to_json())[:50])
    with pytest.raises(RunError, match="Expected a training configuration"):
        TrainingConfig.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocol": "random"}, "Expected protocol to be one of grouped, published. Received: 'random'"),
        ({"learning_rate": 0.0}, "Expected a learning rate above 0"),
        ({"learning_rate": float("nan")}, "Expected a learning rate above 0"),
        ({"batch": 0}, "Expected batch between 1 and 4096. Received: 0"),
        ({"image_size": 8}, "Expected image size between 16 and 1024. Received: 8"),
        ({"epochs": 0}, "Expected epochs between 1"),
        ({"early_stop": EarlyStop(monitor="val_kappa")}, "Expected early stopping monitor to be one of"),
        ({"schedule": "exponential", "warmup_epochs": 2}, "Expected no warm-up epochs"),
        ({"warmup_epochs": 41}, "Expected warm-up epochs between 0 and 40. Received: 41"),
    ],
)
def test_what_cannot_run_is_refused_with_what_was_received(changes: dict, message: str) -> None:
    with pytest.raises(RunError) as raised:
        RECOMMENDED.replace(**changes).check()
    assert message in str(raised.value)


@pytest.mark.parametrize("preset", [AS_PUBLISHED, RECOMMENDED])
def test_the_presets_pass_their_own_check(preset: TrainingConfig) -> None:
    preset.check()


def test_the_recommended_preset_has_nothing_unusual_and_the_published_one_has() -> None:
    assert unusual(RECOMMENDED) == []
    remarks = " ".join(unusual(AS_PUBLISHED))
    assert "drawn at random" in remarks
    assert "training loss" in remarks


def test_a_high_learning_rate_is_remarked_with_another_one() -> None:
    remarks = unusual(RECOMMENDED.replace(learning_rate=0.5))
    assert remarks == ["A rate of 0.5 is high for adamw; try 0.001."]
