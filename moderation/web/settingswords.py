"""How the settings' templates name settings, say what each does, what was changed, and what a page's tag lacks."""

from collections.abc import Iterable

from babel import Locale
from flask import Flask, current_app, request
from flask_babel import gettext
from flask_security import current_user

from moderation import accounts, languages
from moderation.accounts import Right, Standing, reasons, settings
from moderation.models import Account
from moderation.publishing.snippet import Fault, Finding


def init_app(app: Flask) -> None:
    """Give templates the words."""
    app.jinja_env.filters.update(contrast=contrast, lacks=lacks, category=category)
    app.jinja_env.globals.update(
        setting_words=words,
        setting_bounds=settings.BOUNDS,
        settings_pages=pages,
        saved_words=saved,
        locale_names=locale_names,
        reason_categories=reasons.CATEGORIES,
        most_of_a_reason=reasons.MOST,
        service=lambda: current_app.config["BASE_URL"],
        owns_a_site=owns_a_site,
    )


def owns_a_site(standings: Iterable[Standing] | None) -> bool:
    """Whether who is signed in may set up a site; asked of the roles that a page has read, where it has."""
    if standings is not None:
        return any(one.may(Right.MANAGE) for one in standings)
    user = current_user._get_current_object()
    return isinstance(user, Account) and bool(accounts.sites_of(user, Right.MANAGE))


def pages() -> list[tuple[str, str, dict[str, str]]]:
    """Name the pages of the settings: the endpoint, its name, and what its address says beside the site."""
    return [
        ("settings.show", gettext("Site"), {"concern": "site"}),
        ("settings.show_snippet", gettext("Paste this"), {}),
        ("settings.show", gettext("The form"), {"concern": "form"}),
        ("settings.show", gettext("Moderation"), {"concern": "moderation"}),
        ("settings.show_reasons", gettext("Reasons"), {}),
        ("settings.show", gettext("Privacy"), {"concern": "privacy"}),
        ("people.index", gettext("People"), {}),
        ("settings.notifications", gettext("Notifications and caches"), {}),
        ("moving.show", gettext("Import, export"), {}),
    ]


def words(name: str) -> tuple[str, str]:
    """Name a setting, and say in one line what it does."""
    return {
        "name": (gettext("Name"), gettext("Shown to commenters on receipts, and in feeds.")),
        "origins": (
            gettext("Addresses, one a line"),
            gettext("Pages outside these cannot open a thread or frame it. The first is the main one."),
        ),
        "locale": (gettext("Language"), gettext("Commenters are spoken to in it, unless a page asks for another.")),
        "accent": (
            gettext("Colour"),
            gettext("Of buttons and links. Its lightness is adjusted so that text stays readable, light and dark."),
        ),
        "radius": (gettext("Corners, in pixels"), gettext("How round fields and boxes are; 0 is square.")),
        "page_size": (
            gettext("Replies in one part of a thread"),
            gettext("Replies to the page itself, with all that stands below them; the rest is a press away."),
        ),
        "required": (gettext("Required"), gettext("The comment itself is always required.")),
        "max_comment": (gettext("Longest comment, in characters"), gettext("What is longer is told so at the field.")),
        "guidelines": (
            gettext("Guidelines"),
            gettext("Commenters read them above the form. Markdown, as in their comments; empty shows nothing."),
        ),
        "close_days": (
            gettext("Close pages after so many days"),
            gettext("Counted from a page's first public reply; 0 never closes."),
        ),
        "target_hours": (
            gettext("Target wait, in hours"),
            gettext("What waits longer is marked as late, and comes first in the order by risk."),
        ),
        "undo_seconds": (
            gettext("Undo window, in seconds"),
            gettext("For so long a decision sends nothing that could not be unsent. Undo itself works longer."),
        ),
        "return_days": (
            gettext("Days a returned reply waits for its author"),
            gettext("Then it comes back to the queue as it was."),
        ),
        "proof": (
            gettext("Proof of work"),
            gettext("A second of the sender's computer for each reply; who has no script confirms by hand instead."),
        ),
        "require_second": (
            gettext("A second factor for everybody"),
            gettext("Who works on this site sets one up at their next press, before anything else."),
        ),
        "watched_words": (
            gettext("Words to watch for, one a line"),
            gettext("Noticed on the card, and never decides. Whole words; casino* finds casinos, too."),
        ),
        "watched_hosts": (
            gettext("Hosts to watch for, one a line"),
            gettext("Noticed in links and as the author's website, with all hosts below them."),
        ),
        "keep_network_days": (
            gettext("Days the sender's network is known"),
            gettext("A hash that tells replies of one network apart; 0 keeps it for ever."),
        ),
        "keep_email_days": (
            gettext("Days an e-mail address is known"),
            gettext("Counted from the last decision; what waits keeps its address. 0 keeps it for ever."),
        ),
        "keep_refused_days": (
            gettext("Days refused replies are kept"),
            gettext("Rejected and spam: then the words go, the log's line stays. 0 keeps them for ever."),
        ),
        "reasons": (gettext("Reasons"), ""),
    }[name]


def saved() -> str:
    """Say what the last press did; what no press of ours could have done is not said."""
    done = request.args.get("saved", "")
    told = {
        "nothing": gettext("Nothing was changed: all of it stood so already."),
        "closed": gettext("The page is closed now. What is there stays."),
        "opened": gettext("The page takes replies again."),
        "aged": gettext("The page was opened, but stays closed by its age: see below."),
    }
    if done in told:
        return told[done]
    known = [name for names in settings.CONCERNS.values() for name in names] + ["reasons"]
    names = [words(name)[0] for name in done.split(",")[: len(known)] if name in known]
    return gettext("Saved: %(names)s.", names="; ".join(names)) if names else ""


def locale_names() -> list[tuple[str, str]]:
    """Return the languages by their own names."""
    return [(locale, _own_name(locale)) for locale in languages.LOCALES]


def _own_name(locale: str) -> str:
    name = Locale.parse(locale).get_display_name() or locale
    return name[:1].upper() + name[1:]


def contrast(colour: str, other: str) -> str:
    """Say the contrast of two colours as WCAG counts it, as in 4.5; nothing for what is no colour."""
    lights = [_luminance(one) for one in (colour, other)]
    if None in lights:
        return ""
    dark, light = sorted(one for one in lights if one is not None)
    return f"{(light + 0.05) / (dark + 0.05):.1f}"


def _luminance(colour: str) -> float | None:
    try:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    except ValueError:
        return None
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def category(value: str) -> str:
    """Name a legal category."""
    return {
        "": gettext("None: a guideline suffices"),
        "unlawful": gettext("Unlawful"),
        "privacy": gettext("Privacy and personal data"),
        "hate": gettext("Hate and incitement"),
        "defamation": gettext("Defamation"),
        "violence": gettext("Violence and threats"),
        "fraud": gettext("Fraud and scams"),
        "copyright": gettext("Copyright and trademarks"),
        "minors": gettext("Protection of minors"),
        "self-harm": gettext("Self-harm"),
        "other": gettext("Another law"),
    }.get(value, value)


def lacks(finding: Finding) -> str:
    """Say what is wrong with a page's tag, and what to do."""
    about, service = finding.about, current_app.config["BASE_URL"]
    match finding.fault:
        case Fault.NO_TAG:
            return gettext(
                "The page has no <leave-a-reply> and no frame of this site: paste the tag into its template."
            )
        case Fault.OTHER_KEY:
            return gettext("The tag names the site “%(key)s”: its key has to be the one above.", key=about)
        case Fault.NO_SCRIPT:
            return gettext("The script is missing: %(address)s.", address=f"{service}/embed.js")
        case Fault.OTHER_SCRIPT:
            return gettext(
                "The script comes from %(other)s: it has to be %(address)s.",
                other=about,
                address=f"{service}/embed.js",
            )
        case Fault.MODULE:
            return gettext("The script has type=module: leave the type out.")
    return gettext(
        "The page's policy (Content-Security-Policy) keeps the service out: add %(service)s to %(directive)s.",
        service=service,
        directive=about,
    )
