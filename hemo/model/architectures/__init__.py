"""Every network that Hemo can build, by name.

All take float32 (N, S, S, 1) in [0, 1] (grey level / 255). `seed_cnn` ends in a softmax over (normal, hemorrhage), as
published; `compact` in one linear logit of hemorrhage; `lite0` in that logit and its evidence map. Importing this
module never imports TensorFlow: the `build` functions do, when called.
"""

from hemo.errors import RunError
from hemo.model.architectures import compact, lite0, seed_cnn
from hemo.model.architectures.architecture import Architecture

ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (seed_cnn.ARCHITECTURE, compact.ARCHITECTURE, lite0.ARCHITECTURE)
}


def architecture_named(name: str) -> Architecture:
    """The architecture called `name`.

    Raises:
        RunError: there is none of that name.
    """
    if name not in ARCHITECTURES:
        raise RunError(f"Expected an architecture among {', '.join(ARCHITECTURES)}. Received: {name!r}")
    return ARCHITECTURES[name]


__all__ = ["ARCHITECTURES", "Architecture", "architecture_named"]
