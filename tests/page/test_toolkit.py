"""The page toolkit: scripts are joined rightly, and controls do what their words say."""

import re
from pathlib import Path

import pytest

from aecourse import explore, page, quiz
from aecourse.page.pictures import as_images, names_of

PACKAGE = Path(page.__file__).parents[1]
SCRIPTS = sorted(
    file for folder in ("explore", "quiz") for file in (PACKAGE / folder).rglob("*.js")
)
SHARED = sorted((PACKAGE / "page").glob("*.js"))


def test_a_bundle_holds_every_file_once_what_is_imported_first(tmp_path):
    (tmp_path / "a.js").write_text("export const a = 1; // kept\n// a comment\n")
    (tmp_path / "b.js").write_text(
        'import { a } from "./a.js";\n/** @type {number} */\nexport const b = a;\n'
    )
    (tmp_path / "c.js").write_text(
        'import { a } from "./a.js";\nimport {\n  b,\n} from "./b.js";\n  const c = a + b;\n'
    )
    assert page.bundle(tmp_path / "a.js", tmp_path / "c.js") == (
        "const a = 1; // kept\nconst b = a;\nconst c = a + b;\n"
    )


def test_a_bundle_holds_of_what_is_imported_only_what_is_used(tmp_path):
    (tmp_path / "tools.js").write_text(
        "const two = 2;\n"
        "export const double = (x) => {\n  return two * x;\n};\n"
        "// triples\nexport function triple(x) {\n  return x + double(x);\n}\n"
        "export const half = (x) => x / two;\n"
        "const first = 1, second = (x = first) => x, third = [\n  2,\n];\n"
        "export const spread = [1];\n"
        "export class Unused {\n  value = triple(1);\n}\n"
        "document.title = String(two);\n"
    )
    (tmp_path / "figure.js").write_text(
        'import { half, spread, third, triple } from "./tools.js";\n'
        "const own = () => [...spread];\nfunction build(root) { root.half = triple(1, third()); }\n"
    )
    assert page.bundle(tmp_path / "figure.js") == (
        "const two = 2;\n"
        "const double = (x) => {\nreturn two * x;\n};\n"
        "function triple(x) {\nreturn x + double(x);\n}\n"
        "const first = 1, second = (x = first) => x, third = [\n2,\n];\n"
        "const spread = [1];\n"
        "document.title = String(two);\n"
        "const own = () => [...spread];\nfunction build(root) { root.half = triple(1, third()); }\n"
    )


@pytest.mark.parametrize("script", SHARED, ids=lambda file: file.name)
def test_a_shared_script_only_declares(script):
    """Then what is not used can be left out of a bundle."""
    lines = re.findall(r"^[^\s})\]/].*", script.read_text("utf-8"), re.MULTILINE)
    allowed = r"(export )?(const|let|function|class) \w+|import \{"
    assert [line for line in lines if not re.match(allowed, line)] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_names_of_joined_files_differ(script):
    """A bundle is one scope: a second `const` of a name stops the page, a second `function` silently wins."""
    text = page.bundle(*SHARED, script)
    names = re.findall(r"^(?:const|let|function|class) (\w+)", text, re.MULTILINE)
    own = re.findall(
        r"^(?:export )?(?:const|let|function|class) (\w+)", script.read_text("utf-8"), re.MULTILINE
    )
    assert [name for name in own if names.count(name) > 1] == []


def test_images_and_names_say_what_does_not_fit():
    assert as_images("x", [[[0.0, 1.0]]]).shape == (1, 1, 2)
    with pytest.raises(ValueError, match=r"x: got values from 0 to 2; accepted is \[0, 1\]"):
        as_images("x", [[[0.0, 2.0]]])
    with pytest.raises(ValueError, match="N of at least 2"):
        as_images("x", [[[0.0, 1.0]]], low=2)
    assert names_of("labels", None, 2) == ["1", "2"]
    with pytest.raises(ValueError, match="labels: got 1; accepted are 2, one for each image"):
        names_of("labels", ["a"], 2)


# ---- Controls, in a browser --------------------------------------------------------------------------------

DEMO = """
import { button, keys, pad, play, pointing, select, slider, tabs, tick } from "%s/controls.js";
import { element, fill } from "%s/runtime.js";
function build(root) {
  const log = root.log = [], controls = root.controls = {
    button: button("Press", () => log.push("pressed")),
    tabs: tabs("Which", ["a", "b", "c"], (i) => log.push(["tab", i])),
    slider: slider("σ = ", { low: 0, high: 2, step: 0.5, value: 1, name: "sigma" }, (v) => log.push(["slider", v])),
    factor: slider("K = ", { low: 1, high: 100, value: 10, name: "K", log: true, text: (v) => `${Math.round(v)}` }, (v) => log.push(["factor", Math.round(v)])),
    select: select("Kind", [["x", "of x"], ["y", "of y"]], (v) => log.push(["select", v])),
    tick: tick("on", (v) => log.push(["tick", v])),
    play: play(() => { log.push("turn"); return log.length < 5; }, { changed: () => log.push("changed"), step: () => log.push("step") }),
  };
  const plane = element("div", { style: "height: 300px", class: "plane" }), board = element("div", { style: "width: 200px; height: 200px", class: "board", tabindex: 0 });
  root.painted = [];
  root.points = [];
  pointing(plane, (x, y) => root.points.push([x, y]));
  pad(board, { rows: 20, columns: 20, brush: 1, paint: (place, fresh) => root.painted.push([...place, fresh]) });
  fill(root, ...Object.values(controls).map(({ node }) => node).filter(Boolean), controls.button, board, plane, element("div", { style: "height: 3000px" }));
}
"""


@pytest.fixture
def demo(open_page, tmp_path, monkeypatch):
    """A page of one of each control; what they called is in `root.log`."""
    from aecourse.page import figure

    (tmp_path / "demo.js").write_text(DEMO % (PACKAGE / "page", PACKAGE / "page"), "utf-8")
    real = figure._folder
    monkeypatch.setattr(
        figure, "_folder", lambda package: tmp_path if package == "demo" else real(package)
    )

    def opened(**options):
        html = figure.fragment("demo", {}, package="demo", title="Demo")
        return open_page(figure.Figure(html, "Demo"), tmp_path, **options)

    return opened


ROOT = "document.querySelector('.ae-figure')"


def test_controls_tell_of_what_a_reader_does_and_not_of_what_a_script_sets(demo):
    page = demo()
    page.evaluate(f"{ROOT}.controls.slider.value = 0.5; {ROOT}.controls.tabs.value = 2")
    assert page.get_by_role("slider", name="sigma").get_attribute("aria-valuetext") == "0.50"
    assert page.get_by_role("button", name="c").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Press").click()
    page.get_by_role("button", name="b").click()
    page.get_by_role("slider", name="sigma").press("ArrowRight")
    page.get_by_role("slider", name="K").press("End")
    page.get_by_label("Kind").select_option("of y")
    page.get_by_label("on").check()
    assert page.evaluate(f"{ROOT}.log") == [
        "pressed",
        ["tab", 1],
        ["slider", 1],
        ["factor", 100],
        ["select", "y"],
        ["tick", True],
    ]
    assert (
        page.get_by_role("group", name="Which").locator("[aria-pressed=true]").inner_text() == "b"
    )
    assert page.evaluate(f"{ROOT}.controls.factor.value = 1, {ROOT}.controls.factor.value") == 1


def test_play_runs_until_it_is_told_to_stop_and_steps_where_motion_is_unwelcome(demo):
    page = demo()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{ROOT}.log.filter((x) => x === 'changed').length === 2")
    assert page.evaluate(f"{ROOT}.log") == ["changed", "turn", "turn", "turn", "turn", "changed"]
    page = demo(reduced_motion="reduce")
    page.get_by_role("button", name="Step").click()
    assert page.evaluate(f"{ROOT}.log") == ["step"]


def stroke(page, *spots, steps=1):
    box = page.locator(".board").bounding_box()
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in spots]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=steps)
    page.mouse.up()
    return page.evaluate(f"{ROOT}.painted.splice(0)")


def test_a_fast_stroke_is_one_line(demo):
    painted = stroke(demo(), (0.1, 0.1), (0.9, 0.8))
    assert [fresh for *_, fresh in painted] == [True] + [False] * (len(painted) - 1)
    steps = [max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a, b in zip(painted, painted[1:])]
    assert max(steps) <= 1 and painted[-1][:2] == pytest.approx([15.5, 17.5], abs=0.1)


def test_nothing_is_painted_outside_nor_along_the_border(demo):
    painted = stroke(demo(), (0.5, 0.5), (0.5, 1.3), (0.9, 1.3), (0.9, 0.5))
    assert all(-0.5 <= at <= 19.5 for row in painted for at in row[:2])
    assert {round(column) for _, column, _ in painted} <= {
        9,
        10,
        17,
        18,
    }  # down at one side, up at the other
    assert sum(fresh for *_, fresh in painted) == 2  # and the two lines are not joined


def test_the_pad_is_drawn_on_by_keys(demo):
    page = demo()
    page.locator(".board").focus()
    for key in ("Home", "Shift+ArrowLeft", "ArrowUp", "Space"):
        page.keyboard.press(key)
    assert page.evaluate(f"{ROOT}.painted") == [[9, 5, True]]


def touch(page, *spots, rest=0):
    """A finger put down at the first spot of the plane and led along the others."""
    box = page.locator(".plane").bounding_box()
    client = page.context.new_cdp_session(page)
    at = lambda spot: [
        {"x": box["x"] + spot[0] * box["width"], "y": box["y"] + spot[1] * box["height"]}
    ]  # noqa: E731
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at(spots[0])})
    page.wait_for_timeout(rest)
    for start, end in zip(spots, spots[1:]):
        for k in range(1, 9):
            way = [a + (b - a) * k / 8 for a, b in zip(start, end)]
            client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": at(way)})
            page.wait_for_timeout(20)
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(150)
    return page.evaluate(f"[{ROOT}.points.splice(0), scrollY]")


@pytest.mark.parametrize(
    "spots, rest, scrolls",
    [
        ([(0.5, 0.9), (0.5, 0.1)], 0, True),  # a swipe
        ([(0.2, 0.5), (0.8, 0.5), (0.8, 0.2)], 0, False),  # starts sideways, then goes up
        ([(0.5, 0.8), (0.5, 0.2)], 400, False),  # rests, then goes up
    ],
)
def test_a_finger_on_a_plane_scrolls_the_page_unless_it_means_the_plane(demo, spots, rest, scrolls):
    page = demo(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    page.locator(".plane").scroll_into_view_if_needed()
    began = page.evaluate("scrollY")
    points, after = touch(page, *spots, rest=rest)
    if scrolls:
        assert points == [] and after > began + 50
    else:
        assert points[-1] == pytest.approx(spots[-1], abs=0.05) and after == began


def test_a_tap_points(demo):
    page = demo(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    page.locator(".plane").tap(position={"x": 20, "y": 30})
    ((_, down),) = page.evaluate(f"{ROOT}.points")
    assert down == pytest.approx(30 / 300, abs=0.01)


# ---- The tokens --------------------------------------------------------------------------------------------


def test_every_fragment_carries_the_one_sheet_of_tokens():
    for html in (explore.gradients().html, quiz.check_questions("05").html):
        assert html.count("--ae-high: 32px") == 1


# ---- What stands in every frame ----------------------------------------------------------------------------

FIGURES = sorted(
    file.parent.name
    for file in (PACKAGE / "explore").glob("*/__init__.py")
    if (file.parent / f"{file.parent.name}.js").is_file()
)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_a_heading_and_something_to_try(name):
    folder = PACKAGE / "explore" / name
    assert re.search(r'title="Interactive figure: \S', (folder / "__init__.py").read_text("utf-8"))
    assert len(re.findall(r"tryThis\(\s*\"", (folder / f"{name}.js").read_text("utf-8"))) == 1


def test_the_heading_stands_first_then_what_to_try_then_the_rest(open_page, tmp_path):
    page = open_page(explore.gradients(mu=2.0, sigma=1.0), tmp_path)
    seen = page.locator(".ae-figure > :not(style)").all()
    assert seen[0].inner_text() == "Two estimators of a gradient"
    assert seen[1].inner_text().startswith("Try this: ")
    tops = [each.bounding_box()["y"] for each in seen[:3]]
    assert tops == sorted(tops)


def test_what_is_no_figure_has_no_heading():
    made = page.fragment("quiz", {}, package="aecourse.quiz", title="Check questions")
    assert "ae-heading" not in made.split("</style>")[0].split("<style>")[0]
