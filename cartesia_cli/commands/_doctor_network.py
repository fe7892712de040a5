"""The doctor's checks of the network: the API, its clock, the key's access, the credits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cartesia_cli.commands._doctor_running import Finding
from cartesia_cli.commands._doctor_setup import SetUp
from cartesia_cli.engines import open_cloud
from cartesia_cli.errors import CartesiaError, CredentialsError, RequestError

_PATIENCE = 5.0
"""Seconds for each part of the way."""

_CLOCK = 300
"""Seconds that clocks may differ; certificates and tokens depend on the time."""

_DAYS = 30


def not_needed() -> Iterator[Finding]:
    """Say that nothing was asked."""
    yield Finding("api", "ok", "Not asked: the settings choose the built-in engine.")


def check_api(set_up: SetUp) -> Iterator[Finding]:
    """Ask the API for anything, without the key, and compare the clocks."""
    from cartesia_cli.api.probe import knock

    settings = set_up.settings
    host = urlsplit(settings.base_url).netloc
    try:
        sign = knock(settings.base_url, headers=settings.headers, seconds=_PATIENCE)
    except CartesiaError as error:
        wanted = set_up.key is not None or settings.engine == "cloud" or _is_chosen(set_up)
        yield Finding("api", "problem" if wanted else "warning", str(error), error.hint)
        return
    way = f" through the proxy {sign.proxy}" if sign.proxy else ""
    if sign.status >= 500:
        fix = "Try again later; if it stays so, check --base-url."
        yield Finding("api", "problem", f"{host} answers{way}, with status {sign.status}.", fix)
    else:
        yield Finding("api", "ok", f"{host} answers{way}.")
    yield _compare(sign.date)


def _is_chosen(set_up: SetUp) -> bool:
    return set_up.settings.origin("base_url") != "default"


def _compare(date: datetime | None) -> Finding:
    if date is None:
        return Finding("clock", "ok", "Not compared: the server names no time.")
    ahead = (datetime.now(UTC) - date).total_seconds()
    if abs(ahead) <= _CLOCK:
        return Finding("clock", "ok", "It agrees with the server's.")
    way = "ahead of" if ahead > 0 else "behind"
    text = f"This machine's clock is {abs(ahead) / 60:.0f} minutes {way} the server's."
    return Finding("clock", "problem", text, "Set the clock, or let the system synchronise it.")


def check_access(set_up: SetUp) -> Iterator[Finding]:
    """Ask for one voice with the key."""
    from cartesia_cli.api.probe import knock

    settings = set_up.settings
    value = set_up.key.value if set_up.key else None
    try:
        sign = knock(
            settings.base_url,
            "/voices?limit=1",
            api_key=value,
            headers=settings.headers,
            seconds=_PATIENCE,
        )
    except CartesiaError as error:
        yield Finding("access", "problem", str(error), error.hint)
        return
    if sign.status in {401, 403}:
        fix = "Make a key at play.cartesia.ai/keys, then run 'cartesia auth login' or set CARTESIA_API_KEY."
        yield Finding("access", "problem", f"The API refuses the key (status {sign.status}).", fix)
    elif 200 <= sign.status < 300:
        yield Finding("access", "ok", "The API takes the key.")
    else:
        text = f"The API answers a request with the key with status {sign.status}."
        yield Finding("access", "warning", text, "Check --base-url and the account.")


def check_usage(set_up: SetUp) -> Iterator[Finding]:
    """Ask how many credits were used."""
    settings = set_up.settings
    if settings.engine == "local" or (set_up.key is None and not _is_chosen(set_up)):
        yield Finding("usage", "ok", "The built-in engine uses no credits.")
        return
    since = datetime.now(UTC) - timedelta(days=_DAYS)
    try:
        with open_cloud(replace(settings, timeout=_PATIENCE, retries=0), set_up.key) as client:
            n_credits = client.credits(since)
    except (CredentialsError, RequestError) as error:
        yield Finding("usage", "warning", str(error), error.hint)
    else:
        yield Finding("usage", "ok", f"{n_credits:,.0f} credits in the last {_DAYS} days.")
