"""Whatever a manifest holds, each file has one name that every file system takes, inside of the folder."""

import re
import subprocess
import sys
import tracemalloc
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cartesia_cli.batch.manifest import Line
from cartesia_cli.batch.naming import Claims, Names
from cartesia_cli.errors import UsageError
from cartesia_cli.models import FILE_FORMATS

ANY_CHARACTER = st.characters() | st.sampled_from('/\\.:<>|"?*~ \x00\x7f\u2028\u0301\u017f\u200d\U0001ffff')
ANYTHING = st.text(ANY_CHARACTER, min_size=1, max_size=300) | st.sampled_from(
    ["..", ".", "/etc/passwd", "C:\\x", "CON", "nul.tar", "COM¹", "a.", " ", ".cartesia-journal", "é" * 500]
)
DEEP = "a/b/c/d/e/f/g/h/i/{id}/{id}/{id}"
TEMPLATES = ["{id}", "{line}", "{voice}/{id}", "{slug}", "{voice}{slug}-{line}", DEEP]


def line(
    number: int = 12,
    text: str = "Hello there.",
    *,
    id: str | None = None,
    output: str | None = None,
    format: str | None = None,
) -> Line:
    return Line(number, text, id=id, output=output, format=format)


def assert_safe(name: str) -> None:
    """Fail unless Linux, macOS and Windows all take the name, and take it to be below the folder."""
    assert len(name.encode("utf-8")) <= 1000
    for part in name.split("/"):
        assert part
        assert 0 < len(part.encode("utf-8")) <= 200
        assert part.rstrip(". ") == part
        device = part.split(".")[0].rstrip(" ").upper()
        assert device not in {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
        assert not (device[:3] in {"COM", "LPT"} and device[3:] in set("0123456789¹²³"))
        visible = "".join(char for char in part if unicodedata.category(char) != "Cf")
        assert not visible.casefold().startswith(".cartesia-")
        for char in part:
            assert char not in '<>:"|?*\\'
            assert unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"}
            assert ord(char) & 0xFFFE != 0xFFFE


@given(ANYTHING, ANYTHING, ANYTHING, st.sampled_from([None, *TEMPLATES]), st.sampled_from(FILE_FORMATS))
def test_any_id_voice_and_text_make_a_safe_name(
    identifier: str, voice: str, text: str, template: str | None, format: str
) -> None:
    name = Names(template).name(line(text=text, id=identifier), voice, format)

    assert_safe(name)
    assert name.endswith(f".{format}")
    assert name.count("/") == (template or "").count("/")
    assert unicodedata.is_normalized("NFC", name)


@given(ANYTHING, st.sampled_from([None, "mp3"]))
@example("a" * 197, None)
@example("a" * 200, None)
@example("/".join(["a" * 199] * 5), None)
@example(".CarteSia-x/a", None)
@example(".carte\u200dsia-x/a", None)
@example("com¹ .x/a.mp3", None)
def test_an_output_is_taken_as_it_is_or_refused(output: str, format: str | None) -> None:
    refusal = None
    name = ""
    try:
        name = Names().name(line(output=output, format=format), "Skylar", format or "wav")
    except UsageError as error:
        refusal = error

    if refusal is not None:
        assert str(refusal).startswith("The output ")
        assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in str(refusal))
        assert refusal.hint
    else:
        assert_safe(name)
        assert name.startswith(output)
        assert name[len(output) :] in {"", f".{format or 'wav'}"}


@given(st.text(ANY_CHARACTER, min_size=1, max_size=9), st.lists(st.sampled_from("ab"), max_size=2))
def test_a_name_that_was_made_would_be_taken_as_an_output(identifier: str, folders: list[str]) -> None:
    made = Names("/".join([*folders, "{id}"])).name(line(id=identifier), "Skylar", "wav")

    assert Names().name(line(output=made), "Skylar", "wav") == made


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("", "is empty"),
        ("/a.wav", "is an absolute path"),
        ("C:a.wav", "begins with a drive letter"),
        ("c:/a.wav", "begins with a drive letter"),
        ("a\\b.wav", "has a backslash"),
        ("../a.wav", "has the part .. "),
        ("a/../b.wav", "has the part .. "),
        ("./a.wav", "has the part . "),
        ("..", "has the part .. "),
        ("a//b.wav", "has an empty part"),
        ("a/", "has an empty part"),
        ("a\nb.wav", "holds a control character"),
        ("a\ud800.wav", "holds a control character"),
        ("a?.wav", "holds ?, which"),
        ("a/b<c", "holds <, which"),
        ("ab:c.wav", "holds :, which"),
        ("CON", "has the part CON, which is a device on Windows"),
        ("x/nul.tar.gz", "has the part nul.tar.gz, which is a device on Windows"),
        ("com1.wav", "has the part com1.wav, which is a device on Windows"),
        ("a./b.wav", "ends with a dot"),
        ("a /b.wav", "ends with a blank"),
        ("a.wav ", "ends with a blank"),
        ("a" * 197, "has a part longer than 200 bytes"),
        ("ä" * 99 + ".wav", "has a part longer than 200 bytes"),
        ("abc/" * 250 + "a", "is longer than 1000 bytes"),
        (".cartesia-journal", "has a part that begins with .cartesia-"),
        ("x/.Cartesia-x.wav", "has a part that begins with .cartesia-"),
    ],
)
def test_an_output_that_some_system_does_not_take_is_refused(output: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        Names("{id}").name(line(output=output), "Skylar", "wav")

    assert problem in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("a", "a.mp3"),
        ("a/b.c/d", "a/b.c/d.mp3"),
        ("a.WAV", "a.WAV"),
        ("a.wav.txt", "a.wav.txt.mp3"),
        (".wav", ".wav.mp3"),
        ("a.wav/b", "a.wav/b.mp3"),
        ("~/é -漢.ogg", "~/é -漢.ogg"),
        ("CONSOLE/com10.opus", "CONSOLE/com10.opus"),
    ],
)
def test_an_output_keeps_a_known_ending_and_gets_that_of_the_format_otherwise(output: str, name: str) -> None:
    assert Names("{id}").name(line(output=output), "Skylar", "mp3") == name


def test_an_ending_that_contradicts_the_format_of_the_line_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^The output a\.wav contradicts the format mp3\.$"):
        Names().name(line(output="a.wav", format="mp3"), "Skylar", "mp3")

    assert Names().name(line(output="a.Mp3", format="mp3"), "Skylar", "mp3") == "a.Mp3"


@pytest.mark.parametrize(
    ("template", "identifier", "name"),
    [
        (None, "a-1", "a-1.wav"),
        (None, None, "000012.wav"),
        (None, "a/b:c", "a_b_c.wav"),
        (None, "con", "_con.wav"),
        (None, "con.x", "_con.x.wav"),
        (None, "..", "__.wav"),
        (None, "v1.5", "v1.5.wav"),
        (None, ".cartesia-journal", "_.cartesia-journal.wav"),
        (None, "e\u0301", "é.wav"),
        ("{id}", None, "000012.wav"),
        ("{line}_{id}", "a", "000012_a.wav"),
        ("{voice}/{slug}", "a", "Sky_lar_/hello-there.wav"),
        (".{id}/{id}", "cartesia-x", "_.cartesia-x/cartesia-x.wav"),
        ("{id}{id}/x", "co", "coco/x.wav"),
        ("{voice}/{id}", "../../x", "Sky_lar_/.._.._x.wav"),
    ],
)
def test_a_name_is_made_of_the_template_or_the_id_or_the_line(
    template: str | None, identifier: str | None, name: str
) -> None:
    assert Names(template).name(line(id=identifier), "Sky/lar.", "wav") == name


def test_a_line_number_has_six_digits_or_more() -> None:
    assert Names().name(line(1), "Skylar", "wav") == "000001.wav"
    assert Names("{line}").name(line(1_234_567), "Skylar", "wav") == "1234567.wav"


@pytest.mark.parametrize("template", [None, "{id}", "a/{id}", "{id}/{id}/{id}/{id}/{id}/{id}/{id}"])
@pytest.mark.parametrize("start", ["x" * 300, "漢" * 300, "é🙂" * 100])
def test_long_ids_are_cut_and_stay_different(template: str | None, start: str) -> None:
    made = {Names(template).name(line(id=f"{start}{end}"), "Skylar", "wav") for end in ("a", "b", "\n", "")}

    assert len(made) == 4
    for name in made:
        assert_safe(name)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Hello there, how are you?", "hello-there-how-are-you"),
        ("Don't you’ll IT's", "dont-youll-its"),
        ("<break time='1s'/>[laughter] “Crème brûlée”", "creme-brulee"),
        ("Cre\u0300me x\u0302y", "creme-xy"),
        ("Straße nach Łódź, İzmir", "straße-nach-łodz-izmir"),
        ("\uff13 ﬁne ½ №5", "3-fine-½-no5"),
        ("東京は、夜。", "東京は-夜"),
        ("ガーデン", "ガーデン"),
        ("हिन्दी में", "हिन्दी-में"),
        ("한국어 말", "한국어-말"),
        ("Привет, Йод!", "привет-йод"),
        ("mi\u200cravam", "miravam"),
        ("a_b/c\\d..e", "a-b-c-d-e"),
        ("Ten words of five that are longer than forty characters", "ten-words-of-five-that-are-longer-than"),
        ("x" * 50 + " y", "x" * 40),
        ("?" * 3000 + "a", "000012"),
        ("…", "000012"),
        ("\u02bc", "000012"),
    ],
)
def test_a_slug_is_the_first_words_of_the_text(text: str, slug: str) -> None:
    assert Names("{slug}").name(line(text=text), "Skylar", "wav") == f"{slug}.wav"


@given(st.text(ANY_CHARACTER, max_size=300))
def test_a_slug_is_short_and_made_of_words(text: str) -> None:
    name = Names("x{slug}").name(line(text=text), "Skylar", "wav")  # no device of Windows begins with x
    slug = name.removeprefix("x").removesuffix(".wav")

    assert 1 <= len(slug) <= 45
    assert re.fullmatch(r"[^\s/_!-,.]+(?:-[^\s/_!-,.]+)*", slug)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("", "is empty"),
        ("{name}", "has an unknown field {name}"),
        ("{}", "has an unknown field {an empty string}"),
        ("{id:03}", "has an unknown field {id:03}"),
        ("{ID}", "has an unknown field {ID}"),
        ("{id.__class__}", "has an unknown field {id.__class__}"),
        ("{id", "has a brace without its other half"),
        ("id}", "has a brace without its other half"),
        ("{{id}}", "has a brace without its other half"),
        ("/{id}", "is an absolute path"),
        ("../{id}", "has the part .. "),
        ("{id}/", "has an empty part"),
        ("{voice}//{id}", "has an empty part"),
        ("{id}\n", "holds a control character"),
        ("{voice}\\{id}", "has a backslash"),
        ("C:{id}", "begins with a drive letter"),
        ("{id}?", "holds ?, which"),
        ("{id}.wav", "ends with .wav"),
        ("aux/{id}", "has the part aux, which is a device"),
        (".cartesia-x/{id}", "has a part that begins with .cartesia-"),
        ("/".join(["{id}"] * 13), "has more than 11 folders"),
    ],
)
def test_a_template_is_checked_before_any_line(template: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        Names(template)

    assert str(caught.value).startswith("The name template ")
    assert problem in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.wav", "a.wav"),
        ("a.wav", "A.WAV"),
        ("é.wav", "E\u0301.wav"),
        ("straße.wav", "STRASSE.wav"),
        ("a/b.wav", "A/B.wav"),
        ("a\u200db.wav", "ab.wav"),
        ("ﬀ.wav", "FF.wav"),
        ("a.wav", "a.wav/b.wav"),
        ("x/a.wav", "X/A.wav/y/b.wav"),
    ],
)
def test_a_file_belongs_to_one_line(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        with Claims() as claims:
            assert claims.claim(first, 3) is None
            assert claims.claim("else.wav", 4) is None
            assert claims.claim(second, 5) == 3
            assert claims.claim(second, 6) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.wav", "b.wav"),
        ("a.wav", "a.mp3"),
        ("a/b.wav", "a/c.wav"),
        ("a/b.wav", "b/b.wav"),
        ("ä.wav", "a.wav"),
    ],
)
def test_other_names_are_free(one: str, other: str) -> None:
    with Claims() as claims:
        assert claims.claim(one, 1) is None
        assert claims.claim(other, 2) is None


@given(
    st.lists(st.text("aA/", min_size=1, max_size=5).filter(lambda name: all(name.split("/"))), max_size=30)
)
def test_claims_agree_with_a_folder_on_a_disk_that_ignores_case(wanted: list[str]) -> None:
    files: dict[str, int] = {}
    folders: dict[str, int] = {}

    with Claims() as claims:
        for number, name in enumerate(wanted, 1):
            parts = name.lower().split("/")
            above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
            path = name.lower()
            taken = next((files[each] for each in above if each in files), None)
            if taken is None:
                for each in above:
                    folders.setdefault(each, number)
                taken = files.get(path, folders.get(path))
            if taken is None:
                files[path] = number

            assert claims.claim(name, number) == taken


def test_many_claims_are_kept_and_take_no_more_memory_than_few() -> None:
    peaks = []
    for n_claims in (20_000, 60_000):
        tracemalloc.start()
        with Claims() as claims:
            taken = [claims.claim(f"f{n % 50}/{n * 7919 % n_claims}.wav", n) for n in range(1, n_claims + 1)]
            again = [claims.claim(f"F{n % 50}/{n * 7919 % n_claims}.WAV", -1) for n in (1, 2, 9999, n_claims)]
            peaks.append(tracemalloc.get_traced_memory()[1] - taken.__sizeof__())
        tracemalloc.stop()
        assert taken == [None] * n_claims
        assert again == [1, 2, 9999, n_claims]

    assert peaks[1] < peaks[0] + 2**17


FULL_DISK = """
import resource
from cartesia_cli.batch.naming import Claims
from cartesia_cli.errors import OutputError

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with Claims() as claims:
        for number in range(1, 100_000):
            claims.claim(f"{number:0100}.wav", number)
except OutputError as error:
    print(error, error.hint)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of a process there")
def test_a_full_disk_is_told_with_a_hint() -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK], capture_output=True, text=True, check=True)

    assert re.fullmatch(
        r"The names of the files cannot be compared: [^.]+\. Free some space in the folder [^.]+\.\n",
        done.stdout,
    )
