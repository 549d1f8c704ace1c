"""Providers out of the configuration: which URLs are taken, and what only starts with secrets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from core.document import Document, read_document
from core.errors import ConfigurationError
from vendors.load import load_journal, load_providers, read_secrets
from vendors.registry import VENDORS


def document(tmp_path: Path, text: str) -> Document:
    file = tmp_path / "postern.yaml"
    file.write_text(text, encoding="utf-8")
    return read_document(file)


def with_url(tmp_path: Path, url: str) -> Document:
    return document(
        tmp_path,
        f"""
allow_hosts: [sandbox.internal, 10.0.0.7, "fd00::7"]
providers:
  altcraft: {{kind: altcraft, url: '{url}', token: {{env: TOKEN}}}}
""",
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/base/path",
        "https://EXAMPLE.com",
        "https://8.8.8.8",
        "http://127.0.0.1:8181/altcraft",
        "https://127.9.9.9",
        "http://[::1]:80",
        "http://localhost:8181",
        "http://sandbox.internal/altcraft",
        "https://10.0.0.7",
        "http://[fd00::7]",
    ],
)
def test_urls_that_are_taken(tmp_path: Path, url: str) -> None:
    assert load_providers(with_url(tmp_path, url), VENDORS)["altcraft"].url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://8.8.8.8",
        "ftp://example.com",
        "file:///etc/passwd",
        "example.com",
        "//example.com",
        "https://",
        "",
        "https://user@example.com",
        "https://user:secret-pw@example.com",
        "https://example.com?x=1",
        "https://example.com?",
        "https://example.com/#x",
        "https://10.0.0.8",
        "https://192.168.1.1",
        "https://172.16.0.1",
        "https://169.254.169.254",
        "https://100.64.0.1",
        "https://0.0.0.0",
        "https://224.0.0.1",
        "https://[fe80::1]",
        "https://[fd00:ec2::254]",
        "https://[::ffff:169.254.169.254]",
        "https://[::]",
        "https://10.1",
        "https://167772161",
        "https://0xa.0.0.1",
        "https://0xa000001",
        "https://0251.0376.0251.0376",
        "https://example.com:99999",
        "https://exa mple.com",
        "https://example.com\\@evil.example",
        "https://evil.sandbox.internal.example@10.0.0.8",
        "https://ünicode.example",
        "https://[::1",
    ],
)
def test_urls_that_could_lead_elsewhere_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_providers(with_url(tmp_path, url), VENDORS)
    assert (caught.value.field, caught.value.line) == ("providers.altcraft.url", 4)
    assert "secret-pw" not in str(caught.value)


@pytest.mark.parametrize("host", ["'https://x'", "x/y", "'x:80'", "7", "'X'", "''"])
def test_allow_hosts_holds_names_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_providers(document(tmp_path, f"allow_hosts: [ok.example, {host}]\n"), VENDORS)
    assert caught.value.field == "allow_hosts[1]"


@pytest.mark.parametrize("name", ["Sms", "1sms", "s_ms", "s.ms", "x" * 41, '"sms "'])
def test_a_name_that_could_not_be_a_queue_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="names are"):
        load_providers(document(tmp_path, f"providers: {{{name}: {{kind: altcraft}}}}\n"), VENDORS)


def test_a_key_of_another_vendor_is_unknown(tmp_path: Path) -> None:
    sms = "{kind: smsgateway24, token: {env: T}, device_id: 1, region: DE, db_id: 1}"
    text = f"providers:\n  sms: {sms}\n"
    with pytest.raises(ConfigurationError) as caught:
        load_providers(document(tmp_path, text), VENDORS)
    assert caught.value.field == "providers.sms.db_id"


def test_tokens_are_read_apart_and_never_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    found = with_url(tmp_path, "https://example.com")
    providers = load_providers(found, VENDORS)
    with pytest.raises(ConfigurationError) as caught:
        read_secrets(found, providers)
    assert (caught.value.field, caught.value.line) == ("providers.altcraft.token", 4)
    monkeypatch.setenv("TOKEN", "hunter2")
    read_secrets(found, providers)
    monkeypatch.delenv("TOKEN")
    assert providers["altcraft"].credential() == "hunter2"
    assert "hunter2" not in repr(providers)


def test_no_providers_are_no_error(tmp_path: Path) -> None:
    assert load_providers(document(tmp_path, "rules: []\n"), VENDORS) == {}


@pytest.mark.parametrize(
    ("text", "keep"),
    [("rules: []", timedelta(days=30)), ("journal: {keep: 12h}", timedelta(hours=12))],
)
def test_the_journal_is_kept_thirty_days_unless_said(
    tmp_path: Path, text: str, keep: timedelta
) -> None:
    assert load_journal(document(tmp_path, text)).keep == keep


@pytest.mark.parametrize("keep", ["0s", "-1d", "30", "forever", "99999d"])
def test_a_time_to_keep_that_is_none_is_refused(tmp_path: Path, keep: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_journal(document(tmp_path, f"journal: {{keep: {keep}}}\n"))
    assert caught.value.field == "journal.keep"
