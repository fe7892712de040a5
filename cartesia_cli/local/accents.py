"""The accents of the API's catalogue.

The IDs are the API's. Names, locales and which accent is a locale's usual one are our reading of them.
"""

from functools import cache

from cartesia_cli.models import Accent

NATIVE = "general-american"
"""The accent of the built-in voice."""

MOST = 10
"""Accents that a voice may have, its own among them."""

ATTACHABLE = frozenset(
    [
        "australian",
        "brazilian-portuguese",
        "british",
        "canadian-french",
        "castilian",
        "central-tamil",
        "central-thai",
        "general-american",
        "high-german",
        "hindi",
        "israeli",
        "istanbul",
        "italian",
        "japanese",
        "korean",
        "mandarin",
        "mexican",
        "modern-standard-arabic",
        "parisian",
        "polish",
        "randstad",
        "russian",
        "southern-us",
        "stockholm",
        "telangana",
    ]
)
"""What a voice can learn."""

_TABLE = """
abruzzo-italian          it-IT   Abruzzese Italian
african-american         en-US   African American English
african-french           fr-SN   African French
arabic                   ar-EG   Arabic
arabic-english           en-AE   Arabic English
australian               en-AU   Australian English
bagheli                  hi-IN   Bagheli
belgian-french           fr-BE   Belgian French
brazilian-portuguese     pt-BR   Brazilian Portuguese
british                  en-GB   British English
budapest                 hu-HU   Budapest Hungarian
bulgarian                bg-BG   Bulgarian
california               en-US   Californian English
camba                    es-BO   Camba Spanish
campania                 it-IT   Campanian Italian
canadian-english         en-CA   Canadian English
canadian-french          fr-CA   Canadian French
castilian                es-ES   Castilian Spanish
central-tamil            ta-IN   Central Tamil
central-thai             th-TH   Central Thai
central-vietnamese       vi-VN   Central Vietnamese
chilean                  es-CL   Chilean Spanish
colombian                es-CO   Colombian Spanish
czech                    cs-CZ   Czech
danish                   da-DK   Danish
european-portuguese      pt-PT   European Portuguese
finnish                  fi-FI   Finnish
general-american         en-US   General American English
high-german              de-DE   High German
hindi                    hi-IN   Hindi
indian-english           en-IN   Indian English
indian-urdu              ur-IN   Indian Urdu
irish                    en-IE   Irish English
israeli                  he-IL   Israeli Hebrew
istanbul                 tr-TR   Istanbul Turkish
italian                  it-IT   Italian
jakarta                  id-ID   Jakarta Indonesian
japanese                 ja-JP   Japanese
jessore                  bn-BD   Jessore Bengali
khaleeji                 ar-AE   Khaleeji Arabic
konkani                  mr-IN   Konkani
korean                   ko-KR   Korean
kyiv                     uk-UA   Kyiv Ukrainian
malay                    ms-MY   Malay
mandarin                 zh-CN   Mandarin
manila                   tl-PH   Manila Tagalog
mexican                  es-MX   Mexican Spanish
middle-eastern-arabic    ar-SA   Middle Eastern Arabic
midwestern-american      en-US   Midwestern American English
modern-standard-arabic   ar-001  Modern Standard Arabic
moldovan                 ro-MD   Moldovan Romanian
new-york                 en-US   New York English
new-zealand              en-NZ   New Zealand English
north-kerala             ml-IN   North Kerala Malayalam
odia                     or-IN   Odia
oslo                     no-NO   Oslo Norwegian
parisian                 fr-FR   Parisian French
parsi                    gu-IN   Parsi Gujarati
peruvian                 es-PE   Peruvian Spanish
polish                   pl-PL   Polish
powadhi                  pa-IN   Powadhi Punjabi
randstad                 nl-NL   Randstad Dutch
romanian                 ro-RO   Romanian
russian                  ru-RU   Russian
singaporean              en-SG   Singaporean English
slovak                   sk-SK   Slovak
south-african            en-ZA   South African English
southern-us              en-US   Southern US English
southern-karnataka       kn-IN   Southern Karnataka Kannada
southern-vietnamese      vi-VN   Southern Vietnamese
standard-japanese        ja-JP   Standard Japanese
stockholm                sv-SE   Stockholm Swedish
swiss-standard           de-CH   Swiss Standard German
taiwanese-mandarin       zh-TW   Taiwanese Mandarin
tbilisi                  ka-GE   Tbilisi Georgian
telangana                te-IN   Telangana Telugu
urdu                     ur-PK   Urdu
thessaloniki             el-GR   Thessaloniki Greek
zagreb                   hr-HR   Zagreb Croatian
"""


@cache
def known_accents() -> dict[str, Accent]:
    """Return every accent by its ID, in the order of the IDs."""
    rows = sorted(line.split(None, 2) for line in _TABLE.strip().splitlines())
    usual: dict[str, str] = {}
    for accent_id, locale, _ in sorted(rows, key=lambda row: row[0] not in ATTACHABLE):
        usual.setdefault(locale, accent_id)
    # Two of one locale can be learnt.
    usual["en-US"] = NATIVE
    return {
        accent_id: Accent(
            accent_id,
            name,
            locale.partition("-")[0],
            locale,
            {
                "id": accent_id,
                "name": name,
                "language": locale.partition("-")[0],
                "locale": locale,
                "is_locale_default": usual[locale] == accent_id,
                "is_localizable": accent_id in ATTACHABLE,
            },
        )
        for accent_id, locale, name in rows
    }
