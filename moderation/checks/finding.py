"""What a check says: how it stands, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How something stands."""

    OK = "ok"
    #: Somebody should look at it; it may be meant so.
    LOOK = "look"
    MEND = "mend"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it stands, a sentence, and what to do where it is not fine."""

    verdict: Verdict
    text: str
    do: str = ""

    @property
    def line(self) -> str:
        """Say all of it on one line."""
        return f"{self.text}: {self.do}" if self.do else self.text
