"""The sandbox page in a real browser: live, literal, readable on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import pytest
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from sandbox.app import serve_sandbox

HOSTILE = "<img src=x onerror=\"document.title='broken'\"> {{7*7}} \u202e" + "w" * 200
WIDE = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A sandbox, a client of it and a browser."""

    url: str
    http: aiohttp.ClientSession
    browser: Browser

    async def open(self, size: ViewportSize) -> tuple[Page, list[str]]:
        """A page, and what it complains of."""
        page = await self.browser.new_page(viewport=size)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        await page.goto(self.url)
        await expect(page.locator("#link")).to_have_attribute("data-state", "live")
        return page, complaints

    async def text(self, to: str, body: str) -> None:
        fields = {"token": "t", "sendto": to, "body": body, "device_id": "260"}
        async with self.http.post(f"{self.url}/smsgateway24/getdata/addsms", data=fields) as answer:
            assert (await answer.json())["error"] == 0

    async def subscribe(self, profile: str, email: str, status: str) -> None:
        params = {"token": "t", "db_id": 1, "resource_id": 1, "profile_id": profile}
        params |= {"channel": "email", "email": email, "status": status}
        url = f"{self.url}/altcraft/api/v1.1/subscriptions/set"
        async with self.http.post(url, json=params) as answer:
            assert (await answer.json())["error"] == 0


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with (
        serve_sandbox("127.0.0.1:0", pace=timedelta(milliseconds=50)) as url,
        aiohttp.ClientSession() as http,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield Stage(url=url, http=http, browser=browser)
        await browser.close()


async def test_texts_and_changes_show_up_live(stage: Stage) -> None:
    """Without a reload, and with the ticks moving on as the phone delivers."""
    page, complaints = await stage.open(WIDE)
    await expect(page.get_by_text("No texts yet.")).to_be_visible()
    await expect(page.get_by_text(f"{stage.url}/altcraft")).to_be_visible()
    await page.evaluate("window.sameDocument = true")

    await stage.text("+4915752982212", "Your order is on its way.")
    phone = page.get_by_role("article").filter(has_text="+4915752982212")
    await expect(phone.get_by_text("Your order is on its way.")).to_be_visible()
    await expect(phone.get_by_text("delivered")).to_be_visible()
    await expect(page.get_by_text("No texts yet.")).to_be_hidden()

    await stage.subscribe("p-1", "anna@example.com", "subscribed")
    await stage.subscribe("p-1", "anna@example.com", "unsubscribed")
    entries = page.locator("#entries > li")
    await expect(entries).to_have_count(2)
    await expect(entries.first).to_contain_text("unsubscribed")
    await expect(entries.first).to_contain_text("profile p-1")

    await stage.http.post(f"{stage.url}/_sandbox/reset")
    await expect(page.get_by_text("No texts yet.")).to_be_visible()
    assert await page.evaluate("window.sameDocument")
    assert complaints == []


async def test_hostile_text_is_shown_as_it_is(stage: Stage) -> None:
    page, complaints = await stage.open(WIDE)
    await stage.text("<b>+49</b>", HOSTILE)
    await stage.subscribe("<script>x</script>", "<i>a</i>@b", "subscribed")
    shown = await page.locator(".bubble .body").inner_text()
    assert shown == HOSTILE.replace("\u202e", "⟨U+202E⟩")
    await expect(page.get_by_role("heading", name="<b>+49</b>")).to_be_visible()
    await expect(page.locator("#entries")).to_contain_text("<i>a</i>@b")
    await expect(page.locator("#entries")).to_contain_text("profile <script>x</script>")
    assert await page.title() == "Postern sandbox"
    assert await page.locator("img, #entries i, .phone b").count() == 0
    assert complaints == []


async def test_on_a_phone_nothing_scrolls_sideways_and_both_views_are_a_tap_away(
    stage: Stage,
) -> None:
    await stage.text("+4915752982212", HOSTILE)
    await stage.subscribe("p" * 200, "a" * 100 + "@example.com", "subscribed")
    page, _ = await stage.open(PHONE)
    width = "document.documentElement.scrollWidth"
    await expect(page.locator(".bubble")).to_be_visible()
    assert await page.evaluate(width) <= 390
    await expect(page.locator("#timeline")).to_be_hidden()
    await page.get_by_role("button", name="Subscriptions").click()
    await expect(page.locator("#entries > li")).to_be_visible()
    await expect(page.locator("#texts")).to_be_hidden()
    assert await page.evaluate(width) <= 390
    await page.get_by_text("Make a call go wrong").click()
    assert await page.evaluate(width) <= 390


async def test_a_fault_can_be_ordered_from_the_page(stage: Stage) -> None:
    page, _ = await stage.open(WIDE)
    await page.get_by_text("Make a call go wrong").click()
    await page.get_by_label("Fault").select_option("error-body")
    await page.get_by_role("button", name="Order it").click()
    await expect(page.locator("#standing")).to_contain_text("addsms: error-body, 1 left")
    fields = {"token": "t", "sendto": "+1", "body": "x", "device_id": "1"}
    url = f"{stage.url}/smsgateway24/getdata/addsms"
    async with stage.http.post(url, data=fields) as answer:
        assert (await answer.json())["error"] == 1
