"""Every answer of the self-quiz is found where its link leads in the built book."""

from test_book import needs_book

from aecourse import contents
from aecourse.quiz.page import _anchor
from aecourse.quiz.self_quiz import items


@needs_book
def test_links_lead_to_headings_of_the_book(built_book):
    for read in {read for item in items() for read in item.read}:
        target = built_book / "notebooks" / f"{contents.lesson(read.lesson).name}.html"
        assert target.is_file() and f'id="{_anchor(read.section)}"' in target.read_text("utf-8"), (
            read
        )
