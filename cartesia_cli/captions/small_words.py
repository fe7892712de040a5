"""The small words of a few languages, by how they bind what stands beside them."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class SmallWords:
    """What one language's small words do to a break beside them, and whether capitals tell names."""

    determiners: frozenset[str] = frozenset()
    """Articles and possessives: the noun that follows belongs to them."""

    auxiliaries: frozenset[str] = frozenset()
    """The verb that follows belongs to them."""

    links: frozenset[str] = frozenset()
    """Conjunctions and prepositions: good first words, bad last words."""

    pronouns: frozenset[str] = frozenset()
    """Subjects, which a verb follows."""

    names: bool = True
    """Whether two capitals in a row are a name; in German they may be any nouns."""


@lru_cache(maxsize=8)
def small_words(language: str | None) -> SmallWords:
    """Return those of a language (``de``, ``pt-BR``; None: English); none at all where it is not known."""
    code = (language or "en").lower().replace("_", "-").split("-")[0]
    if code not in _LANGUAGES:
        return SmallWords()
    determiners, auxiliaries, links, pronouns = map(_set, _LANGUAGES[code])
    return SmallWords(determiners, auxiliaries, links, pronouns, names=code != "de")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ABBREVIATIONS = _set(
    "mr mrs ms mx dr prof st sr jr gen sen rep rev hon capt lt col sgt gov pres vs fig no nos vol ch pp "
    "approx ca cf e.g i.e hr fr nr bzw z.b u.a mme mlle m sra dra ud uds sig dott avv ing jan feb mar "
    "apr aug sept oct nov dec"
)
"""Words whose full stop does not end a sentence."""

UNITS = _set(
    "mm cm m km in ft yd mi mg g kg lb lbs oz ml l s ms min h hz khz mhz ghz kb mb gb tb w kw kwh v mph "
    "kmh k c f am pm a.m p.m percent % dollars cents euros pounds yen million billion trillion thousand "
    "hundred degrees seconds second minutes minute hours hour days day weeks week months month years "
    "year meters metres kilometers kilometres miles feet inches grams kilograms liters litres times "
    "people o'clock watts volts uhr jahre prozent millionen milliarden stunden minuten euro ans heures "
    "pour años horas millones anni ore jaar uur"
)
"""What belongs to the number before it."""

_LANGUAGES = {
    "en": (
        "a an the my your his her its our their this these those every each no some any",
        (
            "am is are was were be been being do does did have has had having can could will would "
            "shall should may might must isn't aren't wasn't weren't don't doesn't didn't haven't "
            "hasn't hadn't can't couldn't won't wouldn't shouldn't i'm you're we're they're i've you've "
            "we've they've i'll you'll he'll she'll we'll they'll i'd you'd he'd she'd we'd they'd not"
        ),
        (
            "and but or nor so yet for because although though while whereas if unless until since when "
            "where that which who whom whose whether as than of in on at to from by with without within "
            "into onto about above across after against along among around before behind below beneath "
            "beside between beyond during except inside near off out outside over past through "
            "throughout toward towards under underneath up upon via per like how why what"
        ),
        "i you he she it we they there it's that's there's",
    ),
    "de": (
        (
            "der die das den dem des ein eine einen einem einer eines mein meine dein deine sein seine "
            "ihr ihre unser unsere kein keine keinen keinem keiner dieser diese dieses diesen diesem "
            "jeder jede jedes zum zur im am vom beim"
        ),
        (
            "bin bist ist sind war waren wird werden wurde wurden habe hast hat haben hatte hatten kann "
            "können konnte muss müssen soll sollen will wollen darf dürfen nicht"
        ),
        (
            "und oder aber denn sondern weil dass wenn als ob obwohl während nachdem bevor damit wie in "
            "an auf aus bei mit nach von zu für durch gegen ohne um über unter vor hinter neben "
            "zwischen seit bis wegen trotz"
        ),
        "ich du er sie es wir man",
    ),
    "fr": (
        (
            "le la les un une des du de au aux mon ma mes ton ta tes son sa ses notre nos votre vos "
            "leur leurs ce cet cette ces chaque quelques"
        ),
        (
            "suis es est sommes êtes sont était étaient ai as a avons avez ont avait avaient peut "
            "peuvent doit doivent va vont ne n'est n'a pas"
        ),
        (
            "et ou mais donc car ni que qui quand lorsque si comme parce puisque où dont à dans sur "
            "sous avec sans pour par entre vers chez depuis pendant avant après contre en"
        ),
        "je tu il elle on nous vous ils elles",
    ),
    "es": (
        (
            "el la los las un una unos unas del al mi mis tu tus su sus nuestro nuestra este esta estos "
            "estas ese esa cada"
        ),
        "soy es son era eran fue ha he han había está están puede pueden debe deben va van no se",
        (
            "y e o u pero sino que porque cuando si como donde aunque mientras de a en con sin por para "
            "entre sobre hasta desde hacia según durante tras"
        ),
        "yo tú él ella usted nosotros ellos ellas ustedes",
    ),
    "it": (
        (
            "il lo la i gli le un uno una del dello della dei degli delle al allo alla ai agli alle nel "
            "nella nei sul sulla mio mia tuo tua suo sua questo questa ogni"
        ),
        "sono è era erano ha ho hanno aveva può possono deve devono va non si",
        "e o ma che perché quando se come dove mentre di a da in con su per tra fra senza fino",
        "io tu lui lei noi voi loro",
    ),
    "pt": (
        (
            "o a os as um uma uns umas do da dos das no na nos nas ao à meu minha seu sua este esta "
            "esse essa cada"
        ),
        "sou é são era eram foi está estão tem têm tinha pode podem deve devem vai vão não se",
        ("e ou mas que porque quando como onde embora enquanto de em com sem por para entre sobre até desde"),
        "eu ele ela nós eles elas você vocês",
    ),
    "nl": (
        "de het een mijn jouw zijn haar ons onze hun dit deze dat die elke geen",
        (
            "ben bent is was waren wordt worden heeft heb hebben had hadden kan kunnen moet moeten zal "
            "zullen wil niet"
        ),
        (
            "en of maar want omdat als toen terwijl hoewel dat in op aan uit bij met naar van voor door "
            "tegen zonder om over onder na tot sinds"
        ),
        "ik jij hij zij wij jullie",
    ),
}
"""By language: determiners, auxiliaries, links, pronouns."""
