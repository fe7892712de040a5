"""Which languages the built-in voice speaks."""

from cartesia_cli.errors import UsageError


def check_language(*names: str | None) -> None:
    """Check the codes of languages or locales; None is as good as English.

    Raises:
        UsageError: one of them is not English.
    """
    for name in names:
        if name is not None and name.replace("_", "-").partition("-")[0].lower() != "en":
            raise UsageError(
                f"The built-in voice speaks English only, not {name!r}.",
                hint="Use --engine cloud for other languages.",
                title="Language not supported",
                code="language_not_supported",
            )
