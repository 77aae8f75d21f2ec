"""The errors Hemo raises for input it cannot use.

Every message is one sentence that says what was expected and what was received, because pages and the command
line show it to the user unchanged.
"""


class HemoError(ValueError):
    """Base of every error that is the input's fault, not the program's."""


class UnreadableImage(HemoError):  # noqa: N818 (says what the input is, as every name here does)
    """The bytes are not a CT slice that Hemo can decode."""


class RefusedInput(HemoError):  # noqa: N818
    """The input was understood and is refused: too large, not CT, not allowed."""


class DatasetError(HemoError):
    """A folder or table cannot be understood as a data set."""


class SplitOverlapError(DatasetError):
    """A patient or series stands on both sides of a split."""


class BundleError(HemoError):
    """A model bundle is damaged, incomplete or not allowed."""


class RunError(HemoError):
    """A training run cannot start or go on as configured."""
