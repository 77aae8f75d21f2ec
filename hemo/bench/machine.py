"""What a benchmark ran on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "pydicom", "streamlit")


def machine() -> dict[str, str | int | float]:
    """Cores, processor, memory, load and versions; nothing that names the machine or its user."""
    about: dict[str, str | int | float] = {
        "cores": _usable_cores(),
        "processor": _processor(),
        "memory_gb": _memory_gb(),
        "load": _load(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            about[package] = version(package)
        except PackageNotFoundError:
            continue
    return about


def described(about: dict[str, str | int | float]) -> str:
    """The machine in one line."""
    versions = ", ".join(f"{package} {about[package]}" for package in ("python", *PACKAGES) if package in about)
    return (
        f"{about['cores']} cores of {about['processor']}, {about['memory_gb']:.0f} GB, {about['system']}, "
        f"load {about['load']:.1f}; {versions}"
    )


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _load() -> float:
    """Processes that wanted to run in the last minute: well above the cores means that others were busy too."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0
