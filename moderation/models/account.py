"""Who signs in, on which site with which role, by which proofs, who is invited, and the sessions kept on the server."""

from datetime import datetime
from enum import StrEnum

from flask_security import UserMixin
from sqlalchemy import ForeignKey, String, UniqueConstraint, false
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
    #: When somebody signed in; a new id for the same sign-in keeps it.
    created_at: Mapped[datetime]
    #: When something was last pressed, to the hour.
    used_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    #: The browser's family in words, and its network, shortened: for the account's own eyes, gone with the session.
    browser: Mapped[str] = mapped_column(String(60), default="")
    network: Mapped[str] = mapped_column(String(60), default="")


class Totp(Base):
    """The authenticator app of an account: codes by time."""

    __tablename__ = "totp"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    #: The shared secret, encrypted with a key from the instance folder.
    sealed: Mapped[str] = mapped_column(String(255))
    #: The step of time whose code was used last: no code counts twice.
    last_step: Mapped[int]
    created_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code for the day the other factor is lost; a used one is deleted."""

    __tablename__ = "recovery_code"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    #: Keyed with a key from the instance folder: the database alone opens nothing.
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)


class Passkey(Base):
    """A passkey: its public half."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    #: What the authenticator calls it, in base64url.
    credential: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[str]
    sign_count: Mapped[int]
    #: What its owner calls it.
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class UsedChallenge(Base):
    """A challenge that was answered: no answer counts twice."""

    __tablename__ = "used_challenge"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[datetime] = mapped_column(index=True)


class ResetLink(Base):
    """A link with which a new password is chosen, once; the database knows its hash."""

    __tablename__ = "reset_link"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), unique=True)
    until: Mapped[datetime]


class TeamIdentity(Base):
    """By which name a team's own sign-in knows an account."""

    __tablename__ = "team_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(500), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
