"""How a query is read, and where its words are in a body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_message.search import Term, highlights, parse_query

from realchat_common.errors import Code, RealChatError


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("raven desk", (Term("raven"), Term("desk"))),
        ('"writing desk" raven', (Term("writing desk"), Term("raven"))),
        ("wonder*", (Term("wonder", prefix=True),)),
        ('"never closed', (Term("never closed"),)),
        ("e-mail !!! ***", (Term("e-mail"),)),
        ("Cafe\u0301", (Term("Café"),)),
        ("李*", (Term("李", prefix=True),)),
        ("a & b | !c <-> d:*", (Term("a"), Term("b"), Term("!c"), Term("d:", prefix=True))),
    ],
)
def test_a_query_is_words_phrases_and_beginnings(query: str, terms: tuple[Term, ...]) -> None:
    assert parse_query(query) == terms


@pytest.mark.parametrize("query", ["", "   ", "!?*", '""', "x" * 257, "a\0b", "word " * 17])
def test_a_query_without_words_or_with_too_many_is_refused(query: str) -> None:
    with pytest.raises(RealChatError) as refused:
        parse_query(query)
    assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, "query")


@pytest.mark.parametrize(
    ("body", "query", "marked"),
    [
        ("A raven and a Raven", "raven", ["raven", "Raven"]),
        ("ravenous ravens", "raven", []),
        ("ravenous ravens", "raven*", ["ravenous", "ravens"]),
        ("a writing-desk, a desk", '"writing desk" desk', ["writing-desk", "desk"]),
        ("<b>desk</b>", "desk", ["desk"]),
        ("ÉCOLE", "école", ["ÉCOLE"]),
        ("(a+b)*", "a+b", ["a+b"]),
    ],
)
def test_words_are_marked_where_they_stand(body: str, query: str, marked: list[str]) -> None:
    assert [body[start : start + length] for start, length in highlights(body, parse_query(query))] == marked


@given(st.text(max_size=80), st.lists(st.builds(Term, st.text(min_size=1, max_size=8), st.booleans()), max_size=4))
def test_marks_are_in_order_within_the_body_and_apart(body: str, terms: list[Term]) -> None:
    end = -1
    for start, length in highlights(body, [term for term in terms if any(c.isalnum() for c in term.words)]):
        assert start > end
        assert length > 0
        end = start + length
        assert end <= len(body)
