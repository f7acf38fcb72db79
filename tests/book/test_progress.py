"""What a reader has done is shown beside the lessons, saved, loaded and forgotten; nothing leaves the browser."""

import json
import re

import pytest
from test_book import READ, needs_book

LESSON = "notebooks/01_bottleneck.html"
pytestmark = needs_book


@pytest.fixture
def context(browser):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, offline=True, accept_downloads=True
    )
    yield context
    context.close()


def opened(context, built_book, name):
    page = context.new_page()
    page.goto((built_book / name).as_uri())
    return page


def mark_elsewhere(context, built_book):
    page = opened(context, built_book, "notebooks/05_vae_elbo.html")
    link = page.locator(".bd-sidebar-primary a[href*='01_bottleneck']").first
    return (
        link.locator(".course-progress").get_attribute("aria-label")
        if link.locator(".course-progress").count()
        else ""
    )


def test_a_lesson_is_read_when_its_summary_was_seen(context, built_book):
    page = opened(context, built_book, LESSON)
    page.wait_for_timeout(2500)
    assert mark_elsewhere(context, built_book) == ""
    page.bring_to_front()
    page.locator("#what-to-remember h2").scroll_into_view_if_needed()
    page.wait_for_timeout(2600)
    assert "read" in mark_elsewhere(context, built_book)


def test_right_answers_are_counted(context, built_book):
    page = opened(context, built_book, LESSON)
    question = page.locator(".ae-question[data-kind=choice]").first
    right = question.locator("li").evaluate_all(
        "items => items.findIndex(item => item.dataset.right === 'true')"
    )
    options, answer = question.locator("input[type=radio]"), question.locator("button")
    total = page.locator(".ae-question[data-id]").count()
    for first, counts in (((right + 1) % options.count(), False), (right, True)):
        options.nth(first).check()
        answer.click()
        options.nth(right).check()  # the second try
        answer.click()
        said = f"1 of {total} check questions right" if counts else ""
        assert mark_elsewhere(context, built_book) == said
        says(page, "01_bottleneck", said)
        page.get_by_role("button", name="Clear my answers").click()
        says(page, "01_bottleneck", "")  # at once
    page.get_by_role("button", name="Undo").click()
    says(page, "01_bottleneck", f"1 of {total} check questions right")


def kept(page):
    return page.evaluate("Object.entries(localStorage).sort()")


def load(page, text, said):
    file = {"name": "a.json", "mimeType": "application/json", "buffer": text.encode()}
    page.locator("#course-desk input[type=file]").set_input_files(file)
    page.locator("#course-desk p", has_text=said).wait_for()


ANSWER = '{"answer":"1","right":true,"first":true,"tries":1}'


def test_progress_is_saved_loaded_and_forgotten(context, built_book, tmp_path):
    lesson = opened(context, built_book, LESSON)
    total = lesson.locator(".ae-question[data-id]").count()
    lesson.evaluate("text => localStorage.setItem('aecourse:quiz:bottleneck:one', text)", ANSWER)
    page = opened(context, built_book, "book/how_to_use.html")
    with page.expect_download() as caught:
        page.get_by_role("button", name="Save to a file").click()
    caught.value.save_as(tmp_path / "progress.json")
    saved = (tmp_path / "progress.json").read_text("utf-8")
    assert json.loads(saved)["aecourse:quiz:bottleneck:one"] == ANSWER
    before = kept(page)
    page.get_by_role("button", name="Forget everything").click()
    assert not [key for key, _ in kept(page) if key.startswith("aecourse:")]
    page.get_by_role("button", name="Undo").click()
    assert kept(page) == before
    page.get_by_role("button", name="Forget everything").click()
    load(page, saved, "Loaded")
    assert kept(page) == before
    assert f"1 of {total}" in mark_elsewhere(context, built_book)
    page.get_by_role("button", name="Undo").click()
    assert "aecourse:quiz:bottleneck:one" not in dict(kept(page))


def test_progress_kept_by_number_is_shown_and_loaded(context, built_book):
    page = opened(context, built_book, "book/how_to_use.html")
    old = {
        "aecourse:page:01_bottleneck": {
            "seen": "2026-01-02",
            "of": 4,
            "exercises": ["01:a", "01:b"],
        },
        "aecourse:exercise:01:a": {"done": "2026-01-02"},
        "aecourse:quiz:01:one": json.loads(ANSWER),
    }
    said = "read, 1 of 4 check questions right, 1 of 2 exercises done"
    texts = {key: json.dumps(value) for key, value in old.items()}
    page.evaluate("old => Object.assign(localStorage, old)", texts)
    for _ in range(2):
        page.reload()
        says(page, "01_bottleneck", said)
        assert not [key for key, _ in kept(page) if re.search(r":\d\d[_:]", key)]
    page.get_by_role("button", name="Forget everything").click()
    says(page, "01_bottleneck", "")
    load(page, json.dumps(texts), "Loaded 3 entries.")  # a file that was saved before
    says(page, "01_bottleneck", said)
    assert not [key for key, _ in kept(page) if re.search(r":\d\d[_:]", key)]


@pytest.mark.parametrize(
    "entries",
    [
        "no json",
        "[]",
        "{}",
        {"other": "1"},
        {"aecourse:page:bottleneck": '{"right": 1000000000, "of": -1}'},
        {"aecourse:page:bottleneck": '{"right": 4, "of": 3}'},
        {"aecourse:page:bottleneck": '{"seen": "<b>yesterday</b>"}'},
        {"aecourse:cards:one": '{"box": 9, "day": 1}'},
        {"aecourse:quiz:bottleneck:one": "not json"},
        {"aecourse:quiz:bottleneck:one": 7},
        {"aecourse:unheard:of": "{}"},
        {"aecourse:self-quiz": '{"format": "aecourse self-quiz", "version": 1, "answers": 3}'},
        {"aecourse:guess:one": '"much"'},
        {"aecourse:quiz:bottleneck:one": ANSWER, "aecourse:guess:one": "null"},
        {f"aecourse:guess:{'x' * 90}-{i}": "1" for i in range(20_000)},
    ],
    ids=range(15),
)
def test_a_file_that_is_not_sound_changes_nothing(context, built_book, entries):
    page = opened(context, built_book, "book/how_to_use.html")
    before = kept(page)
    load(page, entries if isinstance(entries, str) else json.dumps(entries), "Nothing was changed")
    assert kept(page) == before
    assert page.get_by_role("button", name="Undo").is_hidden()


def test_a_file_for_which_there_is_no_room_leaves_nothing_behind(context, built_book):
    page = opened(context, built_book, "book/how_to_use.html")
    page.evaluate(
        "for (let size = 2 ** 22; size >= 1024; size /= 2) "
        "try { localStorage.setItem('other' + size, 'x'.repeat(size)); } catch { /* full */ }"
    )
    before = kept(page)
    load(page, json.dumps({f"aecourse:guess:a-{i}": "1" for i in range(5000)}), "not keep all")
    assert kept(page) == before


def test_the_export_of_the_self_quiz_is_progress(context, built_book):
    page = opened(context, built_book, "book/how_to_use.html")
    answers = {"which-noise": {"text": "1", "done": True, "mark": 1}}
    quiz = {"format": "aecourse self-quiz", "version": 1, "shown": False, "answers": answers}
    load(page, json.dumps(quiz, indent=1), "Loaded 1 entries.")
    assert json.loads(dict(kept(page))["aecourse:self-quiz"]) == quiz


def test_a_browser_that_keeps_nothing_is_told_so(context, built_book):
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('off'); } });"
    )
    page = opened(context, built_book, "book/how_to_use.html")
    assert "keeps nothing" in page.locator("#course-desk").inner_text()


# ---------------------------------------------------------------- exercises


def boxes(page):
    return page.locator("[data-exercise] input[type=checkbox]")


def says(page, lesson, words):
    """Waits until the sidebar says this of a lesson; the link to the page itself is only "#"."""
    page.wait_for_function(
        """([lesson, words]) => ([...document.querySelectorAll('.bd-sidebar-primary a')]
      .find(link => link.pathname.includes(lesson)).querySelector('.course-progress')?.getAttribute('aria-label') || '') === words""",
        arg=[lesson, words],
        timeout=5000,
    )


def test_an_exercise_ticked_in_a_lesson_is_ticked_on_the_page_of_all(context, built_book):
    lesson, everything = (
        opened(context, built_book, LESSON),
        opened(context, built_book, "book/exercises.html"),
    )
    n, here = (
        boxes(lesson).count(),
        everything.locator("tr", has=everything.locator("a[href*='01_bottleneck.html#exercise-']")),
    )
    assert n >= 3 and here.count() == n and boxes(everything).count() > n
    assert lesson.locator("[id^=exercise-] [data-exercise]").count() == n
    lesson.get_by_role("checkbox", name="Done: exercise 2 ·").check()
    says(lesson, "01_bottleneck", f"1 of {n} exercises done")
    everything.wait_for_function(
        "() => document.querySelectorAll('[data-exercise] input:checked').length === 1"
    )  # the other tab hears of it
    assert here.nth(1).get_by_role("checkbox").is_checked()
    here.nth(0).get_by_role("checkbox").focus()
    everything.keyboard.press("Space")
    assert everything.get_by_text(f"You have ticked 2 of {boxes(everything).count()}.").is_visible()
    lesson.reload()
    assert [box.is_checked() for box in boxes(lesson).all()] == [True, True] + [False] * (n - 2)
    says(everything, "01_bottleneck", f"2 of {n} exercises done")
    says(lesson, "01_bottleneck", f"2 of {n} exercises done")
    here.nth(0).get_by_role("checkbox").uncheck()
    here.nth(1).get_by_role("checkbox").uncheck()
    says(everything, "01_bottleneck", "")


def test_every_row_has_the_key_of_its_exercise_and_no_two_are_the_same(built_book):
    def keys(name):
        return re.findall(r'data-exercise="([^"]+)"', (built_book / name).read_text("utf-8"))

    listed = keys("book/exercises.html")
    assert sorted(listed) == sorted(
        key for name in READ if name.startswith("notebooks/") for key in keys(name)
    )
    assert len(set(listed)) == len(listed) > 3 and all(
        re.fullmatch(r"[a-z0-9_]+:[a-z0-9]+(-[a-z0-9]+)*", key) for key in listed
    )


def test_a_mark_follows_the_title_and_not_the_number(context, built_book):
    page = opened(context, built_book, LESSON)
    boxes(page).first.check()
    first, second = [
        place.get_attribute("data-exercise") for place in page.locator("[data-exercise]").all()[:2]
    ]
    text = (built_book / LESSON).read_text("utf-8")
    swapped = (
        text.replace(f'"{first}"', '"x"')
        .replace(f'"{second}"', f'"{first}"')
        .replace('"x"', f'"{second}"')
    )
    page.route(
        "**/01_bottleneck.html", lambda route: route.fulfill(body=swapped, content_type="text/html")
    )
    page.reload()
    assert [box.is_checked() for box in boxes(page).all()[:2]] == [False, True]


def test_a_full_storage_keeps_no_mark_and_says_so(context, built_book):
    context.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
    )
    page = opened(context, built_book, LESSON)
    boxes(page).first.click()
    assert not boxes(page).first.is_checked()
    page.get_by_text("storage is full").wait_for()


def test_without_a_storage_or_a_script_there_is_nothing_to_tick(context, browser, built_book):
    silent = browser.new_context(java_script_enabled=False)
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('off'); } });"
    )
    for page in (
        opened(context, built_book, LESSON),
        opened(silent, built_book, "book/exercises.html"),
    ):
        assert page.locator("[data-exercise]").count() and boxes(page).count() == 0
    silent.close()


def test_paper_shows_the_overview_and_no_boxes(context, built_book):
    for name in (LESSON, "book/exercises.html", "book/how_to_use.html"):
        page = opened(context, built_book, name)
        page.emulate_media(media="print")
        assert not page.locator("[data-exercise]:visible, #course-desk:visible").count()
    assert page.locator("table.course-overview").is_visible()


# ---------------------------------------------------------------- the self-quiz, and the overview

QUIZ = "notebooks/24_self_quiz.html"


def test_the_points_of_the_self_quiz_stand_beside_it(context, built_book):
    page = opened(context, built_book, QUIZ)
    questions = page.locator(".ae-question[data-id]")
    says(page, "24_self_quiz", "")
    questions.first.get_by_role("button", name="I do not know").click()
    total = questions.count()
    says(page, "24_self_quiz", f"1 of {total} questions answered")
    page.evaluate("""() => {
      const ids = [...document.querySelectorAll('.ae-question[data-id]')].map(form => form.dataset.id);
      const answers = Object.fromEntries(ids.map((id, i) => [id, { text: 'x', done: true, mark: i < 3 ? 1 : i === 3 ? 0.5 : 0 }]));
      localStorage.setItem('aecourse:self-quiz', JSON.stringify({ format: 'aecourse self-quiz', version: 1, shown: true, answers }));
    }""")
    says(opened(context, built_book, LESSON), "24_self_quiz", f"taken, 3\u00bd of {total} points")


def test_a_quiz_with_answers_to_be_marked_has_no_tick(context, built_book):
    page = opened(context, built_book, QUIZ)
    total = page.locator(".ae-question[data-id]").count()
    page.evaluate("""() => {
      const ids = [...document.querySelectorAll('.ae-question[data-id]')].map(form => form.dataset.id);
      const answers = Object.fromEntries(ids.map((id, i) => [id, { text: 'x', done: true, mark: i < 10 ? null : 0 }]));
      localStorage.setItem('aecourse:self-quiz', JSON.stringify({ format: 'aecourse self-quiz', version: 1, shown: true, answers }));
    }""")
    said = f"{total} of {total} questions answered, 10 to be marked by you"
    says(opened(context, built_book, LESSON), "24_self_quiz", said)


def test_two_tabs_keep_the_answers_of_both(context, built_book):
    first, second = opened(context, built_book, QUIZ), opened(context, built_book, QUIZ)
    for page, place in ((first, 0), (second, 1), (first, 2)):
        form = page.locator(".ae-question[data-id]").nth(place)
        form.get_by_role("button", name="I do not know").click()
    for page in (first, second):
        page.get_by_text("3 of 20 answered").wait_for()
    first.reload()
    assert first.get_by_text("3 of 20 answered").is_visible()


def test_the_overview_adds_up_and_is_emptied(context, built_book):
    lesson = opened(context, built_book, LESSON)
    n, questions = boxes(lesson).count(), lesson.locator(".ae-question[data-id]").count()
    boxes(lesson).nth(0).check()
    boxes(lesson).nth(1).check()
    page = opened(context, built_book, "book/how_to_use.html")
    rows = page.locator("table.course-overview tbody tr")
    lessons = page.locator(".bd-sidebar-primary nav.bd-links a[href*='/notebooks/']").count()
    assert rows.count() == lessons
    row = rows.filter(has=page.locator("a[href*='01_bottleneck']"))
    assert row.locator("td").all_inner_texts() == ["\u2013", f"2 of {n}", f"0 of {questions}"]
    assert page.locator("table.course-overview tfoot tr").first.locator("td").all_inner_texts() == [
        f"0 of {lessons - 1}",
        "2 done",
        "0 right",
    ]
    page.get_by_role("button", name="Forget everything").click()
    assert page.locator("table.course-overview tfoot td").all_inner_texts() == [
        f"0 of {lessons - 1}",
        "0 done",
        "0 right",
        "no cards asked",
    ]
    lesson.wait_for_function("() => !document.querySelector('[data-exercise] input:checked')")


def test_the_overview_fits_a_phone(browser, built_book):
    context = browser.new_context(viewport={"width": 390, "height": 800}, offline=True)
    page = opened(context, built_book, "book/how_to_use.html")
    assert page.evaluate(
        "() => { const table = document.querySelector('table.course-overview'); return table.offsetWidth <= table.parentElement.clientWidth; }"
    )
    context.close()
