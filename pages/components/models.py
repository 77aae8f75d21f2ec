"""The model bundles as pages see them: names and cards, read without TensorFlow."""

from hemo.workspace import Workspace


def names() -> list[str]:
    """Names of the bundles that can be read, in the order of the bundle module."""
    folder = Workspace.from_environment().models
    return sorted(path.parent.name for path in folder.glob("*/card.json"))


def default_name() -> str | None:
    """The bundle that is active until the user picks another."""
    found = names()
    return found[0] if found else None
