"""Commands: `flask serve`, `check`, `backup`, and in groups `flask site`, `account`, `import`, `audit`, `demo`."""

import random
import re
import sqlite3
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import select

from moderation import accounts, audit, backup, checks, markup, publishing, transfer
from moderation.cli.asking import Commands, account_by, site_by
from moderation.cli.people import account_group
from moderation.config import demo_origin
from moderation.db import clock, db, reading, writing
from moderation.models import Account, Role, Thread, Via
from moderation.models.pagekey import BadAddress, origin_of
from moderation.publishing import closing
from moderation.transfer import seeding, wordpress
from moderation.transfer.record import NotReadable, Record, Truncated

site_group = Commands("site", help="Sites: websites whose pages have threads.")
import_group = Commands("import", help="Bring comments in from elsewhere.")
audit_group = Commands("audit", help="The log and its proof.")
demo_group = Commands("demo", help="Made-up comments, to try a queue and to measure it.")

#: How `flask check` says how something stands.
WORDS = {checks.Verdict.OK: "ok", checks.Verdict.LOOK: "look", checks.Verdict.MEND: "MEND"}
#: Settings of a site that are on or off, and those that are lists: with commas here.
SWITCHES = ("require_second",)
LISTS = ("origins", "required", "watched_words", "watched_hosts")


def init_app(app: Flask) -> None:
    """Give the app its commands."""
    for command in (site_group, account_group, import_group, audit_group, demo_group, check, back_up, serve):
        app.cli.add_command(command)


@site_group.command("create")
@click.argument("key")
@click.option("--origin", "origins", multiple=True, required=True, help="As in https://example.org; may be repeated.")
@click.option("--name", help="Shown to people; default: the origin's host.")
@click.option("--owner", help="E-mail address of an account that owns it.")
def create_site(key: str, origins: tuple[str, ...], name: str | None, owner: str | None) -> None:
    """Add a site, with default reasons on digits 1 to 5."""
    _checked_key(key, at="KEY")
    try:
        clean = list(dict.fromkeys(origin_of(origin) for origin in origins))
    except BadAddress as error:
        raise click.BadParameter("an origin looks like https://example.org", param_hint="--origin") from error
    name = markup.tidy_name(name or urlsplit(clean[0]).netloc)
    if not 0 < len(name) <= 200:
        raise click.BadParameter("a name has 1 to 200 characters", param_hint="--name")
    account = account_by(owner) if owner else None
    try:
        site = accounts.create_site(key, name=name, origins=clean, now=clock(), via=Via.CLI)
    except accounts.Taken as error:
        raise click.ClickException(f"There is a site {key} already.") from error
    if account:
        accounts.grant(account, site, Role.OWNER, now=clock(), via=Via.CLI)
    db.session.commit()
    click.echo(f"Site {key} for {', '.join(clean)}.")
    if not account:
        click.echo(f"It has no owner yet: flask account create EMAIL --name NAME --owner-of {key} --password-stdin")


@site_group.command("set")
@click.argument("key")
@click.option("--name", help="Shown to people.")
@click.option("--origins", help="Where its pages are, with commas; in place of those it had, the main one first.")
@click.option("--locale", help="The language its visitors are spoken to in, as in pt_BR.")
@click.option("--accent", help="Its colour, as in #2c52a0.")
@click.option("--radius", type=int, help="Corners of fields and boxes, in pixels.")
@click.option("--page-size", type=int, help="Replies to the page itself in one part of a thread.")
@click.option("--close-days", type=int, help="Days after a page's first public reply at which it closes; 0 = never.")
@click.option("--max-comment", type=int, help="The most characters of a comment.")
@click.option("--require-second", type=click.Choice(["on", "off"]), help="Whether its staff need a second factor.")
@click.option("--required", help="Fields that must be filled, with commas: author,email,url; an empty text = none.")
@click.option("--proof", help="When a reply has to bring a proof of work: off, auto (while they flood in) or on.")
@click.option("--guidelines", help="What commenters read above the form; Markdown.")
@click.option("--target-hours", type=int, help="Hours within which a held reply should be decided.")
@click.option("--undo-seconds", type=int, help="Seconds in which a decision sends nothing that cannot be unsent.")
@click.option("--return-days", type=int, help="Days after which a reply returned to its author waits again.")
@click.option("--watched-words", help="Words a held reply is looked through for, with commas; casino* finds casinos.")
@click.option("--watched-hosts", help="Hosts whose links are noticed, with commas; those below them too.")
@click.option("--keep-network-days", type=int, help="Days the sender's network is known; 0 = for ever.")
@click.option("--keep-email-days", type=int, help="Days the address of a decided reply is known; 0 = for ever.")
@click.option("--keep-refused-days", type=int, help="Days the words of a refused reply are kept; 0 = for ever.")
def set_site(key: str, **given: str | int | None) -> None:
    """Change what a site looks like and asks for; known to the running server at once."""
    site = site_by(key)
    lists = {name: _split(value) for name in LISTS if isinstance(value := given[name], str)}
    switches = {name: value == "on" for name in SWITCHES if (value := given[name]) is not None}
    changes = accounts.Changes(**given | lists | switches)  # type: ignore[arg-type]
    try:
        changed = accounts.change_site(site, changes, now=clock(), via=Via.CLI)
    except accounts.BadValue as error:
        raise click.BadParameter(error.why, param_hint=f"--{error.setting.replace('_', '-')}") from error
    db.session.commit()
    click.echo(f"Site {key}: {', '.join(changed) or 'nothing'} changed.")


def _split(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


@site_group.command("close")
@click.argument("key")
@click.argument("url")
def close_page(key: str, url: str) -> None:
    """Let a page of the site take no more replies."""
    _set_closed(key, url, closed=True)


@site_group.command("open")
@click.argument("key")
@click.argument("url")
def open_page(key: str, url: str) -> None:
    """Let a page take replies again that was closed by hand."""
    _set_closed(key, url, closed=False)


def _set_closed(key: str, url: str, *, closed: bool) -> None:
    site = site_by(key)
    try:
        thread = closing.set_closed(site, url, closed=closed, now=clock(), via=Via.CLI)
    except BadAddress as error:
        origins = ", ".join(site.origins)
        raise click.BadParameter(f"not the address of a page on {origins}", param_hint="URL") from error
    db.session.commit()
    by_age = not closed and closing.is_closed(thread, site=site, now=clock())
    click.echo(f"{thread.page_key} is {'closed' if closed else 'still closed, by its age' if by_age else 'open'}.")


@import_group.command("wordpress")
@click.argument("file", type=click.File("rb"))
@click.option("--site", "key", required=True, help="Key of the site that gets the comments.")
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
def import_wordpress(file: BinaryIO, key: str, dry_run: bool) -> None:
    """Import a WordPress export (WXR); a second run adds nothing."""
    site, report, fault = site_by(key), transfer.Report(), None
    db.session.rollback()
    run = transfer.rehearse if dry_run else transfer.bring_in
    try:
        with reading() if dry_run else writing():
            for _ in run(wordpress.read(file), site=site, source="wordpress", now=clock(), report=report):
                db.session.commit()
                if not dry_run:
                    threading.Event().wait(transfer.GIVE_WAY)
    except (NotReadable, OSError) as error:
        raise click.ClickException(f"{file.name}: {error}") from error
    except Truncated as error:
        fault = f"{file.name}: {error}"
    click.echo("Dry run, nothing was stored." if dry_run else f"Imported into {key}.")
    for line in _told(report, origin=site.origins[0]):
        click.echo(line)
    if fault:
        raise click.ClickException(fault)


@audit_group.command("verify")
def verify() -> None:
    """Prove the log's chains, and that nothing is public without an approval."""
    proofs = audit.verify()
    for proof in proofs:
        forgotten = f", {proof.forgotten} forgotten" if proof.forgotten else ""
        whole = "broken" if proof.faults else "whole"
        click.echo(f"{proof.chain}: {proof.entries} entries{forgotten}, {whole}, head {proof.head[:16] or '-'}")
        for fault in proof.faults:
            click.echo(f"  {fault}")
    if any(proof.faults for proof in proofs):
        sys.exit(1)


@demo_group.command("seed")
@click.option("--comments", "held", type=click.IntRange(min=0), required=True, help="How many are to wait.")
@click.option("--decided", type=click.IntRange(min=0), help="How many are decided already; default: as many as wait.")
@click.option("--site", "key", default="seeded", show_default=True, help="Made if it is not there.")
@click.option("--seed", default=1, show_default=True, help="Another number makes other comments.")
def seed(held: int, decided: int | None, key: str, seed: int) -> None:
    """Fill a site that has no comments of its own with made-up ones."""
    _checked_key(key, at="--site")
    decided = held if decided is None else decided
    now, done = clock(), 0
    try:
        site = seeding.site_for(key, now=now)
    except seeding.NotEmpty as error:
        raise click.ClickException(f"Site {key} has comments already; made-up ones go to another --site.") from error
    chance = random.Random(seed)  # noqa: S311 - chatter, no secret
    for number in seeding.seed(site, held=held, decided=decided, now=now, chance=chance):
        db.session.commit()
        done += number
        click.echo(f"{done:>10,} of {held + decided:,}", err=True)
    db.session.commit()
    click.echo(f"Site {key}: {held:,} held and {decided:,} decided comments more.")


@click.command("check")
@with_appcontext
def check() -> None:
    """Check secrets, addresses, proxies, files, disk, database, clock and backup; say what to do."""
    findings = checks.run(current_app, now=clock())
    for finding in findings:
        click.echo(f"{WORDS[finding.verdict]:<4}  {finding.line}")
    if any(finding.verdict is checks.Verdict.MEND for finding in findings):
        sys.exit(1)


@click.command("backup")
@click.option("--keep", type=click.IntRange(min=1), default=7, show_default=True, help="How many are kept.")
@with_appcontext
def back_up(keep: int) -> None:
    """Copy a running installation on SQLite, with its secrets, into instance/backups/."""
    if (state := checks.schema_of(current_app)) is not None:
        raise click.ClickException(state)
    file = db.engine.url.database
    if db.engine.dialect.name != "sqlite" or file is None:
        raise click.ClickException("PostgreSQL is copied by pg_dump: see docs/operating.md.")
    try:
        made = backup.make(Path(file), instance=Path(current_app.config["INSTANCE_PATH"]), keep=keep, now=clock())
    except (backup.Broken, OSError, sqlite3.Error) as error:
        raise click.ClickException(f"No backup was made: {error}") from error
    click.echo(f"{made}")


@click.command("serve")
@with_appcontext
def serve() -> None:
    """Serve until stopped, with the worker in the same process group."""
    from moderation import serving

    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if (state := checks.schema_of(app)) is not None:
        raise click.ClickException(state)
    try:
        serving.claim_address(app.config["BIND"])
    except OSError as error:
        raise click.ClickException(f"Nothing can listen on {app.config['BIND']}: {error.strerror}.") from error
    lines = [f"Queue           {app.config['BASE_URL']}/queue/"]
    if app.config["DEMO"] and (origin := demo_origin(app.config["BASE_URL"])):
        seed_demo(origin)
        lines.insert(0, f"Demo article    {origin}/demo/mill-lane")
    if not accounts.any_account():
        code = accounts.start_code(app.config["SECRET_KEY"])
        lines.append(f"First owner     {app.config['BASE_URL']}/account/start?code={code}")
    db.session.rollback()
    db.session.remove()
    click.echo("\n" + "\n".join(lines) + "\n")
    serving.serve(app)


def seed_demo(origin: str) -> None:
    """Make the demo site, with some comments on its article, unless it is there."""
    if (site := accounts.site("demo")) is not None:
        if origin not in site.origins and all(demo_origin(each) for each in site.origins):
            # The port changed since: the article moved with it.
            site.origins = [origin]
            site.version += 1
            for thread in db.session.scalars(select(Thread).where(Thread.site_id == site.id)):
                thread.page_key = f"{urlsplit(origin).netloc}/{thread.page_key.partition('/')[2]}"
                publishing.follow(thread, now=clock())
            db.session.commit()
        return
    site = accounts.create_site("demo", name="The Harrow Vale Courier", origins=[origin], now=clock(), via=Via.CLI)
    site.accent = "#7a1f2b"
    for owner in db.session.scalars(select(Account)):
        accounts.grant(owner, site, Role.OWNER, now=clock(), via=Via.CLI)
    with (Path(transfer.__file__).parent / "demo" / "harrow-vale.xml").open("rb") as file:
        records = (
            replace(record, page=replace(record.page, url=f"{origin}/demo/mill-lane"))
            for record in wordpress.read(file)
            if isinstance(record, Record)
        )
        for _ in transfer.bring_in(records, site=site, source="wordpress", now=clock(), report=transfer.Report()):
            db.session.commit()


def _checked_key(key: str, *, at: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", key):
        raise click.BadParameter("a key has 1 to 40 of a-z 0-9 -", param_hint=at)


def _told(report: transfer.Report, *, origin: str) -> list[str]:
    """Say a report in lines, one a count."""
    words = {"approved": "published", "held": "held", "spam": "spam", "trash": "rejected (trash)"}
    lines = [f"{report.new[state]:>7}  {words[state]}" for state in words if report.new[state]]
    lines += [f"{number:>7}  {kind}s, counted apart and not imported" for kind, number in report.apart.items()]
    lines += [f"{number:>7}  left out: {why}" for why, number in report.broken.items()]
    lines += [f"{number:>7}  of them on pages of {host}, moved to {origin}" for host, number in report.moved.items()]
    if report.orphans:
        lines.append(f"{report.orphans:>7}  without their parent, kept at the top level")
    if report.here:
        lines.append(f"{report.here:>7}  here already, left as they are")
    return [f"{report.new.total():>7}  new", *lines]
