import importlib
import sys
import warnings
from importlib.metadata import EntryPoint

import pytest

import gapkit.registry
from gapkit.bridges.registry import BRIDGES
from gapkit.errors import InputError
from gapkit.metrics.registry import METRICS
from gapkit.registry import Registry, meant


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules of which each registers one thing, and a private one that must not be imported."""
    folder = tmp_path / "shapes_under_test"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from gapkit.registry import Registry\nSHAPES = Registry('shape', __name__, 'test.shapes')\n"
    )
    for name in ("circle", "square"):
        (folder / f"{name}.py").write_text(
            f"from shapes_under_test import SHAPES\ndef {name}(): return '{name}'\nSHAPES.register('{name}', {name})\n"
        )
    (folder / "_broken.py").write_text("raise RuntimeError('private modules are not imported')\n")
    (tmp_path / "plugin_under_test.py").write_text("def hexagon(): return 'hexagon'\ndef circle(): return 'other'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for module in [m for m in sys.modules if m.startswith(("shapes_under_test", "plugin_under_test"))]:
        del sys.modules[module]


def plugins(monkeypatch, **points):
    found = [EntryPoint(name, value, "test.shapes") for name, value in points.items()]
    monkeypatch.setattr(gapkit.registry, "entry_points", lambda *, group: found if group == "test.shapes" else [])


def registry():
    return Registry("shape", "shapes_under_test", "test.shapes")


def shipped():
    from shapes_under_test import SHAPES

    return SHAPES


@pytest.mark.usefixtures("package")
def test_modules_of_the_package_register_on_first_use(monkeypatch):
    plugins(monkeypatch)
    shapes = shipped()
    assert "shapes_under_test.circle" not in sys.modules
    assert shapes.names() == ["circle", "square"]
    assert shapes.get("square")() == "square"
    assert shapes.origin("square") == "shapes_under_test"


@pytest.mark.usefixtures("package")
def test_a_name_that_is_near_is_offered(monkeypatch):
    plugins(monkeypatch)
    shapes = shipped()
    with pytest.raises(InputError, match=r"unknown shape 'circel': did you mean circle\?"):
        shapes.get("circel")
    with pytest.raises(InputError, match=r"unknown shape 'zzz': known: circle, square"):
        shapes.get("zzz")


@pytest.mark.usefixtures("package")
def test_a_plugin_comes_after_the_built_in_ones(monkeypatch):
    plugins(monkeypatch, hexagon="plugin_under_test:hexagon")
    shapes = shipped()
    assert shapes.names() == ["circle", "square", "hexagon"]
    assert shapes.get("hexagon")() == "hexagon"
    assert shapes.origin("hexagon").startswith("plugin_under_test")


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("value", ["no_such_module:thing", "plugin_under_test:no_such_thing"])
def test_a_broken_plugin_warns_by_name_and_the_others_work(monkeypatch, value):
    plugins(monkeypatch, bad=value, hexagon="plugin_under_test:hexagon")
    shapes = shipped()
    with pytest.warns(RuntimeWarning, match=r"shape plugin 'bad' .* could not be loaded .* left out") as caught:
        assert shapes.names() == ["circle", "square", "hexagon"]
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shapes.names()  # said once


@pytest.mark.usefixtures("package")
def test_a_plugin_does_not_take_a_name_that_is_there(monkeypatch):
    plugins(monkeypatch, circle="plugin_under_test:circle", hexagon="plugin_under_test:hexagon")
    shapes = shipped()
    with pytest.warns(RuntimeWarning, match=r"shape plugin 'circle' .* registered twice, by .* left out"):
        assert shapes.names() == ["circle", "square", "hexagon"]
    assert shapes.get("circle")() == "circle"
    assert shapes.origin("circle") == "shapes_under_test"


@pytest.mark.usefixtures("package")
def test_a_class_is_called_by_its_entry_point(monkeypatch, tmp_path):
    (tmp_path / "plugin_under_test.py").write_text(
        "class Cube: name = ''\nclass Box(Cube): pass\nclass Die(Box): name = 'dice'\n"
    )
    values = {"box": "Box", "cube": "Cube", "die": "Die", "chest": "Box"}
    plugins(monkeypatch, **{name: f"plugin_under_test:{value}" for name, value in values.items()})
    shapes = shipped()
    assert [shapes.get(name).name for name in ("cube", "die")] == ["cube", "die"]
    assert shapes.get(shapes.get("chest").name) is shapes.get("box")  # one class of two names keeps one that is known


@pytest.mark.usefixtures("package")
def test_a_look_that_was_interrupted_is_made_again(monkeypatch, tmp_path):
    plugins(monkeypatch)
    square = tmp_path / "shapes_under_test" / "square.py"
    whole = square.read_text()
    square.write_text("raise KeyboardInterrupt\n")
    shapes = shipped()
    with pytest.raises(KeyboardInterrupt):
        shapes.names()
    square.write_text(whole)
    importlib.invalidate_caches()
    assert shapes.names() == ["circle", "square"]


def test_the_same_name_from_two_sources_is_an_error():
    shapes = registry()

    def first():
        return 1

    def second():
        return 2

    shapes.register("dot", first)
    with pytest.raises(InputError, match=r"shape 'dot': registered twice, by .*first and .*second"):
        shapes.register("dot", second)


def test_the_same_thing_again_is_none():
    shapes = registry()

    def make():
        def dot():
            return 1

        return dot

    shapes.register("dot", make())
    again = make()
    assert shapes.register("dot", again) is again


@pytest.mark.parametrize("name", METRICS.names())
@pytest.mark.parametrize("change", [str, str.upper, lambda name: name.replace("-", "_"), lambda name: f" {name} "])
def test_a_metric_is_found_by_its_name_in_any_spelling(name, change):
    assert METRICS.name_of(change(name)) == name
    assert METRICS.get(change(name)) is METRICS.get(name)


@pytest.mark.parametrize("name", METRICS.names())
@pytest.mark.parametrize("change", [str, str.lower, lambda label: label.replace(" ", "_")])
def test_a_metric_is_found_by_what_tables_print(name, change):
    """Label and heading, the latter with its factor and arrow."""
    assert METRICS.name_of(change(METRICS.get(name).label)) == name
    assert METRICS.name_of(change(METRICS.get(name).heading)) == name


@pytest.mark.parametrize("name", BRIDGES.names())
def test_a_bridge_is_found_by_its_name_in_any_spelling(name):
    assert BRIDGES.name_of(name.replace("-", "_")) == BRIDGES.name_of(name.title()) == name


@pytest.mark.parametrize("name", ["", "-", "R@7", "@", "²"])
def test_a_name_that_means_nothing(name):
    with pytest.raises(InputError, match="unknown metric"):
        METRICS.name_of(name)


def test_a_label_of_two_things_means_neither():
    assert meant("share", {"a": "Share", "b": "share"}) is None
    assert meant("a", {"a": "b", "b": "a"}) == "a"
