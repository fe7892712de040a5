"""What a voice says when nobody says what: a greeting in each language that the API speaks."""

_GREETINGS = {
    "ar": "مرحبًا، هذا صوتي. يسعدني أن أقرأ لك.",
    "bg": "Здравейте, това е моят глас. С радост ще ви почета.",  # noqa: RUF001  Cyrillic
    "bn": "নমস্কার, এটি আমার কণ্ঠ। আপনাকে পড়ে শোনাতে পেরে আমি আনন্দিত।",
    "cs": "Dobrý den, tohle je můj hlas. S radostí vám něco přečtu.",
    "da": "Hej, det her er min stemme. Jeg læser gerne op for dig.",
    "de": "Guten Tag, das ist meine Stimme. Ich lese Ihnen gern etwas vor.",
    "el": "Γεια σας, αυτή είναι η φωνή μου. Χαίρομαι να διαβάζω για εσάς.",  # noqa: RUF001  Greek
    "en": "Hello, this is my voice. I would be glad to read to you.",
    "es": "Hola, esta es mi voz. Me alegrará leer para ti.",
    "fi": "Hei, tämä on minun ääneni. Luen sinulle mielelläni.",
    "fr": "Bonjour, voici ma voix. Je vous ferai volontiers la lecture.",
    "gu": "નમસ્તે, આ મારો અવાજ છે. તમને વાંચી સંભળાવતાં મને આનંદ થશે.",
    "he": "שלום, זה הקול שלי. אשמח להקריא לכם.",
    "hi": "नमस्ते, यह मेरी आवाज़ है। आपको पढ़कर सुनाने में मुझे खुशी होगी।",
    "hr": "Dobar dan, ovo je moj glas. Rado ću vam čitati.",
    "hu": "Jó napot, ez az én hangom. Szívesen felolvasok önnek.",
    "id": "Halo, ini suara saya. Saya senang membacakan untuk Anda.",
    "it": "Ciao, questa è la mia voce. Leggerò volentieri per te.",
    "ja": "こんにちは、これが私の声です。喜んでお読みします。",
    "ka": "გამარჯობა, ეს ჩემი ხმაა. სიამოვნებით წაგიკითხავთ.",
    "kn": "ನಮಸ್ಕಾರ, ಇದು ನನ್ನ ಧ್ವನಿ. ನಿಮಗೆ ಓದಿ ಹೇಳಲು ನನಗೆ ಸಂತೋಷ.",
    "ko": "안녕하세요, 이것이 제 목소리입니다. 기꺼이 읽어 드리겠습니다.",
    "ml": "നമസ്കാരം, ഇതാണ് എന്റെ ശബ്ദം. നിങ്ങൾക്കായി വായിക്കാൻ സന്തോഷമുണ്ട്.",
    "mr": "नमस्कार, हा माझा आवाज आहे. तुम्हाला वाचून दाखवायला मला आवडेल.",
    "ms": "Helo, ini suara saya. Saya gembira membaca untuk anda.",
    "nl": "Hallo, dit is mijn stem. Ik lees u graag voor.",
    "no": "Hei, dette er stemmen min. Jeg leser gjerne for deg.",
    "or": "ନମସ୍କାର, ଏହା ମୋର ସ୍ୱର।",
    "pa": "ਸਤ ਸ੍ਰੀ ਅਕਾਲ, ਇਹ ਮੇਰੀ ਆਵਾਜ਼ ਹੈ।",
    "pl": "Dzień dobry, to jest mój głos. Chętnie coś przeczytam.",
    "pt": "Olá, esta é a minha voz. Terei prazer em ler para você.",
    "ro": "Bună ziua, aceasta este vocea mea. Citesc cu plăcere pentru dumneavoastră.",
    "ru": "Здравствуйте, это мой голос. Я с радостью вам почитаю.",  # noqa: RUF001  Cyrillic
    "sk": "Dobrý deň, toto je môj hlas. S radosťou vám niečo prečítam.",
    "sv": "Hej, det här är min röst. Jag läser gärna för dig.",
    "ta": "வணக்கம், இது என் குரல். உங்களுக்காக வாசிப்பதில் மகிழ்ச்சி.",
    "te": "నమస్కారం, ఇది నా స్వరం. మీ కోసం చదవడం నాకు సంతోషం.",
    "th": "สวัสดี นี่คือเสียงของฉัน ยินดีที่ได้อ่านให้คุณฟัง",
    "tl": "Kumusta, ito ang boses ko. Natutuwa akong magbasa para sa iyo.",
    "tr": "Merhaba, bu benim sesim. Size seve seve okurum.",
    "uk": "Вітаю, це мій голос. Я залюбки вам почитаю.",
    "ur": "السلام علیکم، یہ میری آواز ہے۔",
    "vi": "Xin chào, đây là giọng nói của tôi. Tôi rất vui được đọc cho bạn nghe.",
    "zh": "您好，这是我的声音。很高兴为您朗读。",
}


def greeting(language: str) -> str | None:
    """Return what a voice of a language says; None for a language without a greeting."""
    return _GREETINGS.get(language.replace("_", "-").partition("-")[0].lower())
