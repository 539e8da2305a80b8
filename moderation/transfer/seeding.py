"""A site filled with made-up comments, as many as one asks for: to try a queue, and to measure it.

The rows are those that arrivals and decisions leave behind, the log with its chain included, in few statements.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from random import Random

from sqlalchemy import func, select, text, update

from moderation import accounts, audit, lifecycle, search, triage
from moderation.db import Base, db
from moderation.lifecycle.moving import MOST_HOSTS, MOST_VALUE, shape
from moderation.markup import Format, host_of, link_hosts
from moderation.models import (
    Account,
    Action,
    Comment,
    Entry,
    Kind,
    Membership,
    Revision,
    Role,
    Site,
    Status,
    Thread,
    Trait,
    TraitKind,
    Via,
)
from moderation.models.pagekey import page_key
from moderation.statements import insert_rows
from moderation.transfer import chatter

#: Comments between two commits.
BATCH = 5_000
#: Arrivals are spread over this long.
SPAN = timedelta(days=30)
#: What the entry says that marks a site as made for this.
MARK = "seeding"
#: One page for so many comments, but no more than this; one author for so many.
PER_PAGE, MOST_PAGES, PER_AUTHOR = 100, 10_000, 4
#: One comment in so many is an advertisement, one an answer to a public one.
ADVERTS_EVERY, ANSWERS_EVERY, MOST_DEPTH = 12, 6, 8
#: The presses of one moderator decide about so many.
PER_PRESS = 4


class NotEmpty(Exception):
    """The site has comments of its own."""


@dataclass(frozen=True)
class _Page:
    thread_id: int
    words: str


@dataclass
class _Run:
    """What one run knows while it goes on."""

    site_id: int
    chance: Random
    pages: Sequence[_Page]
    #: Who decides, with the reasons there are.
    staff: Sequence[int]
    reasons: Sequence[int]
    authors: int
    now: datetime
    #: The public comment that was stored last on each page, with its depth: answers go there.
    public: dict[int, tuple[int, int]] = field(default_factory=dict)
    #: How often those advertisements were sent that are always the same.
    sent: dict[str, int] = field(default_factory=lambda: dict.fromkeys(chatter.slogans(), 0))


@dataclass(frozen=True)
class _Made:
    """One comment before it is stored."""

    page: _Page
    author: chatter.Author
    text: chatter.Text
    findings: Sequence[dict[str, object]]
    at: datetime
    action: Action | None
    answers: bool


def site_for(key: str, *, now: datetime) -> Site:
    """Return the site, one made for this if there is none, owned by everybody who can sign in. Raises `NotEmpty`."""
    site = accounts.site(key)
    if site is None:
        site = accounts.create_site(key, name=key, origins=[f"https://{key}.example"], now=now, via=Via.CLI)
        mark = audit.Event(Kind.SETTING, Action.CREATE, f"site:{site.id}", Via.CLI, now, site_id=site.id, rule=MARK)
        audit.record(mark)
        for account in db.session.scalars(select(Account)):
            accounts.grant(account, site, Role.OWNER, now=now, via=Via.CLI)
    elif (
        not _is_ours(site) and db.session.scalars(select(Comment.id).where(Comment.site_id == site.id).limit(1)).first()
    ):
        raise NotEmpty
    return site


def seed(site: Site, *, held: int, decided: int, now: datetime, chance: Random) -> Iterator[int]:
    """Store so many held and so many decided comments, yielding how many after each batch for the caller to commit.

    The site's staff decide; on a site without any a rule does. The same chance gives the same comments; only the salts
    of the log are new each time.
    """
    total = held + decided
    _one_at_a_time(site)
    pages = _pages(site, max(1, min(MOST_PAGES, total // PER_PAGE)))
    staff = (
        select(Membership.account_id)
        .where(Membership.site_id == site.id, Membership.role != Role.READER)
        .order_by(Membership.account_id)
    )
    reasons = [reason.id for reason in site.active_reasons]
    authors = max(10, total // PER_AUTHOR)
    run = _Run(site.id, chance, pages, db.session.scalars(staff).all(), reasons, authors, now)
    made = _made(run, held=held, decided=decided)
    while batch := list(islice(made, BATCH)):
        _one_at_a_time(site)
        _store(batch, run)
        yield len(batch)


def _is_ours(site: Site) -> bool:
    # The mark follows the entry of the site's making.
    first = select(Entry.rule).where(Entry.site_id == site.id).order_by(Entry.id).limit(2)
    return MARK in db.session.scalars(first).all()


def _one_at_a_time(site: Site) -> None:
    """Hold the site, as arrivals do."""
    db.session.execute(select(Site.id).where(Site.id == site.id).with_for_update(key_share=True))


def _pages(site: Site, number: int) -> list[_Page]:
    """Find or open so many pages."""
    urls = [f"{site.origins[0]}/{chatter.place(each)}/{each}" for each in range(number)]
    keys = {page_key(url, site.origins): url for url in urls}
    here = dict(db.session.execute(select(Thread.page_key, Thread.id).where(Thread.site_id == site.id)).all())
    new = [key for key in keys if key not in here]
    rows: list[Mapping[str, object]] = [
        {"id": id_, "site_id": site.id, "page_key": key, "url": keys[key]}
        for id_, key in zip(_numbers(Thread, len(new)), new, strict=True)
    ]
    insert_rows(Thread, rows)
    here |= {str(row["page_key"]): int(str(row["id"])) for row in rows}
    return [_Page(here[key], " ".join(search.words(key))) for key in keys]


def _made(run: _Run, *, held: int, decided: int) -> Iterator[_Made]:
    """Make the comments in the order of their arrival, held and decided ones among each other."""
    total, chance = held + decided, run.chance
    for number in range(total):
        at = run.now - SPAN + SPAN * ((number + chance.random()) / total)
        is_decided = chance.random() * (total - number) < decided
        decided -= is_decided
        # A few pages and a few authors have most of them; the tail is long.
        page = run.pages[int(len(run.pages) * chance.random() ** 2)]
        author = chatter.author(int(run.authors * chance.random() ** 4))
        is_advert = not chance.randrange(ADVERTS_EVERY)
        said = chatter.advert(chance) if is_advert else chatter.text(chance, author.language)
        yield _Made(
            page=page,
            author=author,
            text=said,
            findings=_findings(said, author, run),
            at=at,
            action=_action(chance, is_advert=is_advert) if is_decided else None,
            answers=not chance.randrange(ANSWERS_EVERY),
        )


def _findings(said: chatter.Text, author: chatter.Author, run: _Run) -> list[dict[str, object]]:
    alike = run.sent.get(said.source, 0)
    if said.source in run.sent:
        run.sent[said.source] += 1
    written_in = run.chance.choice((1.2, 8.0, 40.0, 95.0))
    evidence = triage.Evidence(html=said.html, url=author.url, alike=alike, written_in=written_in)
    return [finding.stored() for finding in triage.examine(evidence)]


def _action(chance: Random, *, is_advert: bool) -> Action:
    if is_advert:
        return Action.SPAM
    return chance.choices((Action.APPROVE, Action.REJECT, Action.SPAM), weights=(75, 22, 3))[0]


def _store(batch: Sequence[_Made], run: _Run) -> None:
    comment_ids = _numbers(Comment, len(batch))
    revision_ids = _numbers(Revision, len(batch))
    comments: list[Mapping[str, object]] = []
    revisions: list[Mapping[str, object]] = []
    traits: list[Mapping[str, object]] = []
    events: list[audit.Event] = []
    for made, comment_id, revision_id in zip(batch, comment_ids, revision_ids, strict=True):
        comments.append(_comment(made, comment_id, run))
        revisions.append(_revision(made, comment_id, revision_id, run))
        traits += _traits(made, revision_id, run)
        events += _events(made, comment_id, revision_id, run)
        if made.action is Action.APPROVE:
            run.public[made.page.thread_id] = (comment_id, int(str(comments[-1]["depth"])))
    insert_rows(Comment, comments)
    insert_rows(Revision, revisions)
    insert_rows(Trait, traits)
    search.keep_words(
        {
            id_: f"{made.text.words} {made.author.words} {made.page.words}"
            for made, id_ in zip(batch, revision_ids, strict=True)
        }
    )
    touched = {made.page.thread_id for made in batch if made.action is Action.APPROVE}
    db.session.execute(
        update(Thread)
        .where(Thread.id.in_(touched))
        .values(version=Thread.version + 1)
        .execution_options(synchronize_session=False)
    )
    audit.record_rows(events)


def _comment(made: _Made, id_: int, run: _Run) -> dict[str, object]:
    parent, depth = run.public.get(made.page.thread_id, (None, 0)) if made.answers else (None, 0)
    below = parent is not None and depth < MOST_DEPTH
    return {
        "id": id_,
        "thread_id": made.page.thread_id,
        "site_id": run.site_id,
        "parent_id": parent if below else None,
        "depth": depth + 1 if below else 0,
        "anchor": f"comment-{id_}",
        "author": made.author.name,
        "email": made.author.email,
        "url": made.author.url,
        "author_key": made.author.key,
        "received_at": made.at,
        "network": made.author.network,
    }


def _revision(made: _Made, comment_id: int, id_: int, run: _Run) -> dict[str, object]:
    return {
        "id": id_,
        "comment_id": comment_id,
        "site_id": run.site_id,
        "thread_id": made.page.thread_id,
        "author_key": made.author.key,
        "network": made.author.network,
        "number": 1,
        "source": made.text.source,
        "format": Format.MARKDOWN,
        "html": made.text.html,
        "text_hash": lifecycle.fingerprint(made.text.html),
        "shape": shape(made.text.html),
        "status": lifecycle.TRANSITIONS[made.action][1] if made.action else Status.PENDING,
        "turn": 1 if made.action else 0,
        "waiting_since": made.at,
        "submitted_at": made.at,
        "findings": made.findings,
    }


def _traits(made: _Made, revision_id: int, run: _Run) -> list[Mapping[str, object]]:
    """List what the lifecycle lists a text by."""
    hosts = link_hosts(made.text.html)[:MOST_HOSTS] if "://" in made.text.source else []
    hosts += [host_of(made.author.url)] if made.author.url else []
    found = {(TraitKind.FINDING, str(finding["code"])) for finding in made.findings}
    found |= {(TraitKind.HOST, host[:MOST_VALUE]) for host in hosts}
    return [
        {"revision_id": revision_id, "site_id": run.site_id, "kind": kind, "value": value}
        for kind, value in sorted(found)
    ]


def _events(made: _Made, comment_id: int, revision_id: int, run: _Run) -> Iterator[audit.Event]:
    """Say what happened: that it came, and what was decided some hours later."""
    arrived = audit.Event(
        kind=Kind.ARRIVAL,
        action=Action.SUBMIT,
        subject=f"comment:{comment_id}",
        via=Via.FORM,
        at=made.at,
        site_id=run.site_id,
        revision_id=revision_id,
        to_status=Status.PENDING,
        turn=0,
        words=(made.text.source, made.text.html, made.author.name, made.author.url, made.author.email, ""),
    )
    yield arrived
    if made.action is None:
        return
    press = revision_id // PER_PRESS
    yield replace(
        arrived,
        kind=Kind.DECISION,
        action=made.action,
        via=Via.QUEUE,
        at=min(run.now, made.at + timedelta(hours=run.chance.expovariate(0.5))),
        from_status=Status.PENDING,
        to_status=lifecycle.TRANSITIONS[made.action][1],
        turn=1,
        reason_id=run.chance.choice(run.reasons) if made.action is Action.REJECT and run.reasons else None,
        account_id=run.staff[press % len(run.staff)] if run.staff else None,
        rule=None if run.staff else MARK,
        batch=f"{MARK}-{press}",
        words=(),
    )


def _numbers(of: type[Base], number: int) -> list[int]:
    """Take the next numbers of a table's rows; on SQLite nobody else writes meanwhile."""
    if db.session.get_bind().dialect.name == "postgresql":
        taken = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :number)")
        return sorted(db.session.scalars(taken, {"table": of.__tablename__, "number": number}))
    # A number is never used twice, not even that of a row that is gone.
    kept = text("SELECT max(seq) FROM sqlite_sequence WHERE name = :table")
    last = (
        db.session.scalar(kept, {"table": of.__tablename__})
        or db.session.scalar(select(func.max(of.__table__.c["id"])))
        or 0
    )
    return list(range(last + 1, last + 1 + number))
