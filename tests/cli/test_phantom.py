import argparse

import pytest

from hemo.cli import phantom
from hemo.data.manifest import Manifest
from hemo.errors import DatasetError


def run(*words):
    parser = argparse.ArgumentParser()
    phantom.add_parser(parser.add_subparsers())
    return phantom.run(parser.parse_args(["phantom", *map(str, words)]))


def test_writes_a_set_and_says_what_is_in_it(tmp_path, capsys):
    assert run(tmp_path / "p", "--studies", 2, "--seed", 4, "--slices", 4, "--size", 64) == 0
    manifest = Manifest.load(tmp_path / "p")
    assert len(manifest) == 8
    assert "SYNTHETIC head phantom (seed 4): 8 slices of 2 studies" in capsys.readouterr().out


def test_writes_dicom(tmp_path):
    assert run(tmp_path / "p", "--studies", 2, "--slices", 2, "--size", 64, "--dicom") == 0
    assert len(list((tmp_path / "p" / "dicom").rglob("*.dcm"))) == 4


def test_one_study_is_no_set(tmp_path):
    with pytest.raises(DatasetError, match="at least 2 studies"):
        run(tmp_path / "p", "--studies", 1)
