"""Commands about people: `flask account`."""

import sys
from itertools import combinations

import click
from email_validator import EmailNotValidError, validate_email
from flask import current_app

from moderation import accounts, markup
from moderation.accounts import invitations, people, resets
from moderation.cli import rescue
from moderation.cli.asking import Commands, account_by, site_by
from moderation.db import clock, db
from moderation.models import Account, Role, Site, Via

account_group = Commands("account", help="Accounts: people who sign in.")

SITE = click.option("--site", "key", required=True, help="Key of the site.")
ROLE = click.Choice([str(role) for role in Role])


@account_group.command("create")
@click.argument("email")
@click.option("--name", default="", help="Colleagues see it beside decisions.")
@click.option("--owner-of", multiple=True, help="Key of a site; may be repeated.")
@click.option("--moderator-of", multiple=True, help="Key of a site; may be repeated.")
@click.option("--reader-of", multiple=True, help="Key of a site; may be repeated.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create_account(
    email: str,
    name: str,
    owner_of: tuple[str, ...],
    moderator_of: tuple[str, ...],
    reader_of: tuple[str, ...],
    password_stdin: bool,
) -> None:
    """Add an account, or give one that is there a role."""
    keys = {Role.OWNER: set(owner_of), Role.MODERATOR: set(moderator_of), Role.READER: set(reader_of)}
    for more, less in combinations(keys, 2):
        if both := keys[more] & keys[less]:
            raise click.UsageError(f"{more.title()} of {both.pop()} is {less} there too: give one of the two.")
    # One site after the other by number, as everybody holds them.
    roles = sorted(((site_by(key), role) for role in keys for key in keys[role]), key=lambda each: each[0].id)
    account = accounts.find(email)
    if account is None:
        account = _new_account(email, name=name, password_stdin=password_stdin)
    else:
        click.echo(f"{account.email} has an account already; name and password stay.")
    for site, role in roles:
        _granted(account, site, role)
    db.session.commit()
    given = ", ".join(f"{role} of {site.key}" for site, role in roles)
    click.echo(f"{account.email}: {given or 'no role given'}")


@account_group.command("list")
@click.option("--site", "key", help="Key of a site: only who works there.")
def list_accounts(key: str | None) -> None:
    """List accounts with their roles."""
    only = site_by(key) if key else None
    for account in accounts.everybody():
        here = [each for each in account.memberships if only is None or each.site_id == only.id]
        if only and not here:
            continue
        roles = [f"{each.role} of {each.site.key}" for each in sorted(here, key=lambda each: each.site.key)]
        marks = ["operator"] * account.operator + ["blocked"] * (not account.active)
        click.echo(f"{account.email}  {account.name}  {', '.join(marks + roles) or 'no role'}")


@account_group.command("role")
@click.argument("email")
@click.argument("role", type=ROLE)
@SITE
def give_role(email: str, role: str, key: str) -> None:
    """Give an account a role on a site, in place of the one it has there."""
    account, site = account_by(email), site_by(key)
    _granted(account, site, Role(role))
    db.session.commit()
    click.echo(f"{account.email}: {role} of {site.key}")


@account_group.command("remove")
@click.argument("email")
@SITE
def remove(email: str, key: str) -> None:
    """Take an account's role on a site away; the account stays."""
    account, site = account_by(email), site_by(key)
    try:
        people.remove(account.id, site, now=clock(), via=Via.CLI)
    except people.Unknown as error:
        raise click.ClickException(f"{account.email} has no role on {site.key}.") from error
    except people.LastOwner as error:
        raise _last_owner(site) from error
    db.session.commit()
    click.echo(f"{account.email}: nothing of {site.key} any more")


@account_group.command("invite")
@SITE
@click.option("--role", type=ROLE, default=str(Role.MODERATOR), show_default=True)
@click.option("--email", default="", help="The link is then good for this address alone.")
def invite(key: str, role: str, email: str) -> None:
    """Make a link by which somebody joins a site; it is printed this once."""
    if email:
        _checked(email, at="--email")
    try:
        made, token = invitations.invite(site_by(key), Role(role), email=email, now=clock(), via=Via.CLI)
    except invitations.TooMany as error:
        raise click.ClickException(f"{invitations.MOST_OPEN} invitations are open already: take some back.") from error
    db.session.commit()
    click.echo(f"{current_app.config['BASE_URL']}/invitations/{token}")
    click.echo(f"Good once, until {made.expires_at:%Y-%m-%d %H:%M} UTC.", err=True)


@account_group.command("operator")
@click.argument("email")
@click.argument("to", type=click.Choice([str(one) for one in accounts.Operator]))
def set_operator(email: str, to: str) -> None:
    """Let an account run the installation: it may on every site what an owner may."""
    account = account_by(email)
    accounts.set_operator(account, accounts.Operator(to), now=clock(), via=Via.CLI)
    db.session.commit()
    click.echo(f"{account.email}: operator {to}")


@account_group.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, required=True, help="Read the password from standard input.")
def set_password(email: str, password_stdin: bool) -> None:
    """Give an account another password, and sign it out everywhere."""
    known = account_by(email)
    hashed = _new_password(email=known.email, name=known.name)
    account = account_by(email)
    resets.change_password(account, password_hash=hashed, rule="password", now=clock(), via=Via.CLI)
    db.session.commit()
    click.echo(f"{account.email}: new password, signed out everywhere")


@account_group.command("reset")
@click.argument("email")
def reset_password(email: str) -> None:
    """Print a link with which a new password is chosen: good once, for an hour."""
    rescue.reset(email)


@account_group.command("factors")
@click.argument("email")
@click.option("--remove", is_flag=True, help="Remove them all, for somebody who has lost them; ends every session.")
def second_factors(email: str, remove: bool) -> None:
    """Say which second factors an account has, or remove them."""
    rescue.second_factors(email, remove=remove)


def _granted(account: Account, site: Site, role: Role) -> None:
    try:
        accounts.grant(account, site, role, now=clock(), via=Via.CLI)
    except accounts.LastOwner as error:
        raise _last_owner(site) from error


def _last_owner(site: Site) -> click.ClickException:
    db.session.rollback()
    return click.ClickException(f"{site.key} has no other owner: make somebody else one first.")


def _new_account(email: str, *, name: str, password_stdin: bool) -> Account:
    _checked(email, at="EMAIL")
    if not password_stdin:
        raise click.UsageError("A new account needs a password: give it on standard input with --password-stdin.")
    name = markup.tidy_name(name or email.partition("@")[0])
    if not 0 < len(name) <= 100 or markup.unprintable(name):
        raise click.BadParameter("a name has 1 to 100 characters", param_hint="--name")
    hashed = _new_password(email=email, name=name)
    return accounts.create_account(email, name=name, password_hash=hashed, now=clock(), via=Via.CLI)


def _checked(email: str, *, at: str) -> None:
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError as error:
        raise click.BadParameter(str(error), param_hint=at) from error


def _new_password(*, email: str, name: str) -> str:
    """Read a new password from standard input, and hash it."""
    try:
        password = sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.ClickException("The password is not in UTF-8.") from error
    if fault := accounts.password_fault(password, email=email, name=name):
        raise click.ClickException(
            f"The password is {fault}: it needs {accounts.LEAST_PASSWORD} to {accounts.MOST_PASSWORD} characters, "
            "and not to be easily guessed."
        )
    # Hashing takes long: not while other writers wait.
    db.session.rollback()
    return accounts.hashed(password)
