"""A request that a gateway answered, for tests of whoever keeps or asks it."""

from lamas.domain.served import ServedRequest
from tests.factories import T0


def make_request(
    request_id: str, *, run_id: str, rollout_id: str, client: str = "local"
) -> ServedRequest:
    """One message to the champion, answered whole after a second."""
    return ServedRequest(
        request_id=request_id,
        run_id=run_id,
        rollout_id=rollout_id,
        checkpoint_id=None,
        client=client,
        client_user=None,
        requested_model="lamas",
        multiplier=None,
        deadline_seconds=None,
        messages=1,
        streamed=False,
        metadata="{}",
        status=200,
        received_at=T0,
        decided_at=T0,
        answered_at=T0 + 1,
    )
