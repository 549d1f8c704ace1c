"""The list of texts that `getallsms` answers with, read row by row.

What must not go in: which text is looked for.
"""

from __future__ import annotations

from typing import Any

from vendors.answers import code, described, json_object
from vendors.smsgateway24.number import digits
from vendors.smsgateway24.statuses import INCOMING
from vendors.wire import Answer

Row = dict[str, Any]


def rows(answer: Answer) -> tuple[list[Row], str]:
    """The texts in an answer, and why it does not say everything (empty if it does).

    `smss` is an object by id, or a list when it is empty: PHP writes both.
    """
    content = json_object(answer)
    if not 200 <= answer.status <= 299 or content is None:
        return [], described(answer, "no list of texts")
    if code(content.get("error", 0)) != 0:
        return [], described(answer, content.get("message"))
    smss = content.get("smss")
    if isinstance(smss, dict):
        listed = [{"id": key, **row} if isinstance(row, dict) else row for key, row in smss.items()]
    elif isinstance(smss, list):
        listed = smss
    else:
        return [], described(answer, "no list of texts")
    texts = [row for row in listed if _is_text(row)]
    if len(texts) < len(listed):
        return texts, described(answer, "a text in the list cannot be read")
    count = code(content.get("count", len(texts)))
    if count is not None and count > len(texts):
        return texts, described(answer, "the list is not whole")
    return texts, ""


def reference(row: Row) -> str:
    return str(code(row["id"]))


def is_to(row: Row, number: str) -> bool:
    """Whether it went to this number; one that came from it is listed under the same."""
    if code(row.get("status")) == INCOMING:
        return False
    return digits(str(row["sendto"])) == digits(number)


def tag(row: Row) -> int:
    """The row's tag: 0 where it has none (null, an empty string, 0), -1 where it is no number."""
    value = row.get("customerid")
    if value is None or value == "":
        return 0
    number = code(value)
    return -1 if number is None else number


def first(found: list[Row]) -> str:
    """The reference of the oldest of them."""
    return reference(min(found, key=lambda row: int(reference(row))))


def _is_text(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and code(row.get("id")) is not None
        and isinstance(row.get("sendto"), str | int)
    )
