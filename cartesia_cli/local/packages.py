"""Where the packages of the extra ``local`` are. Finds them without importing them."""

import re
from importlib.util import find_spec
from pathlib import Path

from cartesia_cli.errors import UsageError

INSTALL = "pip install 'cartesia-cli[local]'"
"""What a user types to have the embedded engine."""

_HIBARI_VERSION = "0.2.1"
_VERSION_LINE = re.compile(r"^__version__ = [\"']([^\"']+)[\"']", re.MULTILINE)
_RECOGNIZER_FILES = {
    "encoder_model.ort": 13_281_600,
    "decoder_model_merged.ort": 30_412_256,
    "tokenizer.bin": 249_974,
}
"""Their sizes in bytes; the digests are checked where the files are read."""


def has_speech() -> bool:
    """Whether the packages for speech are there; says nothing of whether they work."""
    return find_spec("hibari") is not None and find_spec("onnxruntime") is not None


def find_speech_assets() -> Path:
    """Return the folder of the speech model's files.

    Raises:
        UsageError: the extra is missing, of another version, or broken.
    """
    if not has_speech():
        raise UsageError("The built-in voice is not installed.", hint=f"Install it with: {INSTALL}")
    package = _folder_of("hibari")
    version = _version_in(package / "__init__.py")
    if version != _HIBARI_VERSION:
        raise UsageError(
            f"The built-in voice needs hibari-tts {_HIBARI_VERSION}, not {version or 'an unknown version'}.",
            hint=f"Install the right one with: {INSTALL}",
        )
    assets = package / "assets"
    if not (assets / "hibari.onnx").is_file():
        raise broken("the speech model is missing")
    return assets


def has_recognizer() -> bool:
    """Whether the packages for recognition are there; says nothing of whether they work."""
    return find_spec("moonshine_voice") is not None and find_spec("onnxruntime") is not None


def find_recognizer_assets() -> Path:
    """Return the folder of the recogniser's weights.

    Raises:
        UsageError: the package is missing, or is a version without weights.
    """
    if not has_recognizer():
        raise UsageError(
            "The built-in recogniser is not installed.",
            hint=f"Install it with: {INSTALL} (needs glibc 2.34, macOS 15 or Windows on x64).",
        )
    folder = _folder_of("moonshine_voice") / "assets" / "tiny-en"
    for name, size in _RECOGNIZER_FILES.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise UsageError(
                f"The built-in recogniser's {name} is missing or not the one this program knows.",
                hint="Install the right version with: pip install --force-reinstall moonshine-voice==0.1.0",
            )
    return folder


def broken(cause: object) -> UsageError:
    """Return the error for packages that are there but do not work."""
    return UsageError(
        f"The packages of the built-in voice do not work: {cause}.",
        hint=f"Install them again with: {INSTALL.replace('install', 'install --force-reinstall', 1)}",
    )


def _folder_of(package: str) -> Path:
    spec = find_spec(package)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations:
        raise broken(f"{package} is not a package")
    return Path(locations[0])


def _version_in(module: Path) -> str | None:
    """Return ``__version__`` as written in a file, since importing or asking the metadata costs 50 ms."""
    try:
        found = _VERSION_LINE.search(module.read_text("utf-8"))
    except OSError as error:
        raise broken(f"{module.name} cannot be read") from error
    return found[1] if found else None
