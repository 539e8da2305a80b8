"""Who signs in, on which site with which role, who is invited, and the sessions kept on the server."""

from datetime import datetime
from enum import StrEnum

from flask_security import UserMixin
from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base
from moderation.models.comment import closed_set
from moderation.models.site import Site


class Role(StrEnum):
    """What an account may do on a site, least first; each may all that the one before it may."""

    READER = "reader"
    MODERATOR = "moderator"
    OWNER = "owner"


class Account(Base, UserMixin):
    """A person who signs in."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Folded to lower case; one account an address.
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password: Mapped[str] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    #: Changing it ends every session of the account.
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    #: Runs the installation: may on every site what an owner may.
    operator: Mapped[bool] = mapped_column(default=False, server_default=false())

    memberships: Mapped[list["Membership"]] = relationship(back_populates="account")

    # flask-security asks for roles that hold everywhere. There are none: ours stand per site in Membership.
    roles = []  # noqa: RUF012 - the base says list; nothing ever fills it


class Membership(Base):
    """One account's role on one site."""

    __tablename__ = "membership"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True, index=True)
    role: Mapped[Role] = mapped_column(closed_set(Role))

    account: Mapped[Account] = relationship(back_populates="memberships")
    site: Mapped[Site] = relationship()


class Invitation(Base):
    """A role on a site for whoever opens a link, once; the database knows the link's hash alone."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    role: Mapped[Role] = mapped_column(closed_set(Role))
    #: For this address alone; empty: for whoever has the link.
    email: Mapped[str] = mapped_column(String(320), default="")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    #: Null: the command line.
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    revoked_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship()
    invited_by: Mapped[Account | None] = relationship(foreign_keys=[invited_by_id])


class WebSession(Base):
    """A session; the browser holds its id, the database only the id's hash."""

    __tablename__ = "web_session"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[str | None] = mapped_column(String(64), index=True)
    data: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
