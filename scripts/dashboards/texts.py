"""Texts: how many, what they cost, and whether they arrive."""

from __future__ import annotations

from scripts.dashboards.panel import Board, Query, Row, lines, number
from scripts.dashboards.promql import (
    OF_PROVIDER,
    increase,
    per_second,
    quantile,
    rate,
    share,
)

_TEXTS, _SEGMENTS = "postern_texts_total", "postern_text_segments_total"
_RECEIPTS = "postern_receipts_total"

BOARD = Board(
    uid="postern-texts",
    title="Postern: texts",
    about="Texts that providers took, their segments (what is paid for) and their receipts.",
    providers=True,
    range="now-24h",
    rows=(
        Row(
            title="In the time shown",
            panels=(
                number("Texts", "That a provider took.", increase(_TEXTS, OF_PROVIDER), width=6),
                number("Segments", "What is paid for.", increase(_SEGMENTS, OF_PROVIDER), width=6),
                number(
                    "Segments a text",
                    "Above 1: long texts, or characters that make them short (`unicode`).",
                    share(
                        rate(_SEGMENTS, OF_PROVIDER, over="$__range"),
                        rate(_TEXTS, OF_PROVIDER, over="$__range"),
                    ),
                    width=6,
                ),
                number(
                    "Did not arrive",
                    "Of those reported on; the alert is on one in ten.",
                    share(
                        rate(_RECEIPTS, 'stage="failed"', OF_PROVIDER, over="$__range"),
                        rate(_RECEIPTS, 'stage=~"failed|delivered"', OF_PROVIDER, over="$__range"),
                    ),
                    unit="percentunit",
                    limit=0.1,
                    alert="PosternTextsFailing",
                    width=6,
                ),
            ),
        ),
        Row(
            title="Over time",
            panels=(
                lines(
                    "Texts by encoding",
                    "Taken by the provider.",
                    Query(
                        per_second(_TEXTS, OF_PROVIDER, by="provider, encoding"),
                        "{{provider}}: {{encoding}}",
                    ),
                    unit="cps",
                    stacked=True,
                ),
                lines(
                    "Segments by encoding",
                    "What is paid for.",
                    Query(
                        per_second(_SEGMENTS, OF_PROVIDER, by="provider, encoding"),
                        "{{provider}}: {{encoding}}",
                    ),
                    unit="cps",
                    stacked=True,
                ),
                lines(
                    "Receipts by stage",
                    "What providers and handsets reported.",
                    Query(per_second(_RECEIPTS, OF_PROVIDER, by="stage"), "{{stage}}"),
                    unit="cps",
                    alert="PosternTextsFailing",
                ),
                lines(
                    "Texts that go out in one call",
                    "Where a provider takes several at a time.",
                    Query(
                        quantile(0.5, "postern_shared_call_actions", OF_PROVIDER, by="provider"),
                        "{{provider}}: half up to",
                    ),
                    Query(
                        quantile(0.99, "postern_shared_call_actions", OF_PROVIDER, by="provider"),
                        "{{provider}}: 99 % up to",
                    ),
                ),
                lines(
                    "Too late by then",
                    "Actions that expired, by provider.",
                    Query(
                        per_second(
                            "postern_actions_ended_total",
                            'state="expired"',
                            OF_PROVIDER,
                            by="provider",
                        ),
                        "{{provider}}",
                    ),
                    unit="cps",
                ),
                lines(
                    "Age of urgent actions at their end",
                    "One-time passwords, say. 99 % within 5 s is the objective.",
                    Query(
                        quantile(
                            0.99,
                            "postern_action_age_seconds",
                            'lane="urgent"',
                            OF_PROVIDER,
                            by="provider",
                        ),
                        "{{provider}}",
                    ),
                    unit="s",
                    limit=5,
                    alert="PosternActionsLate",
                ),
            ),
        ),
    ),
)
