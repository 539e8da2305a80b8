"""Find texts by their words: one index on both databases, made and asked in the same way.

The words are cut here and nowhere else, so that both find the same: lower case, without diacritics, and one character
a word in scripts that put no spaces between words. SQLite keeps them in FTS5, PostgreSQL in a tsvector.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Select, column, delete, false, func, select, table, text

from moderation import markup
from moderation.db import db, dialect
from moderation.models import Revision
from moderation.statements import Prepared

Columns = TypeVarTuple("Columns")

#: Words one question may have, and letters of one word; what is beyond is not looked at.
MOST_WORDS, MOST_LETTERS = 20, 60
#: The beginning of a word has to be this long, or half of all words would begin with it.
LEAST_BEGINNING = 2

#: Not a model: on SQLite it is a virtual table, which only its own statements know.
INDEX = table("revision_words", column("rowid"), column("words"))
_KEEP = Prepared(
    {
        "sqlite": text("INSERT INTO revision_words (rowid, words) VALUES (:id, :words)"),
        "postgresql": text("INSERT INTO revision_words (rowid, words) VALUES (:id, to_tsvector('simple', :words))"),
    }.__getitem__
)
# Thai, Lao, Myanmar, Khmer, kana, Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


def keep(revisions: Sequence[Revision]) -> None:
    """Make new texts findable: by their words, and those of their authors, addresses and pages."""
    keep_words({revision.id: " ".join(words(_said(revision))) for revision in revisions})


def keep_words(cut: Mapping[int, str]) -> None:
    """Make texts findable by the words given for each revision, as `words` cuts them."""
    _KEEP.change(*({"id": revision_id, "words": row} for revision_id, row in cut.items()))


def forget(revision_ids: Sequence[int]) -> None:
    """Let texts be found no more."""
    db.session.execute(delete(INDEX).where(INDEX.c.rowid.in_(revision_ids)))


def place(*, few: bool) -> ColumnElement[int]:
    """Return what to order found revisions by, newest being greatest.

    Of many, the index is read in that order until there are enough. Where few are found PostgreSQL would read all of it
    that way, looking for more: it is told to find them first.
    """
    return INDEX.c.rowid + 0 if few and dialect() == "postgresql" else INDEX.c.rowid.expression


def matching(question: str) -> Select[int]:
    """Ask for all revisions that have the words of a question, in no order."""
    return select(INDEX.c.rowid).where(_matches(question))


def narrowed(query: Select[*Columns], question: str) -> Select[*Columns]:
    """Keep of a query for revisions those that have all words of a question; `word*` is the beginning of one.

    Order by `place`. A question without a word finds nothing, and no question is an error.
    """
    # SQLite would rather ask FTS5 anew for every revision than read what it found: of a sum it cannot look up a row.
    place = INDEX.c.rowid + 0 if dialect() == "sqlite" else INDEX.c.rowid
    return query.join(INDEX, place == Revision.id).where(_matches(question))


def words(said: str) -> Iterator[str]:
    """Cut a text into words as the index keeps them."""
    if not said.isascii():
        bare = "".join(c for c in unicodedata.normalize("NFKD", said) if not unicodedata.combining(c))
        said = unicodedata.normalize("NFC", bare)
    return (word[:MOST_LETTERS] for word in _WORD.findall(said.casefold()))


def beginnings(question: str) -> list[str]:
    """Return the beginnings of words that a question asks for."""
    return [row[-1] for row, begins in _terms(question) if begins]


def _matches(question: str) -> ColumnElement[bool]:
    terms = _terms(question)
    if not terms:
        return false()
    if dialect() == "sqlite":
        asked = " ".join(f'"{" ".join(row)}"{"*" if begins else ""}' for row, begins in terms)
        return INDEX.c.words.op("MATCH", is_comparison=True)(asked)
    asked = " & ".join(f"({' <-> '.join(row)}{':*' if begins else ''})" for row, begins in terms)
    return INDEX.c.words.op("@@", is_comparison=True)(func.to_tsquery("simple", asked))


def _terms(question: str) -> list[tuple[list[str], bool]]:
    """Cut a question at its spaces: each term is a row of words, the last of which may be a beginning only."""
    terms: list[tuple[list[str], bool]] = []
    left = MOST_WORDS
    for term in question.split():
        row = list(words(term))[:left]
        left -= len(row)
        if row:
            terms.append((row, term.endswith("*") and len(row[-1]) >= LEAST_BEGINNING))
    return terms


def _said(revision: Revision) -> str:
    comment = revision.comment
    about = (comment.author, comment.email, comment.url, comment.title, comment.thread.page_key)
    return "\n".join([markup.plain_text(revision.html), *(part or "" for part in about)])
