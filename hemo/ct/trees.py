"""Boosted shallow trees from plain numbers, so that nothing need be unpickled and no library imported to use them."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Trees:
    """A sum of complete binary trees of one depth d.

    Attributes:
        feature: int64 (T, 2^d - 1), the feature each node looks at, breadth first.
        threshold: float64 (T, 2^d - 1); a value at most the threshold goes left.
        leaf: float64 (T, 2^d), from left to right.
        start: added to the sum of the leaves.
    """

    feature: np.ndarray
    threshold: np.ndarray
    leaf: np.ndarray
    start: float

    def __post_init__(self) -> None:
        leaves, nodes = self.leaf.shape[1], self.feature.shape[1]
        if self.threshold.shape != self.feature.shape or leaves != nodes + 1 or leaves & nodes:
            raise ValueError(
                "expected complete trees of one depth. "
                f"Received: feature {self.feature.shape}, threshold {self.threshold.shape}, leaf {self.leaf.shape}"
            )

    def score(self, features: np.ndarray) -> np.ndarray:
        """Sum over the trees for each row of (N, F): float64 (N,)."""
        trees = np.arange(len(self.leaf))
        rows = np.arange(len(features))[:, None]
        node = np.zeros((len(features), len(trees)), np.int64)
        for _ in range(self.leaf.shape[1].bit_length() - 1):
            right = features[rows, self.feature[trees, node]] > self.threshold[trees, node]
            node = 2 * node + 1 + right
        total: np.ndarray = self.leaf[trees, node - self.feature.shape[1]].sum(axis=1) + self.start
        return total

    def to_json(self) -> dict[str, Any]:
        """Plain values, rounded to what float32 features can tell apart."""
        return {
            "feature": self.feature.tolist(),
            "threshold": [[float(f"{value:.7g}") for value in row] for row in self.threshold],
            "leaf": [[float(f"{value:.5g}") for value in row] for row in self.leaf],
            "start": float(self.start),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Trees":
        """Read back what `to_json` gave."""
        return cls(
            np.array(values["feature"], np.int64),
            np.array(values["threshold"], np.float64),
            np.array(values["leaf"], np.float64),
            float(values["start"]),
        )
