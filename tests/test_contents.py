"""The list of lessons: a strict reader, and lessons known by slug, number and name."""

import pytest

from aecourse import contents

LIST = """
parts:
  - title: "Part I: First"
    lessons:
      - {slug: one, title: One, question: "Why?", read: 30, run: 0.5, prerequisites: [], about: It does.}
      - {slug: two_words, title: Two, question: "How, then?", read: 40, run: 2, prerequisites: [one]}
  - title: Last
    lessons:
      - {slug: three, title: Three, question: "What?", read: 5, run: 1.5, prerequisites: [one, two_words]}
"""


def read(folder, text):
    (folder / "lessons.yaml").write_text(text, "utf-8")
    return contents.read(folder / "lessons.yaml")


def test_numbers_follow_from_the_order(tmp_path):
    one, two, three = read(tmp_path, LIST)
    assert [each.name for each in (one, two, three)] == ["01_one", "02_two_words", "03_three"]
    assert (three.part, three.prerequisites, three.read) == ("Last", ("one", "two_words"), 5)
    assert (one.about, two.about) == ("It does.", "")
    swapped = LIST.replace("slug: one", "slug: x").replace("[one", "[x")
    assert read(tmp_path, swapped)[0].name == "01_x"


@pytest.mark.parametrize(
    "time, words",
    [
        (0.5, "half a minute"),
        (1, "a minute"),
        (1.5, "a minute and a half"),
        (2, "two minutes"),
        (2.5, "two and a half minutes"),
        (12, "12 minutes"),
    ],
)
def test_minutes_in_words(time, words):
    assert contents.minutes(time) == words


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("slug: one,", "slug: One,", "lesson One: slug is 'One'; accepted are lower-case words"),
        ("slug: one,", "slug: 01_one,", "slug is '01_one'"),
        ("slug: three", "slug: one", "lesson one: the slug is used twice"),
        ('"Why?"', "Why.", "lesson one: question is 'Why.'; accepted is a text that ends in ?"),
        ("title: One,", "", "lesson one: title is missing"),
        ("title: One,", "title: One, number: 1,", "lesson one: unknown key number"),
        (
            "title: One,",
            "title: One, picture: 0,",
            "lesson one: picture is 0; accepted is a whole number",
        ),
        ("title: One,", "title: ' ',", "title is ' '"),
        ("read: 30", "read: 30.5", "read is 30.5"),
        ("run: 0.5", "run: 0.7", "run is 0.7"),
        ("run: 0.5", "run: 0", "run is 0"),
        ("prerequisites: [one]", "prerequisites: one", "prerequisites is 'one'"),
        (
            "prerequisites: [one]",
            "prerequisites: [three]",
            "lesson two_words: prerequisites has 'three'",
        ),
        ("  - title: Last\n", "  - name: Last\n", "a part is"),
        ("parts:", "lessons:", "accepted is a mapping with the key parts"),
        ("parts:", "parts: [", "not YAML"),
    ],
)
def test_a_faulty_list_is_refused_by_name(tmp_path, old, new, message):
    assert old in LIST
    with pytest.raises(contents.ContentsError) as error:
        read(tmp_path, LIST.replace(old, new, 1))
    assert str(error.value).startswith("lessons.yaml") and message in str(error.value)


def test_a_lesson_is_known_by_slug_number_and_name():
    for each in contents.lessons():
        for name in (each.slug, each.number, str(each.number), each.label, each.name):
            assert contents.lesson(name) is each
    for name in ("", "99", 0, "00_toy", "vae"):
        with pytest.raises(
            ValueError, match="lesson: got .*; accepted is a slug, a number or a name"
        ):
            contents.lesson(name)


def test_written_lessons_are_those_with_a_notebook(tmp_path):
    first, _, third = contents.lessons()[:3]
    (tmp_path / f"{third.name}.ipynb").touch()
    (tmp_path / f"{first.name}.ipynb").touch()
    assert contents.written(tmp_path) == (first, third)
