import pytest

from hemo.bench.resampling import run


@pytest.mark.slow
def test_the_sweep_is_fast_and_says_by_how_much() -> None:
    (ratio,) = run(loop_resamples=10)
    assert ratio.ours_s <= 1.0
    assert ratio.reached
    assert "2,000 resamples of 82 patients" in ratio.name
