"""How many public comments pages have, for lists of articles."""

import json
from collections.abc import Iterable

from sqlalchemy import func, select

from moderation.db import db
from moderation.models import Comment, Revision, Site, Status, Thread
from moderation.models.pagekey import BadAddress, page_key

#: Pages one call of counts may ask for.
MOST_COUNTS = 100


def keys_of(site: Site, pages: Iterable[str]) -> dict[str, str]:
    """Return the keys of pages by the addresses asked for, sorted; a foreign or broken one is left out."""
    found = {page: _key_or_none(site, page) for page in sorted(set(pages))}
    return {page: key for page, key in found.items() if key is not None}


def counts_json(site: Site, keys: dict[str, str]) -> bytes:
    """Write the counts for scripts, by the addresses asked for."""
    rows = db.session.execute(
        select(Thread.page_key, func.count())
        .join(Comment, Comment.thread_id == Thread.id)
        .join(Revision)
        .where(Thread.site_id == site.id, Thread.page_key.in_(keys.values()), Revision.status == Status.APPROVED)
        .group_by(Thread.page_key)
    )
    found = dict(rows.all())
    counts = {page: found.get(key, 0) for page, key in keys.items()}
    return json.dumps({"counts": counts}, ensure_ascii=False, separators=(",", ":")).encode()


def _key_or_none(site: Site, page: str) -> str | None:
    try:
        return page_key(page, site.origins)
    except BadAddress:
        return None
