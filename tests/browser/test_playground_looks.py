"""The page at ``/`` can be read, reached and used by everyone."""

import re
from pathlib import Path

from tests.browser.acting import (
    finish,
    say,
    until,
)
from tests.browser.conftest import REFUSED, OpenPage
from tests.fakes.server import RunningServer


def test_light_and_dark_differ_and_both_can_be_read(
    open_page: OpenPage, known: RunningServer, recording: Path
) -> None:
    shots = []
    for scheme in ("light", "dark"):
        page = open_page(known.url, expected=REFUSED, color_scheme=scheme)
        page.get_by_label("Choose a file").set_input_files(recording)
        say(page, "one two three four five six seven")
        until(page, "lit.includes('three')")
        shots.append(page.screenshot())
        finish(page)
        assert page.evaluate(_FAINT) == []
    assert shots[0] != shots[1]


def test_it_fits_every_width(open_page: OpenPage, known: RunningServer, recording: Path) -> None:
    page = open_page(known.url)
    page.get_by_label("Choose a file").set_input_files(recording)
    say(page, "a" * 300 + " word")
    finish(page)
    for width in (320, 768, 1200, 2560):
        page.set_viewport_size({"width": width, "height": 700})

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(_MISPLACED) == []


def test_every_control_has_a_name_and_its_turn(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    say(page)
    finish(page)

    roles = re.findall(
        r"- (button|textbox|combobox|slider|radio|tab)\b(?: \"([^\"]*)\")?",
        page.locator("body").aria_snapshot(),
    )
    assert len(roles) > 15
    assert [role for role, name in roles if not name] == []
    page.mouse.click(3, 3)  # from the beginning
    reached: list[tuple[str, str]] = []
    for _ in range(30):
        page.keyboard.press("Tab")
        here = page.evaluate(
            """() => {
                 const here = document.activeElement;
                 const box = here.closest(".wave, .button") ?? here;
                 return [here.id || here.ariaLabel || here.name, getComputedStyle(box).outlineStyle];
               }"""
        )
        if not here[0] or here[0] in [name for name, _ in reached]:
            break
        reached.append((here[0], here[1]))
    names = [name for name, _ in reached]
    assert names[:5] == ["text", "voice", "speed", "format", "say"]
    assert {"hush", "file", "microphone", "copy-code", "download", "forward", "tab-cartesia"} <= set(names)
    assert "Position in what was spoken" in names
    assert {outline for _, outline in reached} == {"solid"}


_MISPLACED = """() =>
  [...document.querySelectorAll("button, select, textarea, .wave, [role=tab]")].filter((each) => {
    const box = each.getBoundingClientRect();
    return box.width && (box.left < 0 || box.right > innerWidth || box.height < 24);
  }).map((each) => each.outerHTML)"""

_FAINT = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].reduce((sum, value, i) => {
    const share = value / 255;
    const linear = share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    return sum + linear * [0.2126, 0.7152, 0.0722][i];
  }, 0);
  const under = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = parse(getComputedStyle(each).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const isSeen = element.checkVisibility() && !element.closest(".unseen, noscript, option");
    if (!hasText || !isSeen) continue;
    const lights = [light(parse(getComputedStyle(element).color)), light(under(element))];
    const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 90)}`);
  }
  return faint;
}"""
