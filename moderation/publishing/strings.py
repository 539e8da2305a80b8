"""The words of thread and form, in the current locale: one source for page, fragment and embed."""

from flask_babel import gettext, ngettext

from moderation import languages


def of(count: int) -> dict[str, str]:
    """Return every text by its name; braces mark what the reader of them fills in."""
    return {
        "heading": ngettext("%(num)d reply", "%(num)d replies", count) if count else gettext("No replies yet"),
        "leave": gettext("Leave a Reply"),
        "leave_to": gettext("Leave a Reply to %(name)s", name="{name}"),
        "cancel": gettext("Cancel reply"),
        "email_note": gettext("Your email address will not be published."),
        "required_note": gettext("Required fields are marked"),
        "comment": gettext("Comment"),
        "author": gettext("Name"),
        "email": gettext("Email"),
        "url": gettext("Website"),
        "keep": gettext("Save my name, email, and website in this browser for the next time I comment."),
        "post": gettext("Post Comment"),
        "preview": gettext("Preview"),
        "preview_note": gettext("only you see it"),
        "write": gettext("Back to writing"),
        "read_first": gettext("Every reply is read by a person before it appears."),
        "reply": gettext("Reply"),
        "reply_to": gettext("Reply to %(name)s", name="{name}"),
        "link": gettext("Link to this reply"),
        "withdrawn": gettext("This reply was withdrawn by its author."),
        "not_public": gettext("This reply is not public."),
        "closed": gettext("Replies to this page are closed."),
        "held": gettext("Your reply is held for review"),
        "held_note": gettext("Only you see it, in this browser."),
        "receipt": gettext("Your private receipt"),
        "receipt_note": gettext("shows what became of it. It is the only key to this reply: keep the link."),
        "copy": gettext("Copy link"),
        "copied": gettext("Copied"),
        "not_sent_yet": gettext("Your reply was not sent yet"),
        "not_sent": gettext("Your reply could not be sent"),
        "not_sent_note": gettext(
            "The service did not answer. Your text is still in the form; sending it again will not post it twice."
        ),
        "again": gettext("Send again"),
        "not_loaded": gettext("The replies could not be loaded."),
        "retry": gettext("Try again"),
        "own_page": gettext("Open them on their own page"),
        "sending": gettext("Sending…"),
        "anonymous": gettext("Anonymous"),
        "edit": gettext("Edit"),
        "withdraw": gettext("Withdraw"),
        "usually": gettext("Usually within %(time)s.", time="{time}"),
        "returned": gettext("Your reply came back to you: see its receipt"),
        "dismiss": gettext("Put this away"),
        "decided": gettext("Your reply was not approved: see its receipt"),
        "left": gettext("%(number)s characters left", number="{number}"),
        "draft": gettext("Your unsent text is still here."),
        "offline": gettext("You are offline. Your text stays in the form; send it when you are back."),
        "published": gettext("Your reply is published."),
        "need_comment": gettext("Please write a comment."),
        "need_author": gettext("Please enter a name. A nickname is fine."),
        "need_email": gettext("Please enter an email address."),
        "bad_email": gettext("An address looks like name@example.org."),
        "need_url": gettext("Please enter the address of your website."),
        "bad_url": gettext("A website's address begins with https:// or http://."),
        "oldest": gettext("Oldest first"),
        "newest": gettext("Newest first"),
        "more": gettext("Show more replies"),
        "earlier": gettext("Earlier replies"),
        "hide": gettext("Hide the answers"),
        "above": gettext("In answer to %(name)s", name="{name}"),
        "feed": gettext("Feed of these replies"),
    }


def plurals() -> dict[str, dict[str, str]]:
    """Return the texts that the reader of them counts: for each plural category of the language, with `{num}`.

    Categories are CLDR's, as `Intl.PluralRules` names them.
    """
    return {
        "new": languages.forms(lambda number: ngettext("%(num)d new reply", "%(num)d new replies", number)),
        "show": languages.forms(lambda number: ngettext("Show %(num)d answer", "Show %(num)d answers", number)),
    }
