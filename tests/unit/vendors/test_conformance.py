"""What every operation of every vendor must keep, whatever it does. One case per entry of
`cases.py`."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.delivery import Held, settle
from core.configuration import SecretRef
from core.journal.port import Granted
from core.journal.states import State
from tests.samples import an_action
from tests.unit.vendors.altcraft_cases import BROKER
from tests.unit.vendors.cases import IDENTITY, TOKEN, Case, answer, cases
from tests.unit.vendors.sms_cases import EMAIL
from vendors.lookup import Finding
from vendors.registry import VENDORS
from vendors.wire import Answer, InvalidParams, Outcome, OutcomeKind, Params

CASES = list(cases(SecretRef(env="POSTERN_TEST_TOKEN")))
ONE_OF_EACH = list({(case.kind, case.operation.name): case for case in CASES}.values())
IMPLIED = frozenset({"contact", "deleted"})
"""What any call for a subscription sets: it is there, and not deleted."""
HAPPENING = frozenset({"happens"})
"""What a call makes happen cannot be left out of it."""
every_case = pytest.mark.parametrize("case", CASES, ids=str)

BODIES = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(
        st.sampled_from(
            ["error", "error_text", "message", "data", "result", "body", "sms_id", "smss", "count"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=8,
        ),
    ).map(orjson.dumps),
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "duplicate-request", "content-type"]),
    st.text(max_size=40),
)
ANSWERS = st.builds(Answer, status=st.integers(0, 999), headers=HEADERS, body=BODIES)


@pytest.fixture(autouse=True)
def _token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTERN_TEST_TOKEN", TOKEN)
    monkeypatch.setenv(EMAIL, "login@example.com")
    monkeypatch.setenv(BROKER, "amqp://guest@127.0.0.1/")


def test_every_operation_stands_in_the_suite() -> None:
    """An operation without a case would be held to nothing."""
    known = {(kind, name) for kind, vendor in VENDORS.items() for name in vendor.operations}
    assert known == {(case.kind, case.operation.name) for case in CASES}


def test_a_vendor_lists_its_operations_under_their_own_names() -> None:
    for vendor in VENDORS.values():
        assert all(name == operation.name for name, operation in vendor.operations.items())


@every_case
def test_preparing_twice_changes_nothing(case: Case) -> None:
    """A message that is prepared again, after a replay, must stay the same call."""
    assert case.operation.prepare(case.prepared(), case.provider) == case.prepared()


@every_case
def test_prepared_parameters_survive_the_wire(case: Case) -> None:
    assert orjson.loads(orjson.dumps(case.prepared())) == case.prepared()


@every_case
def test_an_unknown_parameter_is_refused_by_name(case: Case) -> None:
    with pytest.raises(InvalidParams) as caught:
        case.operation.prepare({**case.params, "no_such_thing": 1}, case.provider)
    assert caught.value.field == "no_such_thing"


@every_case
def test_a_refused_parameter_is_named_and_its_value_is_not_repeated(case: Case) -> None:
    for name, wrong in ((name, ["sekret"]) for name in case.params):
        if name in case.lenient:
            continue
        with pytest.raises(InvalidParams) as caught:
            case.operation.prepare({**case.params, name: wrong}, case.provider)
        assert caught.value.field.split(".")[0] == name
        assert "sekret" not in str(caught.value)


@every_case
def test_text_that_cannot_be_encoded_is_refused(case: Case) -> None:
    texts = [name for name, value in case.params.items() if isinstance(value, str)]
    for name in (*texts, "no_such_thing"):
        with pytest.raises(InvalidParams):
            case.operation.prepare({**case.params, name: "\ud800"}, case.provider)


@every_case
def test_the_request_carries_the_token_in_one_place_and_never_in_the_path(case: Case) -> None:
    request = case.operation.request(case.prepared(), IDENTITY, case.provider)
    in_headers = sum(TOKEN in value for value in request.headers.values())
    assert request.body.count(TOKEN.encode()) + in_headers == case.tokens
    assert TOKEN not in request.path
    assert not request.path.startswith("/")
    assert all(value.isprintable() for value in request.headers.values())


@every_case
def test_parameters_hold_no_credential(case: Case) -> None:
    """They travel through the broker and are kept in the journal."""
    assert TOKEN not in repr(case.prepared())
    assert TOKEN not in repr(case.provider)


@every_case
def test_the_same_call_makes_the_same_bytes(case: Case) -> None:
    """Deduplication compares them."""
    first, again = (
        case.operation.request(case.prepared(), IDENTITY, case.provider) for _ in range(2)
    )
    assert first == again


@every_case
def test_its_success_answer_is_done(case: Case) -> None:
    outcome = case.operation.read(answer(200, case.success), case.prepared(), case.provider)
    assert outcome.kind is OutcomeKind.DONE


@every_case
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_and_not_followed(case: Case, status: int) -> None:
    moved = answer(status, location="http://169.254.169.254/")
    assert case.operation.read(moved, case.prepared(), case.provider).kind is OutcomeKind.REFUSED


@every_case
@pytest.mark.parametrize(
    "body", [b"", b"<html><h1>Welcome</h1></html>", b"[]", b"{", b"null", b"{}", b"\xff" * 100_000]
)
def test_what_is_no_answer_of_the_api_leaves_the_outcome_unknown(case: Case, body: bytes) -> None:
    """A proxy's page behind a 200 says nothing about the effect."""
    assert (
        case.operation.read(answer(200, body), case.prepared(), case.provider).kind
        is OutcomeKind.UNKNOWN
    )


@every_case
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, OutcomeKind.UNAUTHORIZED),
        (403, OutcomeKind.FORBIDDEN),
        (400, OutcomeKind.REFUSED),
        (404, OutcomeKind.REFUSED),
        (429, OutcomeKind.TEMPORARY),
        (503, OutcomeKind.TEMPORARY),
    ],
)
def test_a_bare_status_is_enough(case: Case, status: int, kind: OutcomeKind) -> None:
    assert case.operation.read(answer(status), case.prepared(), case.provider).kind is kind


@every_case
def test_a_server_error_never_leads_to_a_second_effect(case: Case) -> None:
    """It may come after the effect: only what can be repeated safely is tried again as it is."""
    expected = OutcomeKind.TEMPORARY if case.operation.repeatable else OutcomeKind.UNKNOWN
    for status in (500, 502, 504):
        assert case.operation.read(answer(status), case.prepared(), case.provider).kind is expected


@every_case
def test_what_cannot_be_repeated_is_recognised_or_looked_up_or_parked(case: Case) -> None:
    """An unknown outcome never leads to a second call that could be a second effect."""
    operation = case.operation
    if operation.repeatable or operation.lookup is not None or operation.window is not None:
        return
    unknown = Outcome(kind=OutcomeKind.UNKNOWN, reason="no answer")
    held = Held(
        action=an_action(),
        grant=Granted(
            seq=1, generation=0, attempts=0, unknown=False, called_at=None, now=IDENTITY.called_at
        ),
        operation=operation,
        provider=case.provider,
        refusal_pause=timedelta(minutes=1),
    )
    finish = settle(held, unknown, started_at=IDENTITY.called_at, took=timedelta(seconds=1))
    assert (finish.state, finish.unknown) == (State.PARKED, True)


@every_case
def test_an_effect_is_stable_and_holds_no_personal_data(case: Case) -> None:
    effect = case.operation.effect(case.prepared(), case.provider)
    assert effect == case.operation.effect(case.prepared(), case.provider)
    names = [*effect.order_keys, *(target.entity for target in effect.targets)]
    assert not any(part in name for name in names for part in ("@", "+79", "7900", "john", "p-1"))


@every_case
def test_reducing_keeps_the_identity_and_sets_only_what_is_kept(case: Case) -> None:
    params = case.prepared()
    effect = case.operation.effect(params, case.provider)
    everything = {target.entity: target.fields for target in effect.targets}
    assert case.operation.reduce(params, everything, case.provider) == params
    if effect.sweeps:
        return  # it can leave nothing out
    for target in effect.targets:
        for name in target.fields:
            kept = case.operation.reduce(params, {target.entity: frozenset({name})}, case.provider)
            left = _set_by(case, kept)
            assert left.pop(target.entity) - IMPLIED == {name} - IMPLIED
            assert all(fields <= HAPPENING for fields in left.values())
        whole = case.operation.reduce(params, {target.entity: frozenset({"*"})}, case.provider)
        assert _set_by(case, whole)[target.entity] == target.fields


def _set_by(case: Case, params: Params) -> dict[str, frozenset[str]]:
    effect = case.operation.effect(params, case.provider)
    assert len({target.entity for target in effect.targets}) == len(effect.targets)
    return {target.entity: target.fields for target in effect.targets}


@every_case
def test_what_is_set_waits_for_its_turn_within_its_database(case: Case) -> None:
    """Without a key nothing would be in order; without `within` no sweep would wait."""
    effect = case.operation.effect(case.prepared(), case.provider)
    assert list(effect.order_keys) == sorted(set(effect.order_keys))
    if effect.sweeps:
        assert effect.order_keys == (effect.within,)
    if effect.targets and effect.within is not None:
        assert effect.order_keys


@settings(max_examples=50, deadline=None)
@given(answered=ANSWERS)
@pytest.mark.parametrize("case", ONE_OF_EACH, ids=str)
def test_reading_never_raises(case: Case, answered: Answer) -> None:
    outcome = case.operation.read(answered, case.prepared(), case.provider)
    assert len(outcome.reason) <= 260
    assert outcome.reason.isprintable()
    assert outcome.retry_after is None or 0 <= outcome.retry_after.total_seconds() <= 3600


@settings(max_examples=150, deadline=None)
@given(answered=ANSWERS)
@pytest.mark.parametrize(
    "case", [case for case in ONE_OF_EACH if case.operation.lookup is not None], ids=str
)
def test_reading_a_lookup_never_raises_and_never_takes_an_error_for_empty(
    case: Case, answered: Answer
) -> None:
    assert case.operation.lookup is not None
    seen = case.operation.lookup.read(answered, case.prepared(), IDENTITY, frozenset())
    if not 200 <= answered.status <= 299:
        assert seen.finding is Finding.FAILED
