import pytest

from hemo.bench import resampling
from hemo.errors import HemoError


@pytest.mark.slow
def test_the_ratio_is_named_and_measured_against_the_loop() -> None:
    (ratio,) = resampling.run(resamples=200, loop_resamples=5)
    assert ratio.target == "≥ 50"
    assert ratio.ratio > 1
    assert "200 resamples of 82 patients" in ratio.name


def test_figures_that_differ_from_scikit_learn_stop_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = resampling.bootstrap

    def off(*arguments: object, **options: object) -> dict:
        return {name: values + 1e-6 for name, values in honest(*arguments, **options).items()}  # type: ignore[arg-type]

    monkeypatch.setattr(resampling, "bootstrap", off)
    with pytest.raises(HemoError, match=r"Expected scikit-learn's figures to 1e-09. Received: a difference of"):
        resampling.run(resamples=20, loop_resamples=2)
