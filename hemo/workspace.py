"""Where Hemo keeps what it makes: runs, caches, predictions and imported data sets.

Uploads never come here; only what the user asked to keep does.
"""

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Workspace:
    """Folders of one Hemo installation.

    Args:
        root: holds everything Hemo writes while it works.
        models: holds the model bundles, shipped and trained, one folder each.
    """

    root: Path
    models: Path

    @classmethod
    def from_environment(cls) -> "Workspace":
        """Read `HEMO_HOME` (default `.hemo` in the current folder) and `HEMO_MODELS` (default: shipped `models/`)."""
        root = Path(os.environ.get("HEMO_HOME", Path.cwd() / ".hemo"))
        models = Path(os.environ.get("HEMO_MODELS", REPOSITORY / "models"))
        return cls(root=root.resolve(), models=models.resolve())

    def _folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def runs(self) -> Path:
        """One folder a training run."""
        return self._folder("runs")

    @property
    def cache(self) -> Path:
        """Prepared images, safe to delete."""
        return self._folder("cache")

    @property
    def predictions(self) -> Path:
        """Predictions tables, keyed by the fingerprints of model and data."""
        return self._folder("predictions")

    @property
    def datasets(self) -> Path:
        """Data sets that Hemo itself makes (phantoms) and manifests of imported ones."""
        return self._folder("datasets")
