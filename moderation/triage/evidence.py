"""What a check gets to see, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """What one check noticed; its words are made when it is shown (`triage.describe`)."""

    code: str
    values: dict[str, str | int] = field(default_factory=dict)

    def stored(self) -> dict[str, object]:
        """Return it as kept beside the revision."""
        return {"code": self.code, "values": self.values}


@dataclass(frozen=True)
class Watch:
    """What the site's owner watches for, and what is looked through beside the text."""

    words: Sequence[str] = ()
    hosts: Sequence[str] = ()
    author: str = ""
    website: str = ""


@dataclass(frozen=True)
class Evidence:
    """One reply about to be held."""

    html: str
    url: str
    #: Other revisions on the site with the same words.
    alike: int
    #: Public text that an edit would replace.
    replaces: str | None = None
    #: Whether the field that people do not see was filled.
    trapped: bool = False
    #: Seconds between our form's rendering and its sending; None: it carried no mark of ours.
    written_in: float | None = None
    #: Whether a proof of work was asked for and not given: it was confirmed by hand.
    unproven: bool = False
    #: Whether a mark could be expected at all: an edit from the receipt carries none.
    from_form: bool = True
    #: The name it came under, and the names of those who moderate the site.
    author: str = ""
    staff: Sequence[str] = ()
    watch: Watch = Watch()
