from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gapkit.errors import GapkitError
from gapkit.installation import Finding, examine_installation

REQUIRES = """\
Metadata-Version: 2.1
Name: toolbox
Version: 3.4
Requires-Python: {python}
Requires-Dist: part-new>=2.0
Requires-Dist: part-other>=1; sys_platform == "no-such-system"
Requires-Dist: part-spare>=1; extra == "spares"
Requires-Dist: part-old>=2; extra == "spares"
Requires-Dist: part-hollow; extra == "hollow"
Requires-Dist: part-new>=2.0; extra == "ready"
Provides-Extra: spares
Provides-Extra: hollow
Provides-Extra: ready
"""


def install(folder: Path, name: str, version: str, *, code: bool = True) -> None:
    """What pip leaves of a package with one module."""
    module = name.replace("-", "_")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text(f"{module}.py,,\n{info.name}/METADATA,,\n")
    if code:
        (folder / f"{module}.py").write_text("")


@pytest.fixture
def toolbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution whose requirements are all here in some way."""
    install(tmp_path, "part-new", "2.1")
    install(tmp_path, "part-old", "1.9")
    install(tmp_path, "part-hollow", "1.0", code=False)
    info = tmp_path / "toolbox-3.4.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(REQUIRES.format(python=">=3.0"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("gapkit.datasets.dataset_names", list)  # reading them takes longer than all the rest
    return info


def finding(name: str) -> Finding:
    return next(f for f in examine_installation("toolbox").findings if f.name == name)


def test_a_package_that_is_here(toolbox: Path) -> None:
    found = examine_installation("toolbox")
    assert found.gapkit == "3.4"
    assert Finding("core", "part-new", "ok", "2.1") in found.findings
    # What another platform needs is not asked of this one.
    assert [f.name for f in found.part("core")] == ["Python", "part-new"]
    assert found.sound


def test_extras_say_what_they_lack_and_what_adds_it(toolbox: Path) -> None:
    assert finding("spares") == Finding(
        "extras", "spares", "missing", "part-old 1.9", "part-spare>=1, part-old>=2", 'pip install "toolbox[spares]"'
    )
    assert finding("hollow") == Finding(
        "extras", "hollow", "broken", "part-hollow 1.0", "part-hollow", 'pip install "toolbox[hollow]"'
    )
    assert finding("ready") == Finding("extras", "ready", "ok", "part-new 2.1")
    assert examine_installation("toolbox").sound  # extras may be missing


def test_what_is_lost_is_seen_beside_importlib_metadata(toolbox: Path) -> None:
    """Once imported it answers for the standard library, and lists only files that are there."""
    pytest.importorskip("importlib_metadata")
    assert finding("hollow").state == "broken"


@pytest.mark.parametrize(
    ("version", "state", "remedy"),
    [(None, "missing", 'pip install "part-new>=2.0"'), ("1.0", "old", 'pip install "part-new>=2.0"')],
)
def test_the_core_is_not_sound(toolbox: Path, version: str | None, state: str, remedy: str) -> None:
    folder = toolbox.parent
    for path in (folder / "part_new-2.1.dist-info").iterdir():
        path.unlink()
    (folder / "part_new-2.1.dist-info").rmdir()
    if version:
        install(folder, "part-new", version)
    assert finding("part-new") == Finding("core", "part-new", state, version or "", ">=2.0", remedy)
    assert not examine_installation("toolbox").sound


def test_a_python_that_is_too_old(toolbox: Path) -> None:
    (toolbox / "METADATA").write_text(REQUIRES.format(python=">=99"))
    assert (finding("Python").state, finding("Python").needs) == ("old", ">=99")


def test_java(toolbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert (finding("Java").state, finding("Java").remedy) == ("missing", "apt-get install default-jre-headless")
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text(f"#!{sys.executable}\nimport sys\nprint('openjdk version \"99.1\"', file=sys.stderr)\n")
    java.chmod(0o755)
    assert finding("Java") == Finding("machine", "Java", "ok", "99.1")


def test_a_cache_folder_that_cannot_be_written(toolbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert finding("cache folder").state == "broken"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not" / "there" / "yet"))
    assert finding("cache folder").state == "ok"
    assert not (tmp_path / "not").exists()  # looking makes nothing


def test_bundled_data_that_were_changed(toolbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gapkit.datasets as datasets

    monkeypatch.setattr(datasets, "dataset_names", lambda: ["sfx"])
    assert finding("sfx").state == "ok"
    pairs = datasets.load_dataset("sfx").subset("test")
    monkeypatch.setattr(datasets, "load_dataset", lambda name: pairs)
    assert (finding("sfx").state, finding("sfx").found) == ("broken", "content differs from what was published")
    assert not examine_installation("toolbox").sound


def test_what_is_not_installed_cannot_be_examined() -> None:
    with pytest.raises(GapkitError, match="no-such-toolbox: cannot say what it needs"):
        examine_installation("no-such-toolbox")
