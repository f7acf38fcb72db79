"""What the tests of quizzes and cards share."""

import pytest


@pytest.fixture
def page(new_page):
    """A fresh page, as wide as a phone."""
    return new_page()
