"""Getting in: a token or a login, and what it looks like when neither is accepted."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.configuration import SecretRef
from core.document import read_document
from core.errors import ConfigurationError
from tests.unit.vendors.cases import IDENTITY, TOKEN, answer, sms_provider
from tests.unit.vendors.sms_cases import EMAIL
from vendors.load import load_providers
from vendors.registry import VENDORS
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.smsgateway24.gettoken import LOGIN
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.wire import OutcomeKind

GOT = '{"error":0,"message":"OK","token":"df427bfcf113c9a21c67718035076b5b"}'
WRONG = '{"error":1,"message":"Login or password incorrect"}'


@pytest.fixture
def login(token: SecretRef, monkeypatch: pytest.MonkeyPatch) -> SmsGateway24Provider:
    monkeypatch.setenv(EMAIL, "login@example.com")
    return sms_provider(None, email=SecretRef(env=EMAIL), password=token)


def loaded(folder: Path, settings: str) -> SmsGateway24Provider:
    file = folder / "postern.yaml"
    file.write_text(f"providers:\n  sms: {{kind: smsgateway24, region: DE, {settings}}}\n")
    provider = load_providers(read_document(file), VENDORS)["sms"]
    assert isinstance(provider, SmsGateway24Provider)
    return provider


TOKENED = "token: {env: T}, "
LOGS_IN = "email: {env: E}, password: {env: P}, "


@pytest.mark.parametrize("settings", [TOKENED, LOGS_IN])
def test_there_are_two_ways_in(tmp_path: Path, settings: str) -> None:
    provider = loaded(tmp_path, settings + "device_id: 1")
    assert LOGIN.is_used(provider) == (settings == LOGS_IN)
    expected = ("email", "password") if settings == LOGS_IN else ("token",)
    assert provider.secret_names() == expected


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ("device_id: 1", "providers.sms", "`token` is required"),
        (TOKENED + LOGS_IN + "device_id: 1", "providers.sms.password", "beside `token`"),
        (TOKENED + "email: {env: E}, device_id: 1", "providers.sms.password", "beside `token`"),
        ("email: {env: E}, device_id: 1", "providers.sms.password", "both"),
        ("password: {env: E}, device_id: 1", "providers.sms.password", "both"),
        (TOKENED + "device_id: [1, 2]", "providers.sms.pick", "pick: online"),
        (TOKENED + "device_id: 1, pick: online", "providers.sms.pick", "no list"),
        (TOKENED + "device_id: [1, '1'], pick: online", "providers.sms.device_id", "twice"),
        (TOKENED + "device_id: [], pick: online", "providers.sms.device_id", "at least one"),
        (TOKENED + "device_id: [1], pick: any", "providers.sms.pick", "online"),
        (TOKENED + "device_id: 1, gather: 0", "providers.sms.gather", "greater"),
        (TOKENED + "device_id: 1, gather: 1001", "providers.sms.gather", "less"),
        (TOKENED + "device_id: 1, max_segments: 0", "providers.sms.max_segments", "greater"),
        (TOKENED + "device_id: 1, silent_after: 0s", "providers.sms.silent_after", "greater"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_by_name(
    tmp_path: Path, settings: str, field: str, words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, settings)
    assert caught.value.field == field
    assert words in str(caught.value)


def test_a_login_posts_email_and_password(login: SmsGateway24Provider) -> None:
    request = LOGIN.request(login)
    assert request.path == "getdata/gettoken"
    assert parse_qs(request.body.decode()) == {"email": ["login@example.com"], "pass": [TOKEN]}


def test_a_got_token_is_used_from_then_on(login: SmsGateway24Provider) -> None:
    outcome = LOGIN.read(answer(200, GOT), login)
    assert outcome.kind is OutcomeKind.DONE
    login.adopt(outcome.reference)
    operation = SMSGATEWAY24.operations["getalldevices"]
    request = LOGIN.request(login), operation.request({}, IDENTITY, login)
    assert [b"df427bfcf113c9a21c67718035076b5b" in made.body for made in request] == [False, True]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, WRONG, OutcomeKind.UNAUTHORIZED),
        (400, WRONG, OutcomeKind.UNAUTHORIZED),
        (401, "", OutcomeKind.UNAUTHORIZED),
        (403, "", OutcomeKind.UNAUTHORIZED),
        (404, "", OutcomeKind.UNAUTHORIZED),
        (302, "", OutcomeKind.UNAUTHORIZED),
        (500, "", OutcomeKind.TEMPORARY),
        (503, "", OutcomeKind.TEMPORARY),
        (429, "", OutcomeKind.TEMPORARY),
        (200, "<html>", OutcomeKind.UNKNOWN),
        (200, '{"error":0,"message":"OK"}', OutcomeKind.UNKNOWN),
        (200, '{"error":0,"token":""}', OutcomeKind.UNKNOWN),
        (200, '{"error":0,"token":7}', OutcomeKind.UNKNOWN),
        (200, '{"error":0,"token":"a\\nb"}', OutcomeKind.UNKNOWN),
    ],
)
def test_why_there_is_no_token(
    status: int, body: str, kind: OutcomeKind, login: SmsGateway24Provider
) -> None:
    outcome = LOGIN.read(answer(status, body), login)
    assert (outcome.kind, outcome.reference) == (kind, None)
    assert outcome.reason


def test_the_vendors_words_are_told(login: SmsGateway24Provider) -> None:
    assert "Login or password incorrect" in LOGIN.read(answer(200, WRONG), login).reason


def test_the_operation_never_hands_the_token_on(login: SmsGateway24Provider) -> None:
    """A reference is kept in the journal."""
    outcome = SMSGATEWAY24.operations["gettoken"].read(answer(200, GOT), {}, login)
    assert (outcome.kind, outcome.reference, outcome.reason) == (OutcomeKind.DONE, None, "")


@pytest.mark.parametrize("call", list(SMSGATEWAY24.operations))
@pytest.mark.parametrize("status", [200, 400])
def test_a_refusal_that_speaks_of_the_token_pauses_the_provider(
    call: str, status: int, sms: SmsGateway24Provider
) -> None:
    """There is no code for it: the word is all there is to go by."""
    refused = answer(status, '{"error":1,"message":"Token is incorrect"}')
    outcome = SMSGATEWAY24.operations[call].read(refused, {}, sms)
    assert outcome.kind is OutcomeKind.UNAUTHORIZED


def test_which_words_speak_of_the_token_can_be_set(token: SecretRef) -> None:
    provider = sms_provider(token, token_texts=["access denied"])
    read = SMSGATEWAY24.operations["addsms"].read
    denied = answer(200, '{"error":1,"message":"Access DENIED"}')
    other = answer(200, '{"error":1,"message":"Token is incorrect"}')
    assert read(denied, {}, provider).kind is OutcomeKind.UNAUTHORIZED
    assert read(other, {}, provider).kind is OutcomeKind.REFUSED


@settings(deadline=None)
@given(status=st.integers(0, 999), body=st.binary(max_size=200))
def test_reading_a_login_never_raises(status: int, body: bytes) -> None:
    provider = sms_provider(SecretRef(env="X"))
    outcome = LOGIN.read(answer(status, body), provider)
    assert outcome.kind is not OutcomeKind.DONE or outcome.reference
