"""What belongs to the account behind a key: access tokens, and the credits that were used."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cartesia_cli.access import check_key
from cartesia_cli.api.exchange import Exchange
from cartesia_cli.errors import CredentialsError, RequestError, UnavailableError
from cartesia_cli.wire.values import MalformedError, finite

if TYPE_CHECKING:
    from datetime import datetime


class Account:
    """What ``api.Client`` does for the account.

    Both methods raise CredentialsError, LimitError, RequestError or UnavailableError where there is no
    answer.
    """

    _exchange: Exchange

    def create_access_token(self, expires_in: int, grants: Sequence[str]) -> str:
        """Return a token that stands in for the key.

        Args:
            expires_in: seconds that it lasts, 3600 at most.
            grants: what it allows: ``tts``, ``stt``, ``agent``.
        """
        body = {"expires_in": expires_in, "grants": dict.fromkeys(grants, True)}
        payload = self._exchange.json("/access-token", body=body)
        token = payload.get("token") if isinstance(payload, dict) else None
        try:
            return check_key(token if isinstance(token, str) else "")
        except ValueError as error:  # it says what is wrong with the token, not the token
            raise _not_this("an access token") from error

    def credits(self, start: "datetime | None" = None, end: "datetime | None" = None) -> float:
        """Return the credits that were used in a time, which the API widens to whole days.

        Args:
            start: None for the API's choice, a few days ago.
            end: None for now.

        Raises:
            CredentialsError: the key is not an admin's.
        """
        times = {"start_ts": start, "end_ts": end}
        params = {name: _format_time(time) for name, time in times.items() if time is not None}
        try:
            payload = self._exchange.json("/usage/credits", params, absent=_no_credits())
        except CredentialsError as error:
            raise CredentialsError(
                str(error),
                hint="Only an admin key may ask for the credits; it begins with sk_car_admin_ in most cases.",
                title=error.title,
                code=error.code,
                request_id=error.request_id,
            ) from error
        buckets = payload.get("data") if isinstance(payload, dict) else None
        if not isinstance(buckets, list):
            raise _not_this("the credits used")
        try:
            return sum(
                finite(bucket.get("credits") if isinstance(bucket, dict) else None) for bucket in buckets
            )
        except MalformedError as error:
            raise _not_this("the credits used") from error


def _format_time(time: "datetime") -> str:
    """Return a time as RFC 3339 has it, in UTC; one without a zone is local."""
    from datetime import UTC

    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _not_this(expected: str) -> UnavailableError:
    return UnavailableError(
        f"The API answered without {expected}.",
        hint="Check --base-url: this may not be a server of the Cartesia API.",
    )


def _no_credits() -> RequestError:
    return RequestError("This server does not count credits.", hint="Ask the Cartesia API: see --base-url.")
