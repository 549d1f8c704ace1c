"""The API is what `/openapi.json` says, and the page of it works with nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import jsonschema_rs
import pytest
from playwright.async_api import async_playwright

from gateway.http.openapi import describe
from gateway.http.routes import ROUTES
from tests.conforming import conforming, serving

EXAMPLES = 50


@pytest.mark.timeout(240)
def test_thousands_of_requests_are_answered_as_described(tmp_path: Path) -> None:
    """Valid and broken ones: no status and no body that the description does not have."""
    with serving(tmp_path) as url:
        result = conforming(url, tmp_path, examples=EXAMPLES, seed=1)
    assert result.conforms, result.told
    assert result.generated >= 2000


def test_every_route_is_described_with_every_error_it_names() -> None:
    described = describe(ROUTES)
    for route in ROUTES:
        operation = described["paths"][route.path][route.method.lower()]
        assert {str(status) for status in route.answers} <= set(operation["responses"])
        assert {"404", "405", "429"} <= set(operation["responses"])
        assert bool(operation.get("security")) == (route.security is not None)
    for schema in described["components"]["schemas"].values():
        # Raises for one that is no schema, or refers to what is not there.
        jsonschema_rs.validator_for({**schema, "components": described["components"]})


async def test_the_page_shows_everything_and_asks_for_nothing_else(tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        await asyncio.wait_for(look_at(url), 60)


async def look_at(url: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = await browser.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(f"{url}/docs")
        text = await page.inner_text("body")
        for route in ROUTES:
            assert route.path in text
        assert await page.locator("h2 .method").count() == len(ROUTES)
        # The style is in force: the policy lets it.
        method = page.locator("h2 .method").first
        assert await method.evaluate("it => getComputedStyle(it).whiteSpace") == "nowrap"
        await page.get_by_role("link", name="Receipt", exact=True).first.click()
        assert page.url.endswith("#Receipt")
        assert asked == [f"{url}/docs"]
        assert complaints == []
        await browser.close()
