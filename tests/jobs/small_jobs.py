"""Jobs that take no time, in a module that Ray's workers can import."""

from dataclasses import dataclass
from pathlib import Path

from hemo.errors import RunError
from hemo.jobs.job import UNFINISHED, Stop


@dataclass(frozen=True)
class SmallJob:
    """Notes in a file that it was worked on; fails or asks for another turn where told to."""

    name: str
    folder: Path
    error: str = ""
    turns: int = 1
    trains: bool = False

    def ask_to_stop(self) -> None:
        (self.folder / f"{self.name}.stop").touch()

    def work(self, stop: Stop) -> str:
        notes = self.folder / self.name
        done = len(notes.read_text().splitlines()) + 1 if notes.exists() else 1
        with notes.open("a") as file:
            file.write("worked\n")
        if self.error == "bug":
            raise ZeroDivisionError("made up")
        if self.error:
            raise RunError(self.error)
        return self.name if done >= self.turns else UNFINISHED
