"""What it costs to break text before each piece: nothing after a sentence, much between article and noun."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from cartesia_cli.captions.characters import CJK
from cartesia_cli.captions.pieces import Piece

SENTENCE = 0.0
CLAUSE = 1.0
COMMA = 2.0
BEFORE_FUNCTION = 4.0
ELSEWHERE = 7.0
INSIDE_CJK = 10.0
AFTER_FUNCTION = 14.0
INSIDE_NAME = 24.0
INSIDE_WORD = 28.0
NEVER = 36.0
KINSOKU = 50.0

_CLOSING = "\"'”’»)]}›」』）】》〉〕*_"
_OPENING = "\"'“‘«([{‹¿¡„‚"
_SENTENCE_END = tuple(".!?…。！？｡؟۔।")
_CLAUSE_END = tuple(";:；：—–؛")
_COMMA_END = tuple(",，、､،")

_NOT_AT_START = frozenset(
    "、。，．・：；？！゛゜ヽヾゝゞ々ー’”）〕］｝〉》」』】°′″℃％ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ,.:;?!)]}»›…‥"
)
"""Kinsoku: what may not begin a line (JIS X 4051, and the closing marks of other scripts)."""

_NOT_AT_END = frozenset("‘“（〔［｛〈《「『【([{«‹¿¡$£€¥#@")
"""Kinsoku: what may not end a line."""

_ABBREVIATIONS = frozenset(
    "mr mrs ms mx dr prof st sr jr gen sen rep rev hon capt lt col sgt gov pres vs fig no nos vol ch pp approx ca cf "
    "e.g i.e hr fr nr bzw z.b u.a mme mlle m sra dra ud uds sig dott avv ing jan feb mar apr aug sept oct nov dec".split()
)
_UNITS = frozenset(
    "mm cm m km in ft yd mi mg g kg lb lbs oz ml l s ms min h hz khz mhz ghz kb mb gb tb w kw kwh v mph kmh k c f am "
    "pm a.m p.m percent % dollars cents euros pounds yen million billion trillion thousand hundred degrees seconds "
    "second minutes minute hours hour days day weeks week months month years year meters metres kilometers kilometres "
    "miles feet inches grams kilograms liters litres times people o'clock watts volts uhr jahre prozent millionen "
    "milliarden stunden minuten euro ans heures minutes pour años horas millones anni ore jaar uur".split()
)


class _Words(NamedTuple):
    """The small words of one language, each class as text of words between spaces."""

    never_last: str = ""
    """Articles and possessives: what follows belongs to them."""

    auxiliaries: str = ""
    links: str = ""
    """Conjunctions and prepositions: good first words, bad last words."""

    pronouns: str = ""
    """Subjects: a verb follows."""


_LANGUAGES = {
    "en": _Words(
        "a an the my your his her its our their this these those every each no some any",
        "am is are was were be been being do does did have has had having can could will would shall should may might "
        "must isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't can't couldn't won't wouldn't "
        "shouldn't i'm you're we're they're i've you've we've they've i'll you'll he'll she'll we'll they'll i'd you'd "
        "he'd she'd we'd they'd not",
        "and but or nor so yet for because although though while whereas if unless until since when where that which "
        "who whom whose whether as than of in on at to from by with without within into onto about above across after "
        "against along among around before behind below beneath beside between beyond during except inside near off "
        "out outside over past through throughout toward towards under underneath up upon via per like how why what",
        "i you he she it we they there it's that's there's",
    ),
    "de": _Words(
        "der die das den dem des ein eine einen einem einer eines mein meine dein deine sein seine ihr ihre unser "
        "unsere kein keine keinen keinem keiner dieser diese dieses diesen diesem jeder jede jedes zum zur im am vom beim",
        "bin bist ist sind war waren wird werden wurde wurden habe hast hat haben hatte hatten kann können konnte "
        "muss müssen soll sollen will wollen darf dürfen nicht",
        "und oder aber denn sondern weil dass wenn als ob obwohl während nachdem bevor damit wie in an auf aus bei "
        "mit nach von zu für durch gegen ohne um über unter vor hinter neben zwischen seit bis wegen trotz",
        "ich du er sie es wir man",
    ),
    "fr": _Words(
        "le la les un une des du de au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cet "
        "cette ces chaque quelques",
        "suis es est sommes êtes sont était étaient ai as a avons avez ont avait avaient peut peuvent doit doivent va "
        "vont ne n'est n'a pas",
        "et ou mais donc car ni que qui quand lorsque si comme parce puisque où dont à dans sur sous avec sans pour "
        "par entre vers chez depuis pendant avant après contre en",
        "je tu il elle on nous vous ils elles",
    ),
    "es": _Words(
        "el la los las un una unos unas del al mi mis tu tus su sus nuestro nuestra este esta estos estas ese esa cada",
        "soy es son era eran fue ha he han había está están puede pueden debe deben va van no se",
        "y e o u pero sino que porque cuando si como donde aunque mientras de a en con sin por para entre sobre hasta "
        "desde hacia según durante tras",
        "yo tú él ella usted nosotros ellos ellas ustedes",
    ),
    "it": _Words(
        "il lo la i gli le un uno una del dello della dei degli delle al allo alla ai agli alle nel nella nei sul "
        "sulla mio mia tuo tua suo sua questo questa ogni",
        "sono è era erano ha ho hanno aveva può possono deve devono va non si",
        "e o ma che perché quando se come dove mentre di a da in con su per tra fra senza fino",
        "io tu lui lei noi voi loro",
    ),
    "pt": _Words(
        "o a os as um uma uns umas do da dos das no na nos nas ao à meu minha seu sua este esta esse essa cada",
        "sou é são era eram foi está estão tem têm tinha pode podem deve devem vai vão não se",
        "e ou mas que porque quando como onde embora enquanto de em com sem por para entre sobre até desde",
        "eu ele ela nós eles elas você vocês",
    ),
    "nl": _Words(
        "de het een mijn jouw zijn haar ons onze hun dit deze dat die elke geen",
        "ben bent is was waren wordt worden heeft heb hebben had hadden kan kunnen moet moeten zal zullen wil niet",
        "en of maar want omdat als toen terwijl hoewel dat in op aan uit bij met naar van voor door tegen zonder om "
        "over onder na tot sinds",
        "ik jij hij zij wij jullie",
    ),
}


@dataclass(frozen=True, slots=True)
class _Small:
    never_last: frozenset[str]
    auxiliaries: frozenset[str]
    links: frozenset[str]
    pronouns: frozenset[str]
    names: bool
    """Whether two capitals in a row are a name (in German they may be any nouns)."""


@lru_cache(maxsize=8)
def _small_words(language: str | None) -> _Small:
    code = (language or "en").lower().replace("_", "-").split("-")[0]
    words = _LANGUAGES.get(code, _Words())
    return _Small(
        frozenset(words.never_last.split()),
        frozenset(words.auxiliaries.split()),
        frozenset(words.links.split()),
        frozenset(words.pronouns.split()),
        names=code != "de",
    )


def break_costs(pieces: Sequence[Piece], language: str | None = None) -> list[float]:
    """Return, for each piece, what a line or cue break before it costs by the text alone; the first is 0."""
    small = _small_words(language)
    known: dict[tuple[str, str, bool], float] = {}
    costs = [0.0] * len(pieces)
    begins = True
    for index in range(1, len(pieces)):
        before, after = pieces[index - 1], pieces[index]
        key = (before.text, after.text, begins)
        cost = known.get(key)
        if cost is None:
            cost = known[key] = _cost(before.text, after.text, small, begins=begins)
        if after.inner and not after.spaced:
            cost = max(
                cost, INSIDE_CJK if CJK.match(after.text) or CJK.match(before.text[-1]) else INSIDE_WORD
            )
        costs[index] = cost
        begins = cost == SENTENCE
    return costs


def _cost(before: str, after: str, small: _Small, *, begins: bool) -> float:
    """Return the cost between two texts; ``begins``: the first of them begins a sentence."""
    if after[0] in _NOT_AT_START or before[-1] in _NOT_AT_END:
        return KINSOKU
    stripped = before.rstrip(_CLOSING) or before
    if stripped.endswith(_SENTENCE_END):
        return _after_stop(stripped, after.lstrip(_OPENING) or after)
    if stripped.endswith(_CLAUSE_END) or before in {"-", "--"}:
        return CLAUSE
    if stripped.endswith(_COMMA_END):
        return COMMA
    return _between(
        before.strip(_CLOSING + _OPENING) or before,
        after.strip(_CLOSING + _OPENING) or after,
        small,
        begins=begins,
    )


def _after_stop(before: str, after: str) -> float:
    """Return the cost after a full stop, which may only be that of an abbreviation or an initial."""
    bare = before.rstrip(".").lstrip(_OPENING)
    if before.endswith(".") and not before.endswith(".."):
        if bare.lower() in _ABBREVIATIONS or (len(bare) == 1 and bare.isupper() and bare != "I"):
            return INSIDE_NAME
        if after[0].islower():
            return ELSEWHERE
    elif after[0].islower():  # "Stop!" he said
        return COMMA
    return SENTENCE


def _between(before: str, after: str, small: _Small, *, begins: bool) -> float:
    """Return the cost between two words without punctuation between them."""
    left = before.lower().replace("’", "'")
    right = after.lower().replace("’", "'").rstrip(".,;:!?…")
    if left in small.never_last:
        return NEVER
    if before[-1].isdigit() and right in _UNITS:
        return NEVER
    if left in small.auxiliaries:
        return INSIDE_NAME
    if left in small.links or left in small.pronouns:
        return AFTER_FUNCTION
    if small.names and not begins and before[0].isupper() and after[0].isupper():
        return INSIDE_NAME
    if before[-1].isdigit() and after[0].islower() and right not in small.links:
        return AFTER_FUNCTION
    if right in small.links:
        return BEFORE_FUNCTION
    return ELSEWHERE
