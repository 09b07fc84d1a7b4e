"""The slides are twelve pages whose figures and pictures exist."""

import re

from docs.tools.measured import ROOT
from docs.tools.slides import FOLDER, html, pages


def test_there_are_twelve_pages_each_with_a_title() -> None:
    all_pages, _ = pages()
    assert len(all_pages) == 12
    assert all(re.search(r"^##? .+", page, re.M) for page in all_pages)


def test_every_picture_exists_and_every_page_with_figures_names_their_files() -> None:
    page = html()
    sources = re.findall(r'<img[^>]+src="([^"]+)"', page)
    assert len(sources) >= 10
    assert [one for one in sources if not (FOLDER / one).resolve().is_file()] == []
    for section, text in zip(
        re.findall(r"<section.*?</section>", page, re.S), pages()[0], strict=True
    ):
        foot = re.search(r"<footer><span>(.*?)</span>", section)
        assert foot
        named = [path for path in foot[1].split(" · ") if path]
        assert bool(named) == ("\x02" in text)
        assert all((ROOT / path).is_file() for path in named)
    assert "\x02" not in page
    assert "{{" not in page
