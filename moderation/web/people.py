"""A site's people: who works there, as what; roles, leaving, invitations. Owners change, everybody may leave."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField, ValidationError

from moderation import accounts, markup
from moderation.accounts import Right, invitations, people
from moderation.db import db
from moderation.models import Account, Role, Site, Via
from moderation.web import answers, guards, reauth, roles, sessions
from moderation.web.accountforms import refuse_no_address

bp = Blueprint("people", __name__)
bp.before_request(guards.signed_in)
#: One's own sites: who looks at them changes nobody.
OPEN = "people.mine"

#: What an address may be long.
MOST_EMAIL = 320


class InvitationForm(FlaskForm):
    """Whom to invite, as what; without an address whoever has the link."""

    role = StringField()
    email = StringField()

    def validate_role(self, field: StringField) -> None:
        """Refuse what is no role."""
        if role_in(field.data) is None:
            raise ValidationError(gettext("Choose reader, moderator or owner."))

    def validate_email(self, field: StringField) -> None:
        """Refuse what is no address; none at all is fine."""
        field.data = (field.data or "").strip().lower()
        if len(field.data) > MOST_EMAIL or markup.unprintable(field.data):
            field.data = ""
            raise ValidationError(gettext("An address looks like name@example.org."))
        if field.data:
            refuse_no_address(field)


@bp.before_request
def _fresh() -> None:
    """Ask who is about to change people for a fresh proof; at the page already, so that nothing typed is lost."""
    if request.endpoint != OPEN:
        key = (request.view_args or {})["key"]
        reauth.require_fresh(back=url_for(OPEN) if request.endpoint == "people.leave" else url_for(".index", key=key))


@bp.get("/settings/<site:key>/people")
def index(key: str) -> AnyResponse:
    """List who works on a site, and who is invited."""
    site, told = roles.site_to(Right.MANAGE, key), sessions.told()
    response = make_response(_page(site, InvitationForm(data={"role": Role.MODERATOR}), said=told))
    if told:
        sessions.forget_told(response)
    return response


@bp.post("/settings/<site:key>/people/<id:account_id>/role")
def change(key: str, account_id: int) -> AnyResponse:
    """Give somebody another role."""
    site, role = roles.site_to(Right.MANAGE, key), role_in(request.form.get("role"))
    if role is None:
        return answers.error_page(422, gettext("Nothing was changed"), gettext("Choose reader, moderator or owner."))
    changed = people.change(account_id, site, role, now=guards.clock(), via=Via.WEB, by=guards.account())
    db.session.commit()
    return _back(site, "role", changed, role=str(role))


@bp.post("/settings/<site:key>/people/<id:account_id>/remove")
def remove(key: str, account_id: int) -> AnyResponse:
    """Take somebody's role away."""
    site = roles.site_to(Right.MANAGE, key)
    gone = people.remove(account_id, site, now=guards.clock(), via=Via.WEB, by=guards.account())
    db.session.commit()
    return _back(site, "removed", gone)


@bp.post("/settings/<site:key>/people/invitations")
def invite(key: str) -> AnyResponse:
    """Make an invitation, and show its link: this once, so the answer is the page itself."""
    site, form = roles.site_to(Right.MANAGE, key), InvitationForm()
    if not form.validate():
        return make_response(_page(site, form), 422)
    role, email = Role(form.role.data or ""), form.email.data or ""
    try:
        _, token = invitations.invite(site, role, email=email, now=guards.clock(), via=Via.WEB, by=guards.account())
    except invitations.TooMany:
        form.role.errors = [gettext("%(number)s are open already. Take some back first.", number=invitations.MOST_OPEN)]
        return make_response(_page(site, form), 422)
    db.session.commit()
    link = url_for("invitations.show", token=token, _external=True)
    return make_response(_page(site, InvitationForm(formdata=None, data={"role": role}), link=link), 201)


@bp.post("/settings/<site:key>/people/invitations/<id:invitation_id>/revoke")
def revoke(key: str, invitation_id: int) -> AnyResponse:
    """Take an invitation back."""
    site = roles.site_to(Right.MANAGE, key)
    invitations.revoke(invitation_id, site, now=guards.clock(), via=Via.WEB, by=guards.account())
    db.session.commit()
    return _back(site, "revoked", guards.account())


@bp.get("/account/sites")
def mine() -> AnyResponse:
    """List one's own sites and roles."""
    told = sessions.told()
    standings = accounts.standings_of(guards.account())
    alone = people.owned_alone(guards.account())
    members = {each.site_id for each in guards.account().memberships}
    html = render_template("people/mine.html", standings=standings, alone=alone, members=members, said=told)
    response = make_response(html)
    if told:
        sessions.forget_told(response)
    return response


@bp.post("/account/sites/<site:key>/leave")
def leave(key: str) -> AnyResponse:
    """Give one's own role on a site up."""
    site, me = roles.site_to(Right.READ, key), guards.account()
    people.remove(me.id, site, now=guards.clock(), via=Via.WEB, by=me)
    db.session.commit()
    response = make_response(redirect(url_for(".mine"), 303))
    sessions.tell(response, {"people": "left", "site": site.name})
    return response


@bp.errorhandler(people.LastOwner)
def _last_owner(_: people.LastOwner) -> Response:
    db.session.rollback()
    return answers.error_page(
        409,
        gettext("A site needs an owner"),
        gettext("Nothing was changed: nobody else owns this site. First make somebody else an owner."),
    )


@bp.errorhandler(people.Unknown)
@bp.errorhandler(invitations.Gone)
def _unknown(_: Exception) -> Response:
    db.session.rollback()
    return answers.http(NotFound())


def role_in(text: str | None) -> Role | None:
    """Read a role; None for what is none."""
    return next((role for role in Role if role == text), None)


def _page(site: Site, form: InvitationForm, *, said: dict[str, object] | None = None, link: str | None = None) -> str:
    staff = people.people_of(site)
    return render_template(
        "people/index.html",
        site=site,
        several=len(accounts.sites_of(guards.account(), Right.MANAGE)) > 1,
        people=staff,
        only_owner=people.only_owner(staff),
        invitations=invitations.open_to(site, now=guards.clock()),
        days=invitations.LASTS.days,
        form=form,
        said=said,
        link=link,
        me=guards.account(),
    )


def _back(site: Site, what: str, whom: Account, **more: str) -> AnyResponse:
    """Lead back to the list; or, who may no longer see it, to one's own sites."""
    sees = accounts.may(guards.account(), Right.MANAGE, site.id)
    response = make_response(redirect(url_for(".index", key=site.key) if sees else url_for(".mine"), 303))
    sessions.tell(response, {"people": what, "name": whom.name, "site": site.name, **more})
    return response
