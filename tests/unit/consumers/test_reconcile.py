"""What a lookup may conclude: which text is ours, and when not found means not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consumers.reconcile import Absent, Found, Looked, Reconciler, Unproven
from core.configuration import SecretRef
from core.journal.port import Earlier
from tests.samples import NOON, an_action
from vendors.lookup import Finding, Query, Sighting
from vendors.provider import Provider
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.wire import Answer, Identity, Params, Request

PROVIDER = SmsGateway24Provider(token=SecretRef(env="X"), device_id=1, region="DE")
IDENTITY = Identity(request_id="r", tag=7, called_at=NOON)
EARLIER = Earlier(action_id="ac_e", generation=0, called_at=NOON, reference="1", params={})


@dataclass
class Account:
    """What each form of question finds of ours, which forms find the earlier text, and what the
    journal knows."""

    finds: dict[str, list[str]]
    proves: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    earlier: Earlier | None = EARLIER

    def queries(self, params: Params, identity: Identity, provider: Provider) -> Sequence[Query]:
        return [
            Query(form=form, request=Request(path=form, headers={}, body=b""))
            for form in self.finds
        ]

    def read(
        self, answer: Answer, params: Params, identity: Identity, claimed: frozenset[str]
    ) -> Sighting:
        form = answer.body.decode()
        if params == EARLIER.params:
            found = [EARLIER.reference] if form in self.proves else []
        else:
            found = [reference for reference in self.finds[form] if reference not in claimed]
        if not found:
            return Sighting(finding=Finding.EMPTY)
        return Sighting(finding=Finding.FOUND, reference=found[0])

    async def ask(self, request: Request) -> Answer:
        return Answer(status=200, headers={}, body=request.path.encode())

    async def last_done(self, provider: str, operation: str, *, other_than: str) -> Earlier | None:
        return self.earlier

    async def references(self, provider: str, references: Sequence[str]) -> frozenset[str]:
        return self.known & frozenset(references)

    async def look(self) -> object:
        looked = Looked(operation=SMSGATEWAY24.operations["send"], lookup=self, provider=PROVIDER)
        return await Reconciler("sms", self).find(
            an_action(), {"to": "+49"}, IDENTITY, held=looked, ask=self.ask
        )


TAG, PHONE = frozenset({"tag"}), frozenset({"phone"})


async def test_a_text_that_another_action_is_known_to_have_made_is_not_ours() -> None:
    known = frozenset({"1"})
    assert await Account({"tag": ["1"]}, proves=TAG, known=known).look() == Absent()
    assert await Account({"tag": ["1", "2"]}, known=known).look() == Found(reference="2")


async def test_empty_means_absent_only_where_the_form_finds_an_earlier_text() -> None:
    assert await Account({"tag": []}, proves=TAG).look() == Absent()
    assert isinstance(await Account({"tag": []}).look(), Unproven)


async def test_without_any_earlier_text_empty_proves_nothing() -> None:
    assert isinstance(await Account({"tag": []}, proves=TAG, earlier=None).look(), Unproven)


async def test_a_form_that_proves_nothing_does_not_keep_another_from_finding_it() -> None:
    """The provider lost our tag, but shows the text by its number."""
    assert await Account({"tag": [], "phone": ["2"]}).look() == Found(reference="2")


async def test_one_unproven_form_is_enough_to_prove_nothing() -> None:
    found = await Account({"tag": [], "phone": []}, proves=TAG).look()
    assert isinstance(found, Unproven)
    assert "phone" in found.reason
    assert await Account({"tag": [], "phone": []}, proves=TAG | PHONE).look() == Absent()
