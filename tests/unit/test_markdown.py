"""Markdown is read aloud without its marks, however it is cut while it arrives."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.sentences import MarkdownStripper

ANSWER = """\
# Making tea ##

Sure! Here's **how** to *do* it — see [the docs](https://docs.example.com/a_(b)?x=1 "Title") or
https://www.example.com/path?q=1. Keep snake_case, 2*3, a * b and x**2.

1. First, run `pip install tea_pot`
2. Then open <https://github.com/x/y>,
   which goes on here
3. **Done**: all

- [x] Water boiled
- [ ] Cup *not* warm
  - nested &amp; deep!

> It is said
> that tea helps.

```python
def brew(x_1):
    return "# no"
```

| Name | Value |
|------|:-----:|
| `a|b` | **1** |
| pi | 3.14 |

---
![A cat](cat.png) and <b>bold</b> <break time="1s"/> [laughter] <<h|ə>>.[^1] The sum $a_b*c*d$ costs
$5. <!-- not
this --> \\*starred\\* ~~old~~ new [1] text.

[^1]: The note.
[ref]: https://example.com "T"
这是**重点**内容。
"""
SPOKEN = """\
Making tea.

Sure! Here's how to do it — see the docs or
example.com. Keep snake_case, 2*3, a * b and x**2.

First, run pip install tea_pot.
Then open github.com,
which goes on here.
Done: all.

Water boiled.
Cup not warm.
nested & deep!

 It is said
 that tea helps.


Name, Value.
a|b, 1.
pi, 3.14.


A cat and bold <break time="1s"/> [laughter] <<h|ə>>. The sum $a_b*c*d$ costs
$5.  *starred* old new [1] text.

The note.
这是重点内容。
"""
MARKS = (
    "# |## T ##|*|**|_|__|`|```|~~~|~~|- |* |+ |1. |2) |> |[|]|(|)|![|](u)|[a](http://x.y/z_(b))|[^1]|[^1]: "
    "|[r]: http://x.y|[x] |[ ] |<|<b>|</b>|<!--|-->|<<h>>|<spell>a*b</spell>|<break time='1s'/>|[laughter]"
    "|&amp;|&|#|&#65;|;|\\|\\*|$|$$|$a_b$|$5|http://a.b/c.|https://www.x.com/a?b|www.q.org|h|w|word"
    '|snake_case|2*3| |  |    |\t|\n|\n\n|\r\n|\r|.|!|漢字|**重点**|"|a|1|=|-|+|:|<https://a.b>|---|==='
)
TEXTS = st.lists(st.sampled_from([*MARKS.split("|"), "|", "|--|", "| a "]), max_size=25).map("".join)


def strip(text: str, sizes: Sequence[int] = (1_000_000,)) -> str:
    stripper, said = MarkdownStripper(), []
    start = count = 0
    while start < len(text):
        size = sizes[count % len(sizes)]
        said.append(stripper.feed(text[start : start + size]))
        start, count = start + size, count + 1
    return "".join(said) + stripper.finish()


def test_an_answer_is_read_as_it_would_be_read_aloud() -> None:
    assert strip(ANSWER) == SPOKEN


def test_it_does_not_matter_where_an_answer_is_cut() -> None:
    for place in range(len(ANSWER)):
        stripper = MarkdownStripper()

        said = stripper.feed(ANSWER[:place]) + stripper.feed(ANSWER[place:]) + stripper.finish()

        assert said == SPOKEN


@given(TEXTS, st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_it_does_not_matter_how_any_text_is_cut(text: str, sizes: list[int]) -> None:
    assert strip(text, sizes) == strip(text)


@given(st.lists(st.sampled_from(["word", "snake_case", "2*3", "$5", "a.b", ",", ".", " ", "漢", "é"])))
def test_text_without_marks_stays_as_it_is(words: list[str]) -> None:
    text = f"So {' '.join(words)}"

    assert strip(text) == text


@pytest.mark.parametrize(
    ("markdown", "spoken"),
    [
        ("# A\n## B!\n### \n#tag", "A.\nB!\n\n#tag"),
        ("* a\n* b\n\ntext", "a.\nb.\n\ntext"),
        ("- a\n- b", "a.\nb."),
        ("- one\n  two\n- three:\n", "one\ntwo.\nthree:\n"),
        ("In\n2024. It", "In\n2024. It"),
        ("Steps:\n1. a\n2. b\n", "Steps:\na.\nb.\n"),
        ("**a** __b__ *c* _d_ ***e*** ~~f~~", "a b c d e f"),
        ("**N**ew un*frigging*believable f(*args) 2 ** 3", "New un*frigging*believable f(args) 2 ** 3"),
        ("__init__ and a_b_c and _x", "init and a_b_c and x"),
        ("~5 min, don`t", "~5 min, don`t"),
        ("`a*b_c` and ``x ` y``", "a*b_c and x ` y"),
        ("~~~\ncode\n~~~\nafter", "after"),
        ("```\nno end", ""),
        ("````\n```\n````\nafter", "after"),
        ("    indented", "    indented"),
        ("[a [b] c](u) [x][y] [z]", "a [b] c x [z]"),
        ("[![alt](i.png)](u) ![](e.png)", "alt "),
        ("[no end and *more*", "[no end and more"),
        ("[Ann]: Hello there", "[Ann]: Hello there"),
        ("[a]: /path", ""),
        ("see (https://a.example/b). Or www.b.example!", "see (a.example). Or b.example!"),
        ("http://user:pw@host.example:80/x, ok", "host.example, ok"),
        ("<me@host.example> <mailto:you@host.example>", "me@host.example you@host.example"),
        ("a<br>b <span class='x'>c</span> 1 < 2 <3", "a b c 1 < 2 <3"),
        (
            "<spell>A*B*</spell> <emotion value='sad'/> </speed>",
            "<spell>A*B*</spell> <emotion value='sad'/> </speed>",
        ),
        ("<!-- a\n\nb -->c", "c"),
        ("&lt;&#65;&#x42; &nosuch; AT&T", "<AB &nosuch; AT&T"),
        ("\\# \\_a\\_ c:\\dir", "# _a_ c:\\dir"),
        ("$x_1*y*z$ and $5 or $6", "$x_1*y*z$ and $5 or $6"),
        ("$$\na_b * c_d\n- e\n$$", "$$\na_b * c_d\n- e\n$$"),
        ("|a|b|\n|-|-|\n|1||\n", "a, b.\n1.\n"),
        ("|x| is not a row", "|x| is not a row"),
        ("Title\n=====\ntext\n* * *\nend", "Title\n\ntext\n\nend"),
        ("> - # deep", "deep."),
        ("a\r\nb\rc", "a\nb\nc"),
        ("", ""),
        ("\n", "\n"),
    ],
)
def test_each_mark_is_read_as_it_is_meant(markdown: str, spoken: str) -> None:
    assert strip(markdown) == spoken
    assert strip(markdown, [1]) == spoken


@pytest.mark.parametrize(
    ("arriving", "said"),
    [
        (["Plain ", "words ", "go"], ["Plain ", "words ", "go"]),
        (["**bo", "ld** "], ["bo", "ld "]),
        (["a [li", "nk](u", ") b"], ["a ", "", "link b"]),
        (["see http", "s://a.b", "/c d"], ["see ", "", "a.b d"]),
        (["wo", "w", "ho"], ["wo", "w", "ho"]),
        (["- it", "em\n", "- "], ["it", "em", ""]),
    ],
)
def test_little_is_held_back(arriving: list[str], said: list[str]) -> None:
    stripper = MarkdownStripper()

    assert [stripper.feed(text) for text in arriving] == said


@pytest.mark.timeout(60)  # in quadratic time each would take hours
@pytest.mark.parametrize(
    "unit",
    ["*", "[", "[a](", "<", "<a ", "|", "# ", "- ", "$a", "http://a", " ", "`a", "_a", "1. ", "\n", "<!--"],
)
def test_the_time_is_linear_whatever_the_text_holds(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    stripper = MarkdownStripper()

    started = time.process_time()
    stripper.feed(text)
    for character in text[:5_000]:
        stripper.feed(character)
    stripper.finish()

    assert time.process_time() - started < 10


def test_a_line_of_code_without_end_is_not_kept() -> None:
    stripper = MarkdownStripper()
    stripper.feed("Before.\n```\n")

    started = time.process_time()
    for _ in range(2_000):
        assert stripper.feed("A" * 8_192) == ""

    assert time.process_time() - started < 5
    assert stripper.feed("```\n```\nAfter.") + stripper.finish() == "After."
