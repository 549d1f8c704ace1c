"""A token that stands in a file, and providers that use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.configuration import SecretRef
from tests.unit.vendors.cases import altcraft_provider, sms_provider, token_in
from vendors.altcraft.provider import AltcraftProvider
from vendors.smsgateway24.provider import SmsGateway24Provider


@pytest.fixture
def token(tmp_path: Path) -> SecretRef:
    return token_in(tmp_path)


@pytest.fixture
def altcraft(token: SecretRef) -> AltcraftProvider:
    return altcraft_provider(token)


@pytest.fixture
def sms(token: SecretRef) -> SmsGateway24Provider:
    return sms_provider(token)
