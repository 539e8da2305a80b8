"""A service that answers threads in parts, with comments a test chooses: also such as no service should send."""

import json
from typing import Any
from urllib.parse import urlsplit

from tests.journeys.embedding import Place
from tests.journeys.hosting import EMBED


class Service:
    """Stands on the website itself and serves the embed and one thread; the rest of its words are the real one's."""

    def __init__(self, place: Place, comments: list[dict[str, Any]], *, size: int = 100, **words: Any) -> None:
        self.place, self.size, self.comments, self.words = place, size, comments, words
        self.page = place.article()
        status, body = place.desk.server.get(f"/sites/{place.key}/thread.json?page={self.page}")
        assert status == 200
        self.base: dict[str, Any] = json.loads(body)
        key = f"stub{place.key}"
        cors = {"Access_Control_Allow_Origin": "*", "Content_Type": "application/json"}
        place.website.put("/embed.js", EMBED.read_bytes(), Content_Type="text/javascript")
        place.website.put(f"/sites/{key}/thread.json", lambda query: json.dumps(self.document(query)), **cors)
        place.website.article(urlsplit(self.page).path, place.website.origin, key)

    def document(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """Write one part, as docs/http.md says."""
        given = {name: values[0] for name, values in query.items()}
        sort = "newest" if given.get("sort") == "newest" else "oldest"
        branches: list[list[dict[str, Any]]] = []
        for comment in self.comments:
            branches.append([comment]) if not comment["depth"] else branches[-1].append(comment)
        ordered = branches[::-1] if sort == "newest" else branches
        flat = [comment for branch in ordered for comment in branch]
        parts = [flat[at : at + self.size] for at in range(0, len(flat), self.size)] or [[]]
        part = min(int(given.get("part", 1)), len(parts))
        for number, some in enumerate(parts, start=1):
            if any(one["anchor"] == given.get("at") for one in some):
                part = number
        above = [one for one in self._above(flat, parts[part - 1]) if one]
        counts = {"count": len(flat), "strings": self.base["strings"] | {"heading": f"{len(flat)} replies"}}
        plurals = {
            "new": {"one": "{num} new reply", "other": "{num} new replies"},
            "show": {"one": "Show {num} answer", "other": "Show {num} answers"},
        }
        shape = {"part": part, "parts": len(parts), "sort": sort, "above": above, "comments": parts[part - 1]}
        return (
            self.base | counts | shape | {"plurals": plurals, "lang": "en", "dir": "ltr", "closes": None} | self.words
        )

    def _above(self, flat: list[dict[str, Any]], some: list[dict[str, Any]]) -> list[dict[str, Any]]:
        places, parent = [], some[0]["parent"] if some else None
        by_id = {one["id"]: one for one in flat}
        while parent:
            places.insert(0, {name: by_id[parent][name] for name in ("id", "anchor", "depth", "author")})
            parent = by_id[parent]["parent"]
        return places


def comment(number: int, parent: int | None = None, depth: int = 0) -> dict[str, Any]:
    """Write one comment as thread.json does."""
    return {
        "id": number,
        "anchor": f"comment-{number}",
        "parent": parent,
        "depth": depth,
        "place": "public",
        "author": f"N{number}",
        "url": None,
        "at": "2026-11-20T10:00:00+00:00",
        "body": [["p", f"Words of {number}."]],
    }
