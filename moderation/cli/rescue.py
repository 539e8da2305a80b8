"""Commands for people who cannot sign in: a link for a new password, and the end of factors that are lost."""

import click
from flask import current_app

from moderation.accounts import factors, resets, sessions
from moderation.cli.asking import account_by
from moderation.db import clock, db
from moderation.models import Via


def reset(email: str) -> None:
    """Print a link with which a new password is chosen: good once, for an hour."""
    account = account_by(email)
    token = resets.make(account, now=clock(), via=Via.CLI)
    db.session.commit()
    click.echo(f"{current_app.config['BASE_URL']}/account/reset/{token}")
    click.echo(f"Good once, for one hour, for {account.email}. Whoever has it can take the account over.", err=True)


def second_factors(email: str, *, remove: bool) -> None:
    """Say which second factors an account has; with --remove, remove them all and end its sessions."""
    account = account_by(email)
    if not remove:
        known = factors.of(account)
        click.echo(f"authenticator app  {'yes' if known.totp else 'no'}")
        click.echo(f"passkeys           {', '.join(each.name for each in known.passkeys) or 'none'}")
        click.echo(f"recovery codes     {known.codes} left")
        return
    number = factors.remove_all(account, now=clock())
    sessions.end_all(account)
    db.session.commit()
    click.echo(f"{number} second factors of {account.email} are removed, and its sessions ended.")
