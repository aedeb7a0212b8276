from __future__ import annotations

from tests.compat import page


def test_the_page_of_fields_is_up_to_date() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.render(), "run `just compat-docs`"
