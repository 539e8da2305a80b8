"""What a password must be: long enough, and not what is tried first."""

import gzip

import pytest

from moderation.accounts import passwords
from moderation.accounts.passwords import password_fault


def fault(password: str) -> str | None:
    """Judge a password of somebody with a name."""
    return password_fault(password, email="ana.lindqvist@courier.example", name="Ana Lindqvist")


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", "short"),
        ("elevenchars", "short"),
        ("xk4!pQz93mLw", None),
        ("the ramp starts by the noticeboard", None),
        ("correct horse battery staple", None),
        ("ein langer satz mit wörtern", None),
        ("пароль из пяти разных слов", None),
        ("x7" * 3 + "q!Lm" * 30 + "zz", None),
        ("q!Lm8" * 26, "long"),
        ("aaaaaaaaaaaaaaaa", "guessable"),
        ("abababababab", "guessable"),
        ("password1234", "guessable"),
        ("Password1234!", "guessable"),
        ("P@ssw0rd!P@ssw0rd!", "guessable"),
        ("passwordpassword", "guessable"),
        ("qwertyuiop12", "guessable"),
        ("1qaz2wsx3edc", "guessable"),
        ("123456789012", "guessable"),
        ("dragonmonkey99", "guessable"),
        ("sunshine baseball", "guessable"),
        ("LindqvistAna2026", "guessable"),
        ("ana.lindqvist@courier.example", "guessable"),
        ("courier-2026!", "guessable"),
        ("leaveareply!!", "guessable"),
    ],
)
def test_a_password_is_judged_by_length_and_by_what_is_tried_first(password: str, expected: str | None) -> None:
    assert fault(password) == expected


def test_every_common_password_that_is_long_enough_is_refused() -> None:
    with gzip.open(passwords.COMMON, "rt") as lines:
        common = [line.strip() for line in lines if not line.startswith("#")]
    assert len(common) > 20_000
    long = [one for one in common if len(one) >= passwords.LEAST_PASSWORD]
    assert len(long) > 300
    for one in long[::10]:
        assert fault(one) == "guessable", one
    # And what people make of the short ones, to make them long enough.
    made = [f"{one}2026" for one in common if len(one) == 8][:3000:100]
    made += [one + one for one in common if len(one) == 7][:3000:100]
    assert [one for one in made if fault(one) is None] == []


def test_the_list_names_its_licence() -> None:
    with gzip.open(passwords.COMMON, "rt") as lines:
        assert "MIT" in next(lines) + next(lines)
    assert "Permission is hereby granted" in (passwords.COMMON.parent / "common-passwords.LICENSE.txt").read_text()
