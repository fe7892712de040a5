import multiprocessing
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cartesia_cli.errors import CartesiaError, OutputError, RequestError, UsageError
from cartesia_cli.local.accents import ATTACHABLE, known_accents
from cartesia_cli.local.catalogue import FILE_NAME, LocalCatalogue
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.lexicon import Lexicon
from cartesia_cli.local.tags import Plain, Pronounced
from cartesia_cli.local.text import Sentence, sentences
from cartesia_cli.models import (
    AudioFormat,
    Encoding,
    Flush,
    LocalizeRequest,
    PhonemeTimings,
    Pronunciation,
    SpeechRequest,
    Voice,
    WordTimings,
)

if TYPE_CHECKING:
    from cartesia_cli.engines import DictionaryCatalogue, VoiceChanger, VoiceLibrary

FORMAT = AudioFormat(Encoding.PCM_S16LE, 24_000)
UNKNOWN = "11111111-2222-4333-8444-555555555555"
HEART = "7eef6874-fa50-566f-9102-5b6844916d4f"


@pytest.fixture
def catalogue() -> Iterator[LocalCatalogue]:
    kept = LocalCatalogue(":memory:")
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    kept = LocalCatalogue(":memory:")
    yield LocalEngine(kept)
    kept.close()


def make(catalogue: LocalCatalogue, name: str, *parts: tuple[str, float]) -> Voice:
    embedding = catalogue.mix_voices(parts or [("male", 1.0)])
    return catalogue.create_voice(name, embedding, description="Mine", language="en")


def phonemes(engine: LocalEngine, request: SpeechRequest) -> str:
    events = engine.synthesize(request)
    return " ".join(
        each.phoneme for event in events if isinstance(event, PhonemeTimings) for each in event.phonemes
    )


def said(lexicon: Lexicon, text: str) -> list[str]:
    """Return how each word is said: plain text, or phonemes with bars between."""
    return [
        "".join(
            part.text if isinstance(part, Plain) else "|".join(part.phonemes)
            for part in word.parts
            if isinstance(part, Plain | Pronounced)
        )
        for sentence in sentences(text)
        if isinstance(sentence, Sentence)
        for word in lexicon.apply(sentence).words
    ]


def test_the_catalogue_and_the_engine_fit_their_protocols(catalogue: LocalCatalogue) -> None:
    library: VoiceLibrary = catalogue
    dictionaries: DictionaryCatalogue = catalogue
    changer: VoiceChanger = LocalEngine(catalogue)

    assert len([*library.voices()]) == 6
    assert [*dictionaries.dictionaries()] == []
    assert changer is not None


def test_reading_creates_nothing(tmp_path: Path) -> None:
    catalogue = LocalCatalogue(tmp_path / "data")

    assert len([*catalogue.voices()]) == 6
    assert [*catalogue.dictionaries()] == []
    for missing in (catalogue.delete_voice, catalogue.get_dictionary, catalogue.delete_dictionary):
        with pytest.raises(RequestError):
            missing(UNKNOWN)
    with pytest.raises(RequestError):
        catalogue.update_voice(UNKNOWN, {"name": "x"})

    assert [*tmp_path.iterdir()] == []


def test_what_is_made_stays_in_the_users_data_folder() -> None:
    voice = make(LocalCatalogue(), "Nora")

    kept = LocalCatalogue()

    assert kept.get_voice(voice.id) == voice
    assert (Path(os.environ["XDG_DATA_HOME"]) / "cartesia" / FILE_NAME).is_file()


def test_a_voice_made_here_comes_last_and_is_ones_own(catalogue: LocalCatalogue) -> None:
    voice = make(catalogue, "Nora")

    assert [each.name for each in catalogue.voices()][-1] == "Nora"
    assert voice.is_owner
    assert [*catalogue.voices(owned=True)] == [voice]
    assert voice not in [*catalogue.voices(owned=False)]
    assert [*catalogue.voices(query="nORa")] == [voice]
    assert [*catalogue.voices(language="de")] == []


def test_the_engine_finds_own_voices_by_name_and_id_after_the_built_in_ones(engine: LocalEngine) -> None:
    named_like_a_variant = make(engine.catalogue, "Heart")
    voice = make(engine.catalogue, "Nora", ("heart", 1.0), ("deep", 1.0))

    assert engine.get_voice("nora") == engine.get_voice(voice.id) == voice
    assert engine.get_voice("heart").id == HEART
    assert engine.get_voice(named_like_a_variant.id).name == "Heart"
    assert phonemes(engine, SpeechRequest("Shoe.", "NORA", FORMAT, phoneme_timestamps=True)) == "ʃ u"


def test_two_voices_of_one_name_are_told_apart_by_their_ids(catalogue: LocalCatalogue) -> None:
    ids = [make(catalogue, "Nora").id for _ in range(2)]

    with pytest.raises(UsageError, match="2 voices are called") as caught:
        catalogue.get_voice("Nora")

    assert all(each in str(caught.value.hint) for each in ids)


def test_an_unknown_name_is_answered_with_names_made_here_too(catalogue: LocalCatalogue) -> None:
    make(catalogue, "Nora")

    with pytest.raises(UsageError, match="called 'Norra'") as caught:
        catalogue.get_voice("Norra")

    assert "Did you mean Nora?" in str(caught.value.hint)


def test_a_voice_made_here_can_be_changed_and_deleted(catalogue: LocalCatalogue) -> None:
    voice = make(catalogue, "Nora")

    changed = catalogue.update_voice(
        voice.id, {"name": " Nora II ", "description": "New", "gender": "feminine", "accent": "british"}
    )
    plain = catalogue.update_voice(voice.id, {"gender": None})

    assert (changed.name, changed.description, changed.gender) == ("Nora II", "New", "feminine")
    assert changed.fields["locales"] == [{"locale": "en-GB", "is_native": True}]
    assert plain.gender is None
    assert catalogue.get_voice(voice.id) == plain
    catalogue.delete_voice(voice.id)
    with pytest.raises(RequestError):
        catalogue.get_voice(voice.id)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": " "}, UsageError),
        ({"name": "x" * 201}, UsageError),
        ({"gender": "other"}, UsageError),
        ({"accent": "martian"}, RequestError),
        ({"id": "x"}, UsageError),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(
    catalogue: LocalCatalogue, changes: dict[str, str | None], error: type[CartesiaError]
) -> None:
    voice = make(catalogue, "Nora")

    with pytest.raises(error):
        catalogue.update_voice(voice.id, {"description": "x", **changes})

    assert catalogue.get_voice(voice.id) == voice


@pytest.mark.parametrize("voice", ["heart", HEART, "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"])
def test_a_built_in_voice_can_be_neither_changed_nor_deleted(catalogue: LocalCatalogue, voice: str) -> None:
    with pytest.raises(RequestError, match="built in"):
        catalogue.update_voice(voice, {"name": "x"})
    with pytest.raises(RequestError, match="built in"):
        catalogue.delete_voice(voice)
    with pytest.raises(RequestError, match="built in"):
        catalogue.add_accents(voice, ["british"])


def test_the_accents_are_those_of_the_api(catalogue: LocalCatalogue) -> None:
    accents = [*catalogue.accents()]

    assert len(accents) == 79
    assert [accent.id for accent in accents] == sorted(accent.id for accent in accents)
    assert len(ATTACHABLE) == 25
    assert set(known_accents()) >= ATTACHABLE
    usual = [accent.locale for accent in accents if accent.fields["is_locale_default"]]
    assert sorted(usual) == sorted({accent.locale for accent in accents})
    assert all(accent.locale.startswith(f"{accent.language}-") for accent in accents)


def test_accents_are_noted_for_own_voices(catalogue: LocalCatalogue) -> None:
    voice = make(catalogue, "Nora")

    both = catalogue.add_accents(voice.id, ["british", "parisian", "british"])
    one = catalogue.remove_accent(voice.id, "british")

    assert both.fields["accents"] == ["general-american", "british", "parisian"]
    assert [each["locale"] for each in both.fields["locales"]] == ["en-US", "en-GB", "fr-FR"]
    assert one.fields["accents"] == ["general-american", "parisian"]
    for accent in ("british", "general-american"):
        with pytest.raises(RequestError):
            catalogue.remove_accent(voice.id, accent)
    with pytest.raises(RequestError, match="at most 10"):
        catalogue.add_accents(voice.id, sorted(ATTACHABLE))
    with pytest.raises(RequestError, match="learn"):
        catalogue.add_accents(voice.id, ["irish"])
    assert catalogue.get_voice(voice.id) == one


def test_a_voice_is_localized_to_the_one_accent_alone(catalogue: LocalCatalogue) -> None:
    copy = catalogue.localize_voice(LocalizeRequest("male", "Copy", "general-american", tagline="Mine"))

    assert catalogue.find(copy.id).timbre == catalogue.find("male").timbre
    assert copy.fields["tagline"] == "Mine"
    with pytest.raises(RequestError, match="it has one, general-american"):
        catalogue.localize_voice(LocalizeRequest("male", "Copy", "british"))
    with pytest.raises(RequestError, match="no accent"):
        catalogue.localize_voice(LocalizeRequest("male", "Copy", "martian"))


def test_a_mixture_lies_between_its_voices(catalogue: LocalCatalogue) -> None:
    whole = make(catalogue, "Whole", ("male", 3.0))
    between = make(catalogue, "Between", ("heart", 1.0), ("male", 1.0))

    assert catalogue.find(whole.id).timbre.pitch == pytest.approx(0.70)
    assert catalogue.find(between.id).timbre.pitch == pytest.approx(0.70**0.5)


@pytest.mark.parametrize("embedding", [[], [0.0] * 192, [1.0] * 192, [float("nan")] * 192])
def test_an_embedding_of_another_engine_is_refused(catalogue: LocalCatalogue, embedding: list[float]) -> None:
    with pytest.raises(RequestError, match="not made by the built-in engine"):
        catalogue.create_voice("x", embedding, description=None, language=None)


def test_weights_may_be_of_any_size(catalogue: LocalCatalogue) -> None:
    small, large = (catalogue.mix_voices([("heart", size), ("male", size)]) for size in (1e-300, 1e308))

    assert small == large


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [1.0, -0.5], [float("inf"), 1.0]])
def test_weights_that_make_no_mixture_are_refused(catalogue: LocalCatalogue, weights: list[float]) -> None:
    with pytest.raises(UsageError):
        catalogue.mix_voices([*zip(["heart", "male"], weights, strict=False)])


def test_an_embedding_speaks_like_its_voice(engine: LocalEngine) -> None:
    embedding = engine.catalogue.mix_voices([("deep", 1.0)])
    by_name = SpeechRequest("Hello.", "deep", FORMAT)
    by_embedding = SpeechRequest("Hello.", "", FORMAT, voice_embedding=embedding)

    assert [*engine.synthesize(by_name)] == [*engine.synthesize(by_embedding)]


def test_dictionaries_are_kept_changed_and_deleted(tmp_path: Path) -> None:
    made = LocalCatalogue(tmp_path).create_dictionary("Names", [Pronunciation("Köln", "kern", True)])

    catalogue = LocalCatalogue(tmp_path)
    assert [*catalogue.dictionaries()] == [made]
    changed = catalogue.update_dictionary(made.id, [Pronunciation("a", "b")])
    renamed = catalogue.update_dictionary(made.id, None, name="Others")
    assert (changed.name, changed.items) == ("Names", (Pronunciation("a", "b"),))
    assert (renamed.name, renamed.items) == ("Others", (Pronunciation("a", "b"),))
    catalogue.delete_dictionary(made.id)
    assert [*catalogue.dictionaries()] == []


@pytest.mark.parametrize(
    "item", [Pronunciation("", "x"), Pronunciation("x", " "), Pronunciation("x" * 101, "x")]
)
def test_a_pronunciation_that_cannot_be_is_refused(catalogue: LocalCatalogue, item: Pronunciation) -> None:
    with pytest.raises(UsageError):
        catalogue.create_dictionary("x", [item])


@pytest.mark.parametrize(
    ("item", "text", "expected"),
    [
        (
            Pronunciation("GPU", "gee pee you"),
            "the gpu, GPU-based",
            ["the", "gee pee you,", "gee pee you-based"],
        ),
        (Pronunciation("GPU", "x"), "GPUs", ["GPUs"]),
        (Pronunciation("C++", "see"), "C++!", ["see!"]),
        (Pronunciation("polish", "x", True), "Polish polish Polish", ["x", "x", "Polish"]),
        (Pronunciation("Polish", "x", True), "polish Polish", ["polish", "x"]),
        (Pronunciation("New York", "big apple"), "in new  York.", ["in", "big", "apple."]),
        (Pronunciation("New York", "one"), '"New York".', ['"one', '".']),
        (Pronunciation("NYC", "new york city"), "(NYC)", ["(new york city)"]),
        (Pronunciation("cat", "<<d|ɔ|ɡ>>"), "cat,", ["d|ɔ|ɡ,"]),
        (Pronunciation("ab", "x"), "<spell>ab</spell> ab", ["", "x"]),
    ],
)
def test_whole_words_are_said_as_the_dictionary_has_it(
    item: Pronunciation, text: str, expected: list[str]
) -> None:
    assert said(Lexicon([item]), text) == expected


def test_the_longer_text_wins() -> None:
    lexicon = Lexicon([Pronunciation("York", "x"), Pronunciation("New York", "y z")])

    assert said(lexicon, "York New York") == ["x", "y", "z"]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_dictionary_changes_the_sound_and_not_the_written_words(
    engine: LocalEngine, *, streamed: bool
) -> None:
    known = engine.catalogue.create_dictionary(
        "x", [Pronunciation("cat", "<<d|ɔ|ɡ>>"), Pronunciation("東京", "Tokyo")]
    )
    text = "The cat likes 東京."
    request = SpeechRequest(
        text, "heart", FORMAT, word_timestamps=True, phoneme_timestamps=True, pronunciation_dict_id=known.id
    )

    pieces = ["The c", "at likes 東", "京."]
    events = [*(engine.stream(request, [*pieces, Flush()]) if streamed else engine.synthesize(request))]

    words = [each.word for event in events if isinstance(event, WordTimings) for each in event.words]
    heard = [each.phoneme for event in events if isinstance(event, PhonemeTimings) for each in event.phonemes]
    assert words == text.split()
    assert "".join(heard).startswith("ðədɔɡ")
    assert "".join(heard).endswith("toʊkioʊ")


def test_a_text_that_only_the_dictionary_can_say_is_spoken(engine: LocalEngine) -> None:
    known = engine.catalogue.create_dictionary("x", [Pronunciation("東京", "Tokyo")])
    request = SpeechRequest("東京", "heart", FORMAT, phoneme_timestamps=True)

    with pytest.raises(UsageError, match="nothing to say"):
        engine.synthesize(request)
    with_dictionary = SpeechRequest(
        "東京", "heart", FORMAT, phoneme_timestamps=True, pronunciation_dict_id=known.id
    )
    assert phonemes(engine, with_dictionary) == "t oʊ k i oʊ"


def test_an_unknown_dictionary_is_refused(engine: LocalEngine) -> None:
    with pytest.raises(RequestError, match="no pronunciation dictionary"):
        engine.synthesize(SpeechRequest("Hi.", "heart", FORMAT, pronunciation_dict_id="pdict_x"))


def add_voices(folder: str, n: int) -> None:
    catalogue = LocalCatalogue(Path(folder))
    for number in range(n):
        make(catalogue, f"{os.getpid()} {number}")


def test_processes_and_threads_write_at_the_same_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=add_voices, args=(str(tmp_path), 10)) for _ in range(2)]
    for worker in workers:
        worker.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: add_voices(str(tmp_path), n), [10] * 4))
    for worker in workers:
        worker.join(30)

    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len([*LocalCatalogue(tmp_path).voices(owned=True)]) == 60


def test_a_change_that_fails_half_way_is_undone(tmp_path: Path) -> None:
    catalogue = LocalCatalogue(tmp_path)
    voice = make(catalogue, "Nora")

    with pytest.raises(RequestError):
        catalogue.remove_accent(voice.id, "british")

    assert make(catalogue, "Later").name == "Later"
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE_NAME]


def test_a_file_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database " * 100)

    with pytest.raises(UsageError, match="is damaged"):
        LocalCatalogue(tmp_path).get_voice(UNKNOWN)


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 2")
    connection.close()

    with pytest.raises(UsageError, match="newer version"):
        make(LocalCatalogue(tmp_path), "x")


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="cannot be written"):
        make(LocalCatalogue(tmp_path / "file" / "data"), "x")
