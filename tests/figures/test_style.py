import matplotlib
import pytest
from matplotlib import pyplot

from forecast.errors import ForecastError
from forecast.figures.style import BLUE, INK, PALETTE, SHEET, STYLE, family_colours, one_line, write_figures
from forecast.figures.svg import Drawing

HOSTILE = [
    "../../etc/passwd",
    "/abs",
    "a/b\\c",
    "..",
    "",
    ".hidden",
    "con\0",
    "<script>",
    "\u202e\n",
    "日本語 $x$",
    "~",
]


def drawing(draw=lambda figure: figure.subplots().plot([0, 1])):
    return Drawing(draw=draw, size=(1.0, 1.0), key="k")


def test_the_sheet_is_the_style_and_can_be_used_by_others():
    with pyplot.style.context(SHEET):
        assert all(matplotlib.rcParams[name] == value for name, value in STYLE.items())
        assert matplotlib.rcParams["axes.prop_cycle"].by_key()["color"][0] == BLUE
    assert STYLE["text.color"] == INK and STYLE["text.parse_math"] is False


def test_the_colours_of_the_sheet_are_those_of_the_palette():
    known = {light for light, _ in PALETTE.values()}
    named = {value for name, value in STYLE.items() if name.endswith("color") and str(value).startswith("#")}
    assert named | set(STYLE["axes.prop_cycle"].by_key()["color"]) <= known


def test_each_figure_is_an_svg_and_a_png_by_its_name(tmp_path):
    named = [("headline", drawing()), ("curve-3-digit addition", drawing())]
    written = write_figures(tmp_path / "new" / "folder", named)
    names = ["headline.svg", "headline.png", "curve-3-digit-addition.svg", "curve-3-digit-addition.png"]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(names)
    assert written[0].read_bytes().startswith(b"<?xml") and written[1].read_bytes().startswith(b"\x89PNG")


def test_no_name_leads_out_of_the_folder_and_none_is_lost(tmp_path):
    folder = tmp_path / "figures"
    named = [(f"curve-{name}", drawing()) for name in HOSTILE] + [(name, drawing()) for name in HOSTILE]
    written = write_figures(folder, named)
    assert len(set(written)) == 2 * len(named) and all(path.parent == folder for path in written)
    assert {path.name for path in tmp_path.iterdir()} == {"figures"}
    assert set(folder.iterdir()) == set(written)
    assert all(not path.name.startswith(".") and len(path.name.encode()) <= 255 for path in written)


def test_names_alike_are_numbered_also_where_only_their_case_differs(tmp_path):
    names = ["curve-a b", "curve-a-b", "CURVE-A.B", "curve-" + "x" * 300, "curve-" + "x" * 301]
    written = write_figures(tmp_path, [(name, drawing()) for name in names])
    stems = [path.stem for path in written[::2]]
    assert stems[:3] == ["curve-a-b", "curve-a-b-2", "CURVE-A-B-3"] and stems[4] == f"{stems[3]}-2"


def test_where_one_figure_fails_no_file_is_written_or_replaced(tmp_path):
    (tmp_path / "a.svg").write_text("old")

    def fails(figure):
        raise ForecastError("no")

    with pytest.raises(ForecastError, match="no"):
        write_figures(tmp_path, [("a", drawing()), ("b", drawing(fails))])
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"] and (tmp_path / "a.svg").read_text() == "old"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ForecastError, match="cannot be made"):
        write_figures(tmp_path / "file", [("a", drawing())])


def test_the_same_figure_is_the_same_file(tmp_path):
    first, second = (write_figures(tmp_path / name, [("a", drawing())]) for name in ("x", "y"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("width", [5, 12, 40])
def test_a_name_on_one_line_keeps_its_ends_and_is_never_longer(width):
    assert one_line("short", width=width) == "short"
    line = one_line("begin " + "x" * 300 + " end", width=width)
    assert len(line) == width and line[0] == "b" and line[-1] == "d"


def test_families_beyond_the_seventh_share_one_colour():
    colours = family_colours([f"f{i}" for i in range(10)])
    assert len(set(list(colours.values())[:7])) == 7 and len(set(list(colours.values())[7:])) == 1
