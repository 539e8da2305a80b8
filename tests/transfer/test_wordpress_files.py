"""Real exports, read whole: what is in them is what is found."""

from collections import Counter
from pathlib import Path

import pytest

from moderation.transfer import wordpress
from moderation.transfer.record import Broken, Kind, NotReadable, Record, State, Truncated

HERE = Path(__file__).parent
DEMO = Path(wordpress.__file__).parent / "demo" / "harrow-vale.xml"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def read(path: Path) -> list[Record | Broken]:
    with path.open("rb") as stream:
        return list(wordpress.read(stream))


def shared(folder: str) -> list[Path]:
    """Other people's files, where they are at hand; none of them is ours to pass on."""
    found = sorted(path for path in (SHARED / folder).glob("*.x*") if path.is_file())
    missing = pytest.mark.skip(reason=f"shared/data/{folder} is not here")
    return found or [pytest.param(None, marks=missing)]  # type: ignore[list-item]


def by_name(path: Path | None) -> str:
    return path.name if path else "missing"


@pytest.mark.parametrize("path", shared("wxr_wptt"), ids=by_name)
def test_the_theme_unit_test_is_read_to_the_last_comment(path: Path) -> None:
    expected = {
        "theme-preview.xml": {(State.APPROVED, Kind.COMMENT): 2},
        "themeunittestdata.wordpress.xml": {
            (State.APPROVED, Kind.COMMENT): 25,
            (State.HELD, Kind.COMMENT): 3,
            (State.APPROVED, Kind.TRACKBACK): 2,
            (State.APPROVED, Kind.PINGBACK): 2,
        },
    }
    rows = read(path)
    assert Counter((row.state, row.kind) for row in rows if isinstance(row, Record)) == expected[path.name]
    assert not [row for row in rows if isinstance(row, Broken)]


@pytest.mark.parametrize("path", shared("wxr_wordpress_importer"), ids=by_name)
def test_every_file_of_wordpress_own_tests_is_read_or_refused_in_words(path: Path) -> None:
    expected: dict[str, type[Exception]] = {
        "crazy-cdata.xml": Truncated,
        "malformed-simple.xml": Truncated,
        "malformed.xml": NotReadable,
    }
    if path.name in expected:
        with pytest.raises(expected[path.name]):
            read(path)
    else:
        assert len(read(path)) == path.read_bytes().count(b"<wp:comment>")


@pytest.mark.parametrize("path", shared("wxr_hippo-jessy"), ids=by_name)
def test_an_export_made_for_disqus_is_read_by_the_address_of_its_pages(path: Path) -> None:
    records = [row for row in read(path) if isinstance(row, Record)]
    assert len(records) == 12
    assert sum(row.parent_source_id is not None for row in records) == 4
    assert all(row.page.source_id == row.page.url for row in records)


@pytest.mark.parametrize("path", shared("xml_bombs"), ids=by_name)
def test_no_bomb_goes_off(path: Path) -> None:
    with pytest.raises(NotReadable):
        read(path)
