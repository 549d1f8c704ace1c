"""The platform's XML form. What must not go in: what any field means.

XML has no types, so fields that are numbers or booleans are known by their names.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

_NUMBERS = frozenset(
    {
        "_sex",
        "_status",
        "account_id",
        "add_to_segments",
        "count",
        "db_id",
        "from_id",
        "id",
        "limit",
        "percent",
        "pixel_id",
        "priority",
        "remove_from_segments",
        "resource_id",
        "sender_id",
        "trigger_id",
        "workflow_id",
    }
)
_SWITCHES = frozenset(
    {
        "detect_geo",
        "enrich_profile",
        "is_test",
        "required",
        "skip_invalid_subscriptions",
        "skip_triggers",
    }
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_UNNAMED = re.compile(r"[^A-Za-z0-9_.-]")


def parse(raw: bytes) -> dict[str, Any] | None:
    """The fields of a request, or None if it is no `<xml>` document."""
    try:
        root = fromstring(raw, forbid_dtd=True)
    except (ParseError, ValueError, LookupError):
        return None
    if root.tag != "xml":
        return None
    content = _children(root)
    return content if isinstance(content, dict) else {}


def build(content: dict[str, Any]) -> bytes:
    """An answer: lists are repeated elements, null an empty one."""
    root = Element("xml")
    for name, value in sorted(content.items()):
        _append(root, name, value)
    written: bytes = tostring(root, encoding="utf-8")
    return written


def _children(element: Element) -> Any:
    if not len(element):
        return _leaf(element.tag, element.text)
    found: dict[str, Any] = {}
    for child in element:
        value = _children(child)
        if child.get("array") == "true":
            empty = not len(child) and not (child.text or "").strip()
            found.setdefault(child.tag, [])
            found[child.tag] += [] if empty else [value]
        elif child.tag in found:
            before = found[child.tag]
            found[child.tag] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[child.tag] = value
    return found


def _leaf(name: str, text: str | None) -> Any:
    if text is None or not text.strip():
        return None
    if name in _SWITCHES and text in {"true", "false"}:
        return text == "true"
    if name in _NUMBERS and text.lstrip("-").isdecimal():
        return int(text)
    return text


def _append(parent: Element, name: str, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _append(parent, name, item)
        return
    # A phone number as a name (`phone_add`) is none in XML; how the vendor writes it is not known.
    child = SubElement(parent, name if _NAME.fullmatch(name) else "_" + _UNNAMED.sub("", name))
    if isinstance(value, dict):
        for key, inner in value.items():
            _append(child, key, inner)
    elif isinstance(value, bool):
        child.text = "true" if value else "false"
    elif value is not None:
        child.text = str(value)
