"""Import: one format per file, all through one `Record`, and through the same lifecycle as every other reply.

Locks stand in the order of the house: the site, comments, threads, the log's head, each in id order.
"""

import re
from collections import ChainMap, Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import ColumnElement, select, update

from moderation import lifecycle, markup, publishing
from moderation.db import db
from moderation.models import Action, Comment, Site, Thread, Via
from moderation.models.pagekey import BadAddress, ForeignPage, is_web_address, page_key
from moderation.transfer.forest import Forest, Place
from moderation.transfer.record import Broken, Fault, PageRecord, Record, State, Truncated
from moderation.transfer.record import Kind as RecordKind

#: Rows between two commits: the write lock is not held longer than about a second.
BATCH = 250
#: Seconds that its caller leaves to others between two of them: who held a lock last is often first to have it again.
GIVE_WAY = 0.05

#: How what was decided elsewhere is decided here; what was held there is held here.
DECIDED: dict[State, Action | None] = {
    State.APPROVED: Action.APPROVE,
    State.HELD: None,
    State.SPAM: Action.SPAM,
    State.TRASH: Action.REJECT,
}

#: What a number or name of a comment elsewhere may look like: it becomes part of an address here.
SOURCE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
#: Earlier than this nothing was commented on; PostgreSQL's and Python's calendars end at different days.
FIRST_YEAR = 1970


@dataclass
class Report:
    """What an import found and did, comment by comment counted."""

    new: Counter[str] = field(default_factory=Counter)
    here: int = 0
    #: What is no comment of a person, by its kind.
    apart: Counter[str] = field(default_factory=Counter)
    #: What could not be taken, by the reason.
    broken: Counter[str] = field(default_factory=Counter)
    #: Replies that stand at the top level because their parent is not there, or cannot stand above them.
    orphans: int = 0
    #: Comments on pages of hosts that are none of the site's: the pages keep their paths on its main origin.
    moved: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Page:
    """A page as it is called here."""

    of: PageRecord
    url: str
    key: str
    #: The host it stood on, where that is none of the site's.
    moved_from: str | None = None


@dataclass
class _Run:
    """What one import knows while it goes on."""

    site: Site
    source: str
    report: Report
    by: lifecycle.By
    #: Replies whose parents had not come yet: source id of child to that of its parent.
    late: dict[str, str] = field(default_factory=dict)
    #: Where comments stand that only a rehearsal knows of, by source id.
    rehearsed: dict[str, Place[str]] = field(default_factory=dict)
    latest: _Page | None = None


def bring_in(
    records: Iterable[Record | Broken], *, site: Site, source: str, now: datetime, report: Report
) -> Iterator[Report]:
    """Store what is new, yielding after every batch for the caller to commit.

    A second run adds nothing and changes nothing that is here, whatever was decided since. When the records break
    off (`Truncated`), what came before is stored, and the fault raised after the last yield.
    """
    run = _Run(site, source, report, lifecycle.By(via=Via.IMPORT, at=now, rule=source))
    broken_off: list[Truncated] = []
    for batch in _batches(_comments(records, report), broken_off):
        _one_at_a_time(site)
        _store(_fresh(batch, run), run)
        yield report
    late = iter(run.late.items())
    while pairs := dict(islice(late, BATCH)):
        _one_at_a_time(site)
        _join_late_parents(pairs, run)
        yield report
    for fault in broken_off:
        raise fault


def rehearse(
    records: Iterable[Record | Broken], *, site: Site, source: str, now: datetime, report: Report
) -> Iterator[Report]:
    """Report what `bring_in` would do, and store nothing; the caller ends the reading transaction at each yield."""
    run = _Run(site, source, report, lifecycle.By(via=Via.IMPORT, at=now, rule=source))
    broken_off: list[Truncated] = []
    for batch in _batches(_comments(records, report), broken_off):
        fresh = _fresh(batch, run)
        places = ChainMap(run.rehearsed, _places([record for record, _ in fresh], run))
        for record, page in fresh:
            parent = _parent(record, page, places, run)
            depth = places[parent].depth + 1 if parent else 0
            run.rehearsed[record.source_id] = Place(page.key, depth, parent)
            report.new[str(_state(record))] += 1
        yield report
    forest = Forest(_known_places({*run.late, *run.late.values()}, run) | run.rehearsed)
    report.orphans += sum(not forest.join(child, parent) for child, parent in run.late.items())
    yield report
    for fault in broken_off:
        raise fault


def _batches(comments: Iterator[Record], broken_off: list[Truncated]) -> Iterator[list[Record]]:
    """Cut the comments into batches; when they break off, the last batch is short, and the fault kept for later."""
    while not broken_off:
        batch: list[Record] = []
        try:
            for record in islice(comments, BATCH):
                batch.append(record)
        except Truncated as fault:
            broken_off.append(fault)
        if not batch:
            return
        yield batch


def _comments(records: Iterable[Record | Broken], report: Report) -> Iterator[Record]:
    """Count what cannot be taken and what is no comment, and pass on the rest."""
    for record in records:
        if isinstance(record, Broken):
            report.broken[str(record.why)] += 1
        elif record.kind is not RecordKind.COMMENT:
            report.apart[str(record.kind)] += 1
        elif not SOURCE_ID.fullmatch(record.source_id):
            report.broken[str(Fault.NO_ID)] += 1
        elif record.at.year < FIRST_YEAR:
            report.broken[str(Fault.NO_DATE)] += 1
        elif len(markup.tidy_name(record.author)) > 245:
            report.broken[str(Fault.TOO_LONG)] += 1
        else:
            yield record


def _one_at_a_time(site: Site) -> None:
    """Hold the site, as arrivals do: new threads and the places of comments cannot race."""
    db.session.execute(select(Site.id).where(Site.id == site.id).with_for_update(key_share=True))


def _fresh(batch: Sequence[Record], run: _Run) -> list[tuple[Record, _Page]]:
    """Leave out what is here already or comes twice in the file, and what stands on no page of a site."""
    here = set(_known([record.source_id for record in batch], run)) | run.rehearsed.keys()
    fresh: list[tuple[Record, _Page]] = []
    for record in batch:
        if record.source_id in here:
            run.report.here += 1
        elif (page := _page(record.page, run)) is None:
            run.report.broken[str(Fault.NO_PAGE)] += 1
        else:
            here.add(record.source_id)
            fresh.append((record, page))
            if page.moved_from:
                run.report.moved[page.moved_from] += 1
    return fresh


def _page(page: PageRecord, run: _Run) -> _Page | None:
    """Name a page as it is called here, None for what has no address."""
    # Records come page by page.
    if run.latest is None or run.latest.of != page:
        try:
            run.latest = _page_of(page, run.site)
        except BadAddress:
            return None
    return run.latest


def _page_of(page: PageRecord, site: Site) -> _Page:
    try:
        return _Page(page, page.url, page_key(page.url, site.origins))
    except ForeignPage:
        # The blog stood elsewhere: its pages keep their paths on the site's main origin.
        host, _, path = page_key(page.url, [page.url]).partition("/")
        url = f"{site.origins[0]}/{path}"
        return _Page(page, url, page_key(url, site.origins), moved_from=host)


def _store(fresh: Sequence[tuple[Record, _Page]], run: _Run) -> None:
    threads = _threads([page for _, page in fresh], run)
    comments = _known([record.parent_source_id or "" for record, _ in fresh], run)
    places = _places([record for record, _ in fresh], run)
    adoptions: list[lifecycle.Adoption] = []
    for record, page in fresh:
        parent = _parent(record, page, places, run)
        comment = _comment(record, threads[page.key], comments[parent] if parent else None, run)
        html = markup.render(record.text, markup.Format.HTML)
        words = lifecycle.Words(record.text, markup.Format.HTML, html, ())
        state = _state(record)
        adoptions.append(lifecycle.Adoption(comment, words, DECIDED[state]))
        comments[record.source_id] = comment
        places[record.source_id] = Place(page.key, comment.depth, parent)
        run.report.new[str(state)] += 1
    if adoptions:
        lifecycle.adopt(adoptions, by=run.by)
    publishing.follow_all(threads.values(), now=run.by.at)


def _state(record: Record) -> State:
    """Return the state a record is given here: approved on a page that is not public there is held here."""
    return State.HELD if record.state is State.APPROVED and not record.page.is_public else record.state


def _parent(record: Record, page: _Page, places: Mapping[str, Place[str]], run: _Run) -> str | None:
    """Return the parent a record stands below; None at the top level, counting why."""
    wanted = record.parent_source_id
    if wanted is None:
        return None
    place = places.get(wanted)
    if place is None:
        run.late[record.source_id] = wanted
        return None
    if place.page != page.key or place.depth >= Forest.MOST_DEPTH:
        run.report.orphans += 1
        return None
    return wanted


def _comment(record: Record, thread: Thread, parent: Comment | None, run: _Run) -> Comment:
    author = markup.tidy_name(record.author)
    email = _email(record.email or "")
    return Comment(
        thread=thread,
        site_id=run.site.id,
        parent=parent,
        depth=parent.depth + 1 if parent else 0,
        author=author,
        email=email,
        url=record.url if record.url and is_web_address(record.url) else "",
        author_key=(email or author).strip().casefold()[:320],
        # A clock that went wrong there keeps no comment above all others here.
        received_at=min(record.at, run.by.at),
        source=run.source,
        source_id=record.source_id,
        # Known to be none, which saves a query for each.
        revisions=[],
    )


def _email(given: str) -> str:
    """Return what can be written to; nothing else is kept."""
    return given if len(given) <= 320 and re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", given) else ""


def _known(ids: Collection[str], run: _Run) -> dict[str, Comment]:
    """Return those of these comments that are stored, by source id."""
    found = db.session.scalars(
        select(Comment).where(
            Comment.site_id == run.site.id, Comment.source == run.source, Comment.source_id.in_(sorted(ids))
        )
    )
    return {comment.source_id or "": comment for comment in found}


def _places(records: Iterable[Record], run: _Run) -> dict[str, Place[str]]:
    """Return where the parents of these records stand, as far as they are stored."""
    return _known_places({record.parent_source_id for record in records if record.parent_source_id}, run)


def _known_places(ids: Collection[str], run: _Run) -> dict[str, Place[str]]:
    rows = db.session.execute(
        select(Comment.source_id, Thread.page_key, Comment.depth)
        .join(Thread, Thread.id == Comment.thread_id)
        .where(Comment.site_id == run.site.id, Comment.source == run.source, Comment.source_id.in_(sorted(ids)))
    )
    # What is stored never stands below what is not, so the way up ends here.
    return {source_id: Place(key, depth, None) for source_id, key, depth in rows if source_id}


def _threads(pages: Sequence[_Page], run: _Run) -> dict[str, Thread]:
    """Find or open the pages' threads by page key, and hold them in id order before anything moves."""
    wanted = {page.key: page for page in pages}
    held = _held((Thread.site_id == run.site.id) & Thread.page_key.in_(sorted(wanted)))
    threads = {thread.page_key: thread for thread in held}
    for key, page in wanted.items():
        if key not in threads:
            threads[key] = Thread(site_id=run.site.id, page_key=key, url=page.url)
            db.session.add(threads[key])
    ids = {page.of.source_id[:100] for page in pages}
    taken = set(
        db.session.scalars(
            select(Thread.source_id).where(
                Thread.site_id == run.site.id, Thread.source == run.source, Thread.source_id.in_(sorted(ids))
            )
        )
    )
    for key, page in wanted.items():
        thread, source_id = threads[key], page.of.source_id[:100]
        if thread.source is None and source_id not in taken:
            taken.add(source_id)
            thread.source, thread.source_id = run.source, source_id
            thread.title = _title(page.of)
    db.session.flush()
    return threads


def _title(page: PageRecord) -> str | None:
    """Return the title the site gave its page; that of a draft is no more public than what was said below it."""
    title = markup.tidy_name(page.title or "")
    return title if title and len(title) <= 300 and page.is_public else None


def _join_late_parents(pairs: Mapping[str, str], run: _Run) -> None:
    """Put replies below parents that came after them; one whose parent never came, or stands below it, stays."""
    stored = select(Comment.source_id, Comment.id).where(
        Comment.site_id == run.site.id,
        Comment.source == run.source,
        Comment.source_id.in_(sorted({*pairs, *pairs.values()})),
    )
    ids = {source_id or "": id_ for source_id, id_ in db.session.execute(stored)}
    on = select(Comment.thread_id).where(Comment.id.in_([ids[child] for child in pairs]))
    rows = db.session.execute(
        select(Comment.id, Comment.thread_id, Comment.depth, Comment.parent_id)
        .where(Comment.thread_id.in_(on))
        .order_by(Comment.id)
        .with_for_update(of=Comment, key_share=True)
    )
    forest = Forest({id_: Place(thread_id, depth, parent) for id_, thread_id, depth, parent in rows})
    for child, parent in pairs.items():
        if not forest.join(ids[child], ids.get(parent)):
            run.report.orphans += 1
    moved = {id_: forest.places[id_] for id_ in sorted(forest.changed)}
    threads = _held(Thread.id.in_({place.page for place in moved.values()}))
    if moved:
        db.session.execute(
            update(Comment),
            [{"id": id_, "parent_id": place.parent, "depth": place.depth} for id_, place in moved.items()],
        )
    publishing.follow_all(threads, now=run.by.at)


def _held(which: ColumnElement[bool]) -> Sequence[Thread]:
    """Lock threads in id order."""
    return db.session.scalars(
        select(Thread)
        .where(which)
        .order_by(Thread.id)
        .with_for_update(of=Thread, key_share=True)
        .execution_options(populate_existing=True)
    ).all()
