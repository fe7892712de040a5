import sys
from pathlib import Path

import pytest

from cartesia_cli.errors import UsageError
from cartesia_cli.local.packages import find_recognizer_assets, find_speech_assets, has_speech


@pytest.fixture
def fake_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose packages are found before the installed ones."""
    for name in ("hibari", "moonshine_voice"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write_hibari(folder: Path, init: str, *, model: bool = True) -> None:
    assets = folder / "hibari" / "assets"
    assets.mkdir(parents=True)
    (folder / "hibari" / "__init__.py").write_text(init)
    if model:
        (assets / "hibari.onnx").write_bytes(b"")


def test_the_installed_packages_are_found_without_importing_them() -> None:
    assert has_speech()
    assert (find_speech_assets() / "hibari.onnx").is_file()
    assert (find_recognizer_assets() / "encoder_model.ort").is_file()
    assert "moonshine_voice" not in sys.modules


@pytest.mark.parametrize("name", ["hibari", "onnxruntime"])
def test_a_missing_package_is_an_error_with_the_install_line(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)

    assert not has_speech()
    with pytest.raises(UsageError, match="not installed") as caught:
        find_speech_assets()
    assert caught.value.hint == "Install it with: pip install 'cartesia-cli[local]'"


def test_a_missing_recogniser_is_an_error_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moonshine_voice", None)

    with pytest.raises(UsageError, match="recogniser is not installed") as caught:
        find_recognizer_assets()
    assert "pip install 'cartesia-cli[local]'" in str(caught.value.hint)


def test_another_version_is_refused_by_name(fake_packages: Path) -> None:
    write_hibari(fake_packages, '__version__ = "0.3.0"\nraise ImportError\n')

    with pytest.raises(UsageError, match=r"needs hibari-tts 0\.2\.1, not 0\.3\.0"):
        find_speech_assets()


def test_a_package_without_a_version_is_refused(fake_packages: Path) -> None:
    write_hibari(fake_packages, "")

    with pytest.raises(UsageError, match="not an unknown version"):
        find_speech_assets()


def test_a_package_without_its_model_is_called_broken(fake_packages: Path) -> None:
    write_hibari(fake_packages, '__version__ = "0.2.1"\n', model=False)

    with pytest.raises(UsageError, match="do not work") as caught:
        find_speech_assets()
    assert "--force-reinstall" in str(caught.value.hint)


def test_a_recogniser_without_weights_is_refused(fake_packages: Path) -> None:
    assets = fake_packages / "moonshine_voice" / "assets" / "tiny-en"
    assets.mkdir(parents=True)
    (fake_packages / "moonshine_voice" / "__init__.py").write_text("raise OSError\n")
    (assets / "encoder_model.ort").write_bytes(b"short")

    with pytest.raises(UsageError, match=r"encoder_model\.ort is missing or not the one") as caught:
        find_recognizer_assets()
    assert "moonshine-voice==0.1.0" in str(caught.value.hint)
