"""What may say no before a call: a dry run, a list of the only recipients, the vendor's own rules.

What must not go in: anything that has to ask somebody; a guard looks at the action and the
settings.
"""

from __future__ import annotations

from core.messages import Action
from vendors.operation import Operation
from vendors.provider import Provider
from vendors.wire import Params


def refusal(action: Action, operation: Operation, provider: Provider) -> str | None:
    """Why this action must not be called, or None. It then ends as `skipped`."""
    return refusal_of(action.params, action.recipient, operation, provider)


def refusal_of(
    params: Params, recipient: str | None, operation: Operation, provider: Provider
) -> str | None:
    """The same for a call that is no action of an event."""
    if reason := operation.guard(params, provider):
        return reason
    if provider.mode == "dry-run":
        return "dry run: the provider's mode is dry-run"
    if provider.only_to and recipient not in provider.only_to:
        return "the recipient is not among the provider's only_to"
    return None
