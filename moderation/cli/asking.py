"""What commands share: the database they need, and the sites and accounts they are told of."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from moderation import accounts, checks
from moderation.models import Account, Site


class Commands(AppGroup):
    """Commands that need the database, and say so in a sentence where it is not there or not up to date."""

    def command(self, name: str) -> Callable[[Callable[..., None]], click.Command]:  # type: ignore[override]
        """Add a command to the group."""
        add = super().command(name)
        return lambda function: add(_with_database(function))


P = ParamSpec("P")


def _with_database(function: Callable[P, None]) -> Callable[P, None]:
    @wraps(function)
    def asked(*args: P.args, **kwargs: P.kwargs) -> None:
        if (state := checks.schema_of(current_app)) is not None:
            raise click.ClickException(state)
        try:
            function(*args, **kwargs)
        except DBAPIError as error:
            raise click.ClickException(f"The database refused: {str(error.orig).strip().splitlines()[0]}") from error

    return asked


def site_by(key: str) -> Site:
    """Return a site by its key, or say that there is none."""
    site = accounts.site(key)
    if site is None:
        raise click.ClickException(f"There is no site {key}. Add it with: flask site create {key} --origin URL")
    return site


def account_by(email: str) -> Account:
    """Return an account by its address, or say that there is none."""
    account = accounts.find(email)
    if account is None:
        raise click.ClickException(f"There is no account {email}.")
    return account
