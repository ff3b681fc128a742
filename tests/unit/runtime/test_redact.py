"""What people get to read of an error holds no secret, and can still be read."""

from __future__ import annotations

import json
import re

import pytest

from workflow.runtime.redact import HIDDEN, quotable, redact, redacted_error, redacted_trace


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("cannot mail Ada@Example.com", "cannot mail [hidden]"),
        ("GET /?to=ada%40example.com", "GET /?to=[hidden]"),
        ('{"to": "ada@example.com"}', '{"to": "[hidden]"}'),
        ("card of ada@example.com, ada@example.com", "card of [hidden], [hidden]"),
    ],
)
def test_a_secret_is_hidden_in_whatever_spelling(said: str, left: str) -> None:
    assert redact(said, quotable("ada@example.com")) == left


@pytest.mark.parametrize(
    "secret", ["Liam O'Hara", 'Ada "A." Lovelace', "both ' and \"", "in\ntwo lines", "C:\\ada", 'ü "']
)
def test_what_quotes_a_quotation_quotes_the_secret(secret: str) -> None:
    written = [repr({"name": secret}), json.dumps([secret]), json.dumps([secret], ensure_ascii=False)]
    for text in [*written, *map(repr, written), *map(json.dumps, written)]:
        assert HIDDEN in redact(text, quotable(secret)), text
        assert not {"Liam", "Ada", "both", "lines", "ada", "ü"} & set(
            re.findall(r"\w+", redact(text, quotable(secret)))
        )


def test_a_short_secret_is_hidden_where_it_is_a_word_and_no_other_word_is_torn() -> None:
    assert redact("grade e of 7: see entry 17", [*quotable("e"), *quotable(7)]) == (
        "grade [hidden] of [hidden]: see entry 17"
    )


def test_the_names_in_a_sensitive_map_are_secrets_too() -> None:
    users = {"octocat": "ada@example.com", "a-1": 1, "4111-1111": 2, "émile": {"home": "Paris"}}
    assert redact("octocat, Octocat2, a-1, 4111-1111, émile, home: Paris", quotable(users)) == (
        "[hidden], [hidden]2, [hidden], [hidden], [hidden], [hidden]: [hidden]"
    )


def test_a_name_of_a_few_letters_in_a_sensitive_map_is_none() -> None:
    assert redact("the zip of zippers", quotable({"zip": "75001"})) == "the zip of zippers"


def test_a_trace_keeps_its_frames_and_tells_what_led_to_it() -> None:
    def mail() -> None:
        try:
            raise KeyError("e")
        except KeyError as error:
            raise ValueError("no such e") from error

    with pytest.raises(ValueError, match="no such e") as raised:
        mail()
    told = redacted_trace(raised.value, quotable("e")).splitlines()
    assert told[0].startswith('  File "')
    assert [line for line in told if not line.startswith("  ")] == [
        "KeyError: '[hidden]'",
        "which led to",
        "ValueError: no such [hidden]",
    ]
    assert redacted_error(raised.value, ()) == "ValueError: no such e"


def _deep(depth: int) -> None:
    if depth:
        _deeper(depth - 1)
    raise ValueError("at the bottom")


def _deeper(depth: int) -> None:
    _deep(depth)


def test_a_long_trace_keeps_its_end() -> None:
    with pytest.raises(ValueError, match="bottom") as raised:
        _deep(200)
    told = redacted_trace(raised.value, ())
    assert len(told) == len("... ") + 8000
    assert told.startswith("... ")
    assert told.endswith("ValueError: at the bottom")


def test_a_secret_outside_of_ascii_is_found_in_plain_text_in_whatever_case_it_is_written() -> None:
    # The long s and the Kelvin sign are letters of ASCII in another case.
    assert redact("secret of kelvin", ["\u017fecret", "\u212aelvin"]) == "[hidden] of [hidden]"


def test_of_thousands_of_secrets_those_that_stand_in_the_text_are_hidden() -> None:
    secrets = [f"user-{number}@example.com" for number in range(5000)]
    assert redact("USER-4711@example.com and user-12@example.com", secrets) == "[hidden] and [hidden]"
