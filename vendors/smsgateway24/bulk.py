"""`datajson`: several texts in one call of `addalotofsms`, and what its answer means.

The answer names no ids, so each text is found again by its tag. What must not go in: where the
texts come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from vendors.answers import code, json_object
from vendors.smsgateway24.envelope import form, judged
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.wire import Answer, Outcome, OutcomeKind, Request

CALL = "addalotofsms"


def bulk(items: Sequence[Mapping[str, str | int]], provider: SmsGateway24Provider) -> Request:
    datajson = orjson.dumps({"token": provider.credential(), "smsdata": list(items)})
    return form(CALL, {"datajson": datajson.decode()})


def taken(answer: Answer, provider: SmsGateway24Provider) -> Outcome:
    """Whether all of them were saved.

    Whether a refused call saved none of its texts is not documented: that is unknown then, not
    refused, and each has to be looked up.
    """
    outcome = judged(answer, provider, proven=True)
    said = json_object(answer)
    is_error = said is not None and code(said.get("error")) == 1
    if is_error and outcome.kind in {OutcomeKind.REFUSED, OutcomeKind.TEMPORARY}:
        return Outcome(kind=OutcomeKind.UNKNOWN, reason=outcome.reason)
    return outcome
