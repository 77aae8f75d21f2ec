"""The form of a new run: data, network and schedule, filled by presets, with what each choice costs and what is odd."""

import time
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from hemo.data.augment import RANGES, AugmentSettings
from hemo.data.library import KnownDataset
from hemo.errors import HemoError
from hemo.model.architectures import ARCHITECTURES
from hemo.model.training_config import (
    MODES,
    MONITORS,
    OPTIMIZERS,
    PRESETS,
    SCHEDULES,
    EarlyStop,
    TrainingConfig,
    unusual,
)
from hemo.runs import facts, supervisor
from hemo.runs.group import plan, read_sweep
from hemo.workspace import Workspace
from pages.components import datasets, notice, state
from pages.components.text import one_line, plain

PRESET = "train_preset"
DATASET = "train_dataset"
_KEPT = "train_kept"
NAME = "train_name"
KIND = "train_kind"
OTHER_PATH = "A folder or CSV on this machine"
IMAGE_SIZES = (64, 96, 128, 160, 192, 224, 256, 320, 384)

_KINDS = {"one": "One run", "folds": "Cross-validation", "seeds": "Several seeds", "sweep": "A sweep"}
_SEVERAL_DEFAULTS = {KIND: "one", "train_folds": 5, "train_seeds": 3, "train_sweep": "learning_rate=1e-3,3e-4"}
# Arguments of `hemo.runs.group.plan`; {} for one run.
Several = dict[str, Any]

_PLAIN_FIELDS = (
    "architecture",
    "protocol",
    "image_size",
    "batch",
    "epochs",
    "optimizer",
    "learning_rate",
    "schedule",
    "warmup_epochs",
    "weight_decay",
    "label_smoothing",
    "keep",
    "keep_by",
    "validation",
    "test",
    "seed",
)
LABELS = {
    "adam": "Adam",
    "adamw": "AdamW",
    "sgd": "SGD with momentum",
    "constant": "Constant",
    "cosine": "Cosine to zero",
    "exponential": "Exponential to a hundredth",
    "": "Off",
    "loss": "Training loss",
    "accuracy": "Training accuracy",
    "auc": "Training AUC",
    "val_loss": "Validation loss",
    "val_accuracy": "Validation accuracy",
    "val_auc": "Validation AUC",
    "min": "falls",
    "max": "rises",
    "grouped": "By patient or series",
    "published": "By slice, as published",
    "best": "Best epoch",
    "last": "Last epoch",
}
_AUGMENT_HELP = {
    "zoom": "Each axis is scaled by a factor from 1 minus to 1 plus this.",
    "shear": "Degrees.",
    "rotation": "Degrees to either side.",
    "shift": "Share of the side, along each axis.",
    "brightness": "Share of the full range added or taken.",
    "contrast": "Distance to the mean is scaled by 1 minus to 1 plus this.",
    "noise": "Standard deviation of white noise as a share of the full range.",
}


def _label(value: str) -> str:
    """An option's name for people; one without a name of its own is shown as it is."""
    return LABELS.get(value, value)


def show(workspace: Workspace) -> None:
    """The form; its button puts a run in the queue."""
    _bring_back()
    st.subheader("New run")
    st.segmented_control(
        "Preset",
        list(PRESETS),
        key=PRESET,
        format_func=str.capitalize,
        on_change=_apply_preset,
        help="As published repeats the published script setting by setting; recommended validates on other patients.",
    )
    data, network, schedule = st.columns(3)
    with data, st.container(border=True, height="stretch", key="train_step_data"):
        st.markdown("**1 · Data**")
        path = _data_step()
    with network, st.container(border=True, height="stretch", key="train_step_network"):
        st.markdown("**2 · Network**")
        _network_step()
    with schedule, st.container(border=True, height="stretch", key="train_step_schedule"):
        st.markdown("**3 · Schedule**")
        _schedule_step()
    _start(workspace, path)
    st.session_state[_KEPT] = {key: st.session_state[key] for key in _keys() if key in st.session_state}


def _bring_back() -> None:
    """Streamlit forgets a widget that is not drawn, on another page or hidden by another choice: the form does not."""
    if _KEPT not in st.session_state:
        fill(PRESETS["recommended"])
        st.session_state[PRESET] = "recommended"
        return
    for key, value in st.session_state[_KEPT].items():
        # Assigning also keeps the values of widgets that this run does not draw.
        st.session_state[key] = st.session_state.get(key, value)


def _keys() -> list[str]:
    return [
        *(f"train_{name}" for name in _PLAIN_FIELDS),
        *(f"train_stop_{name}" for name in ("monitor", "patience", "mode")),
        *(f"train_augment_{name}" for name in (*RANGES, "horizontal_flip", "fill")),
        "train_balanced",
        *_SEVERAL_DEFAULTS,
        PRESET,
    ]


def fill(config: TrainingConfig) -> None:
    """Set the whole form to a configuration, also from another page."""
    settings = AugmentSettings.from_json(config.augmentation)
    values = {f"train_{name}": getattr(config, name) for name in _PLAIN_FIELDS}
    values |= {f"train_stop_{name}": value for name, value in asdict(config.early_stop).items()}
    values |= {f"train_augment_{name}": getattr(settings, name) for name in (*RANGES, "horizontal_flip", "fill")}
    values["train_balanced"] = config.class_weight == "balanced"
    st.session_state[_KEPT] = values
    for key, value in values.items():
        st.session_state[key] = value


def chosen(path: str) -> TrainingConfig:
    """The configuration that the widgets show.

    Args:
        path: of the data set.
    """
    values = {name: st.session_state[f"train_{name}"] for name in _PLAIN_FIELDS}
    if values["schedule"] == "exponential":
        values["warmup_epochs"] = 0
    if values["protocol"] == "published":
        values["test"] = 0.0
    stop = EarlyStop(
        monitor=st.session_state["train_stop_monitor"],
        patience=st.session_state["train_stop_patience"],
        mode=st.session_state["train_stop_mode"],
    )
    augment = {name: st.session_state[f"train_augment_{name}"] for name in (*RANGES, "horizontal_flip", "fill")}
    config = TrainingConfig(
        data=path,
        class_weight="balanced" if st.session_state["train_balanced"] else "none",
        early_stop=stop,
        augmentation=augment,
        preset="",
        **values,
    )
    return replace(config, preset=_preset_of(config))


def _preset_of(config: TrainingConfig) -> str:
    """Name of the preset that the configuration still equals, data and seed apart; "" for none."""
    for name, preset in PRESETS.items():
        settings = AugmentSettings.from_json(preset.augmentation).to_json()
        same = config.replace(data="", seed=preset.seed, preset=name)
        if same == preset.replace(augmentation={key: settings[key] for key in config.augmentation}):
            return name
    return ""


def _apply_preset() -> None:
    if st.session_state[PRESET]:
        fill(PRESETS[st.session_state[PRESET]])


def _data_step() -> str:
    sets = {entry.name: entry for entry in datasets.listing()}
    if not sets:
        st.caption("No data set yet. A phantom is synthetic head CT with exact masks, made here in seconds.")
        button = st.button("Make a phantom", key="train_make_phantom", icon=":material/science:", type="primary")
        if button and datasets.make_phantom() is not None:
            st.rerun()
    options = [*sets, OTHER_PATH]
    if st.session_state.get(DATASET) not in options:
        active = datasets.active()
        st.session_state[DATASET] = active.name if active else OTHER_PATH
    name = st.selectbox("Data set", options, key=DATASET, format_func=lambda key: _title(sets.get(key), key))
    if name in sets:
        state.set_active_dataset(name)
        entry = sets[name]
        st.caption(f"{entry.slices:,} slices of {entry.groups:,} groups, {entry.positives:,} with a bleed")
        path = str(entry.path)
    else:
        path = st.text_input(
            "Path", key="train_path", placeholder="/data/ct-ich", help="Any layout that the Data page can import."
        ).strip()
    st.segmented_control(
        "Validation",
        ["grouped", "published"],
        key="train_protocol",
        format_func=_label,
        required=True,
        help="By patient keeps whole patients apart. By slice puts neighbors of training slices into validation.",
    )
    left, right = st.columns(2)
    with left:
        st.number_input("Validation share", 0.01, 0.9, step=0.05, key="train_validation", format="%.2f")
    with right:
        if st.session_state["train_protocol"] == "grouped":
            help_test = "Patients held out for the final figures where the data set names no test part."
            st.number_input("Test share", 0.0, 0.9, step=0.05, key="train_test", format="%.2f", help=help_test)
    with st.popover("Augmentation", icon=":material/tune:", width="stretch"):
        for field, (low, high) in RANGES.items():
            step = 1.0 if high > 1 else 0.01
            st.slider(field.capitalize(), low, high, step=step, key=f"train_augment_{field}", help=_AUGMENT_HELP[field])
        st.toggle("Horizontal flip", key="train_augment_horizontal_flip")
        st.selectbox("Fill beyond the edge", ["nearest", "black", "reflect"], key="train_augment_fill")
    return path


def _title(entry: KnownDataset | None, name: str) -> str:
    return one_line(entry.title, 60) if entry else name


def _network_step() -> None:
    st.radio(
        "Network",
        list(ARCHITECTURES),
        key="train_architecture",
        captions=[architecture.description for architecture in ARCHITECTURES.values()],
        on_change=_take_native_size,
        label_visibility="collapsed",
    )
    size, batch = st.columns(2)
    with size:
        current = st.session_state["train_image_size"]
        st.selectbox("Image size", sorted({*IMAGE_SIZES, current}), key="train_image_size", help="Pixels a side.")
    with batch:
        st.number_input("Batch", 1, 4096, key="train_batch", help="Slices a step.")
    st.toggle(
        "Balance the classes",
        key="train_balanced",
        help="Weigh each class by its inverse frequency, so that few bleeds count as much as many normals.",
    )
    st.number_input(
        "Label smoothing",
        0.0,
        0.49,
        step=0.01,
        key="train_label_smoothing",
        format="%.2f",
        help="Share of a label given to the other class; keeps the network from being too sure.",
    )


def _take_native_size() -> None:
    native = ARCHITECTURES[st.session_state["train_architecture"]].preparation.size
    st.session_state["train_image_size"] = native


def _schedule_step() -> None:
    left, right = st.columns(2)
    with left:
        st.number_input("Epochs at most", 1, 10_000, key="train_epochs")
        st.selectbox("Optimizer", OPTIMIZERS, key="train_optimizer", format_func=_label)
        st.selectbox("Schedule", SCHEDULES, key="train_schedule", format_func=_label)
    with right:
        st.number_input("Seed", 0, 2**31 - 1, key="train_seed", help="Split, weights, order, augmentation, dropout.")
        st.number_input("Learning rate", 1e-7, 10.0, key="train_learning_rate", format="%.2e", step=1e-4)
        if st.session_state["train_schedule"] != "exponential":
            st.number_input("Warm-up epochs", 0, 100, key="train_warmup_epochs")
    if st.session_state["train_optimizer"] == "adamw":
        st.number_input("Weight decay", 0.0, 1.0, key="train_weight_decay", format="%.1e", step=1e-4)
    st.selectbox("Early stopping watches", ["", *MONITORS], key="train_stop_monitor", format_func=_label)
    if st.session_state["train_stop_monitor"]:
        left, right = st.columns(2)
        with left:
            st.number_input("Patience", 0, 1000, key="train_stop_patience", help="Epochs without improvement.")
        with right:
            st.selectbox("Better when it", MODES, key="train_stop_mode", format_func=_label)
    left, right = st.columns(2)
    with left:
        st.selectbox("Keep", ["best", "last"], key="train_keep", format_func=_label)
    with right:
        if st.session_state["train_keep"] == "best":
            st.selectbox("Best by", MONITORS, key="train_keep_by", format_func=_label)


def _start(workspace: Workspace, path: str) -> None:
    config = chosen(path)
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        _cost(workspace, config)
        for remark in unusual(config):
            st.caption(f":material/info: {plain(remark)}")
        several = _several()
    with right:
        st.text_input("Name", key=NAME, placeholder="date, time and network", help="Optional; letters, digits, dashes.")
        busy = supervisor.current(workspace)
        label = "Start training" if busy is None else "Add to the queue"
        if st.button(label, key="train_start", type="primary", icon=":material/play_arrow:", width="stretch"):
            _submit(workspace, config, several)


def _several() -> Several:
    """How many runs the configuration is to become."""
    for key, value in _SEVERAL_DEFAULTS.items():
        st.session_state.setdefault(key, value)
    kind_column, value_column = st.columns([1.4, 1], vertical_alignment="bottom")
    with kind_column:
        kind = st.segmented_control(
            "Train",
            list(_KINDS),
            key=KIND,
            format_func=_KINDS.__getitem__,
            required=True,
            help="Folds keep patients or series whole: each is held out once. Runs of a group train one after another.",
        )
    with value_column:
        if kind == "folds":
            help_folds = "The fold held out takes the place of the test share and of a split that the data set names."
            return {"folds": int(st.number_input("Folds", 2, 20, key="train_folds", help=help_folds))}
        if kind == "seeds":
            help_seeds = "From the seed above up. A seed decides the split too."
            return {"seeds": int(st.number_input("Seeds", 2, 20, key="train_seeds", help=help_seeds))}
        if kind == "sweep":
            help_sweep = "A setting and its values. Several settings, parted by blanks, give every combination."
            return {"sweep": st.text_input("Values", key="train_sweep", help=help_sweep)}
    return {}


def _submit(workspace: Workspace, config: TrainingConfig, several: Several) -> None:
    name = st.session_state.get(NAME) or None
    try:
        if not config.data:
            raise HemoError("Expected the path of a data set. Received: none")
        if several:
            sweep = dict(read_sweep(text) for text in several.pop("sweep", "").split())
            base, changes = plan(config, **several, sweep=sweep)
            group = supervisor.submit_group(workspace, base, changes, name)
            st.session_state["train_shown"] = group.members[0].name
            st.session_state["train_group"] = group.name
        else:
            st.session_state["train_shown"] = supervisor.submit(workspace, config, name).name
    except HemoError as error:
        notice.error(error)
        return
    st.rerun()


@st.fragment(run_every="1s")
def _cost(workspace: Workspace, config: TrainingConfig) -> None:
    """Parameters and time an epoch, measured by a process apart the first time a network is chosen."""
    found = facts.known(workspace, config)
    measuring = facts.measure_in_background(workspace, config)
    if found is None:
        st.caption("Counting the network's parameters" if measuring else "Parameters not counted yet")
        return
    if found.problem:
        notice.error(found.problem)
        return
    parts = [f"**{found.parameters:,}** parameters"]
    entry = {each.name: each for each in datasets.listing()}.get(st.session_state.get(DATASET, ""))
    if found.seconds_per_image is None:
        parts.append("time an epoch is measured when nobody trains" if not measuring else "measuring the time an epoch")
    elif entry is not None:
        trained = entry.slices * (1.0 - config.validation - config.test)
        parts.append(f"about **{duration(trained * found.seconds_per_image)}** an epoch on this machine")
    else:
        parts.append(f"about **{1 / found.seconds_per_image:.0f}** images a second on this machine")
    st.markdown(" · ".join(parts))


def duration(seconds: float) -> str:
    """Seconds for people: "8 s", "3 min", "2 h 5 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def clock(since: float) -> str:
    """A moment as a local time of day, with the date where it is not today's."""
    moment = time.localtime(since)
    today = time.strftime("%Y-%m-%d") == time.strftime("%Y-%m-%d", moment)
    return time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", moment)
