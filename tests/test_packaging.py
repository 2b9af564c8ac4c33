"""The files that set the kit up agree with each other, and `make` does what it says."""

from __future__ import annotations

import ast
import getpass
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONDA_NAMES = {
    "css-inline": "css_inline",
    "duckdb": "python-duckdb",
    "jupyter-client": "jupyter_client",
    "matplotlib": "matplotlib-base",
    "tzdata": "python-tzdata",
}
"""Names that differ on conda-forge."""
MADE_BY_OTHERS = {
    "ruamel": "ruamel.yaml",
    "pydantic_core": "pydantic",
    "markdown_it": "markdown-it-py",
    "traitlets": "nbconvert",
}
"""Modules that come with a direct dependency."""


def bounds(requirements: list[str]) -> dict[str, str]:
    named = (re.sub(r"\[.*\]", "", requirement) for requirement in requirements)
    return dict(re.split(r"(?=>=)", requirement, maxsplit=1) for requirement in named)


RUNTIME = bounds(PROJECT["dependencies"])
DEV = bounds(PROJECT["optional-dependencies"]["dev"])
LAB = bounds(PROJECT["optional-dependencies"]["lab"])
EXTRAS = bounds([line for name in ("dask", "remote") for line in PROJECT["optional-dependencies"][name]])
LOCKS = {
    "requirements.lock": RUNTIME,
    "requirements-lab.lock": RUNTIME | LAB,
    "requirements-dev.lock": RUNTIME | LAB | DEV | EXTRAS,
}
"""Each lock and the direct dependencies that it must pin."""


def tracked() -> list[Path]:
    left_out = {".git", ".venv", "__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache", ".hypothesis"}
    files = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in left_out]
        files += [Path(folder, name) for name in names if name not in left_out]
    made = {path for path in (ROOT / "reports").rglob("*") if path.name not in ("_quarto.yml", "theme.css")}
    return [path for path in files if path not in made and not path.name.startswith(".coverage")]


def test_the_conda_environment_has_the_same_dependencies_and_bounds():
    environment = YAML(typ="safe").load(ROOT / "environment.yml")
    listed = bounds([entry for entry in environment["dependencies"] if ">=" in entry])
    assert listed.pop("python") == PROJECT["requires-python"]
    assert listed.pop("quarto")
    assert listed == {CONDA_NAMES.get(name, name): bound for name, bound in (RUNTIME | LAB).items()}
    assert environment["channels"] == ["conda-forge"]


def pins(lock: str) -> set[tuple[str, str]]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9._-]+)==([^ ;\n]+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_direct_dependency_within_its_bound(lock):
    pinned = dict(pins(lock))
    for name, bound in LOCKS[lock].items():
        pin = pinned.get(name.replace(".", "-"))
        assert pin is not None, f"make lock: {name} is missing"
        version, least = ([int(part) for part in re.findall(r"\d+", text)] for text in (pin, bound))
        assert version >= least, name


def test_the_locks_agree_and_reports_need_few_packages():
    assert pins("requirements.lock") < pins("requirements-lab.lock") < pins("requirements-dev.lock")
    assert not {"jupyterlab", "ipywidgets", "pytest", "playwright"} & {
        name for name, _ in pins("requirements.lock")
    }


def test_the_package_imports_only_what_it_declares():
    owners = packages_distributions()
    declared = {name.replace("_", "-") for name in RUNTIME | LAB}
    for path in (ROOT / "kpi_kit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for top in {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"kpi_kit"}:
                owner = MADE_BY_OTHERS.get(top) or owners[top][0].lower().replace("_", "-")
                assert owner in declared, f"{path.relative_to(ROOT)} imports {top}"


def test_the_readme_gives_a_reason_for_every_dependency():
    rows = re.findall(
        r"^\| `([a-zA-Z0-9._-]+)` \| (\S.+) \|$", README.split("## Dependencies")[1], re.MULTILINE
    )
    assert {name for name, _ in rows} == set(RUNTIME) | set(LAB) | set(DEV) | set(EXTRAS)


def test_the_readme_lists_the_targets_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"^\| `make(?: ([a-z-]+))?[^|]*` \|", README, re.MULTILINE)) - {""} == targets - {
        "help"
    }


def test_the_readme_names_only_files_that_exist():
    layout = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert layout
    for line in layout[1].splitlines():
        for name in re.split(r"\s{2,}", line.strip())[0].split():
            if "<" not in name:
                assert (ROOT / name).exists(), name


def test_data_files_of_the_package_are_there():
    for name in (
        "py.typed",
        "report/locale/ru.yml",
        "report/locale/en.yml",
        "kpis/spam_phrases.txt",
        "report/templates/report/index.html.j2",
    ):
        assert (ROOT / "kpi_kit" / name).is_file(), name


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry(lock):
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "://" in line or line.startswith("-")] == []


def test_no_file_names_the_folder_of_this_checkout():
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        assert f"{ROOT}/" not in text, path.relative_to(ROOT)


# make


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run make in a folder with the Makefile alone, so that nothing is installed."""
    house = tmp_path / "a house"
    house.mkdir()
    for name in ("Makefile", "pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, house)

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("CONDA_PREFIX", "MAKEFLAGS", "MAKELEVEL")
        }
        kept["LC_ALL"] = "en_GB.UTF-8"
        return subprocess.run(
            ["make", "-C", str(house), "--no-print-directory", *arguments],
            env=kept | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, body: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


def test_make_lists_its_targets(make):
    done = make()
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines()] == re.findall(
        r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE
    )


def test_make_speaks_the_language_of_the_locale_or_russian(make):
    english, russian = (make(LC_ALL=locale).stdout.splitlines() for locale in ("en_GB.UTF-8", "C"))
    assert len(english) == len(russian) > 20
    for line, translated in zip(english, russian, strict=True):
        assert not re.search("[а-я]", line)
        assert re.search("[а-я]| ruff ", translated)
        assert re.findall(r" \[.*", line) == re.findall(r" \[.*", translated)
    assert "для kpi-kit нужен Python 3.11" in make("setup", "PYTHON=/no", LC_ALL="ru_RU.UTF-8").stderr


def test_too_old_a_python_is_one_sentence(make, script):
    old = script(
        "bin/python3",
        f'exec "{sys.executable}" -c "import sys; sys.version_info = (3, 9); exec(sys.argv[1])" "$2"',
    )
    done = make("setup", PATH=f"{old.parent}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("kpi-kit needs Python 3.11 or newer as python3; ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2  # the second is make's own


def test_a_python_that_is_not_there_is_one_sentence(make):
    done = make("setup", "PYTHON=/no/such/python")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("kpi-kit needs Python 3.11 or newer as /no/such/python; ")
    assert len(done.stderr.splitlines()) == 2


def test_a_python_without_venv_is_one_sentence(make, script):
    block = "import sys; sys.modules['ensurepip'] = None; exec(sys.argv[1])"
    bare = script("bin/python3", f'exec "{sys.executable}" -c "{block}" "$2"')
    done = make("setup", PATH=f"{bare.parent}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 2
    assert "apt-get install python3-venv" in done.stderr.splitlines()[0]
    assert len(done.stderr.splitlines()) == 2


@pytest.fixture
def conda(script: Callable[[str, str], Path], tmp_path: Path) -> Callable[[], list[list[str]]]:
    """An active conda environment whose python notes what it is asked to do, an argument a line."""
    script("conda env/bin/python", f'printf "%s\\n" "$@" -- >> "{tmp_path}/asked"')

    def asked() -> list[list[str]]:
        text = (tmp_path / "asked").read_text(encoding="utf-8")
        return [call.splitlines() for call in re.split(r"(?m)^--\n", text) if call]

    return asked


def test_an_active_conda_environment_is_used_as_it_is(make, conda, tmp_path):
    done = make("check", CONDA_PREFIX=str(tmp_path / "conda env"))
    assert (done.returncode, done.stderr) == (0, "")
    first, second = conda()
    assert first[0] == "-c"
    assert second == ["-m", "kpi_kit", "check", "--data", "data/sample", "--params", "params"]
    assert not (tmp_path / "a house" / ".venv").exists()


def test_values_may_hold_spaces_and_quotes(make, conda, tmp_path):
    done = make(
        "reports",
        "-j4",
        "PERIOD=2025-10",
        "SPECIALIST=anna",
        "DATA=my data",
        "PARAMS=p'q",
        'OUT=a "b"',
        "JOBS=2",
        "AS_OF=2025-11-01 12:00",
        CONDA_PREFIX=str(tmp_path / "conda env"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    asked = conda()[-1]
    assert asked[:3] == ["-m", "kpi_kit", "run"]
    options = dict(zip(asked[3::2], asked[4::2], strict=True))
    assert options == {
        "--data": "my data",
        "--params": "p'q",
        "--out": 'a "b"',
        "--engine": "auto",
        "--period": "2025-10",
        "--specialist": "anna",
        "--jobs": "2",
        "--as-of": "2025-11-01 12:00",
    }


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ([], []),
        (["SEND=no", "RESEND=", "PRELIMINARY=0"], []),
        (["SEND=yes", "RESEND=yes", "PRELIMINARY=yes"], ["--send", "--resend", "--preliminary"]),
        (["SEND=yes", "RESOLVE=again", "TO=o'b c"], ["--send", "--resolve", "again", "--to", "o'b c"]),
    ],
)
def test_mail_is_sent_only_where_it_is_said(make, conda, tmp_path, given, options):
    done = make("mail", "PERIOD=2025-10", *given, CONDA_PREFIX=str(tmp_path / "conda env"))
    assert (done.returncode, done.stderr) == (0, "")
    folders = ["--data", "data/sample", "--params", "params", "--out", "reports", "--period", "2025-10"]
    assert conda()[-1] == ["-m", "kpi_kit", "mail", *folders, *options]


def test_lab_passes_its_arguments_on(make, conda, tmp_path):
    """It serves the project, and people run copies of the notebooks, which a second call leaves alone."""
    house = tmp_path / "a house"
    (house / "notebooks").mkdir()
    (house / "notebooks/explore.ipynb").write_text("{}", encoding="utf-8")
    (house / "notebooks/questions.ipynb").write_text("{}", encoding="utf-8")
    (house / "work").mkdir()
    (house / "work/questions.ipynb").write_text("mine", encoding="utf-8")
    done = make("lab", "LAB_ARGS=--allow-root --no-browser", CONDA_PREFIX=str(tmp_path / "conda env"))
    assert (done.returncode, done.stderr) == (0, "")
    served = ["--ServerApp.root_dir=.", "work/explore.ipynb"]
    assert conda()[-1] == ["-m", "jupyterlab", *served, "--allow-root", "--no-browser"]
    assert [path.read_text(encoding="utf-8") for path in sorted((house / "work").iterdir())] == ["{}", "mine"]
    assert "work/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "`LAB_ARGS=`" in README


def test_ci_runs_what_the_readme_says():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert re.search(r"^make lint .*& linting=\$!", script, re.MULTILINE)
    assert 'make test || tested=$?\nwait "$linting" || linted=$?' in script
    assert script.endswith("exit $((tested || linted))\n")
    assert "make test" in README
    assert subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=False).returncode == 0


# the wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment outside the checkout that holds the wheel and what reports need, and nothing else.

    The lines of the Dockerfile make it; uv takes the place of pip, and the wheel that of the checkout.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    uv = f"{shlex.quote(sys.executable)} -m uv"

    def run(line: str) -> None:
        subprocess.run(line, shell=True, check=True, timeout=300, cwd=ROOT)

    run(f"{uv} build --quiet --wheel --out-dir {folder} .")
    run(f"{uv} venv --quiet --python {shlex.quote(sys.executable)} {folder}/env")
    (wheel,) = folder.glob("*.whl")
    places = {
        "python -m pip install --no-cache-dir": f"{uv} pip install --quiet --python {folder}/env/bin/python",
        "/kit/requirements.lock": str(ROOT / "requirements.lock"),
        " && rm -rf /kit": "",
        " /kit": f" {wheel}",
        "useradd --create-home kpi && ": "",  # this machine keeps its users
        "-o kpi /work": f"-o {getpass.getuser()} {folder}/work",
    }
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("RUN "):
            for old, new in places.items():
                line = line.replace(old, new)
            run(line.removeprefix("RUN "))
    return folder


def test_an_installed_wheel_makes_the_reports(installed):
    shutil.copytree(ROOT / "data/sample", installed / "data", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("department.yml", "specialists/anna-petrova.yml"):
        (installed / "params" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "params" / name, installed / "params" / name)
    program = installed / "env" / "bin" / "kpi-kit"
    folders = ("--data", "data", "--params", "params", "--out", "out")
    done = subprocess.run(
        [program, "run", "--period", "2025-10", *folders],
        cwd=installed,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = sorted(path.name for path in (installed / "out" / "2025-10").glob("*.html"))
    assert pages == ["anna-petrova.html", "index.html"]
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"kpi-kit {PROJECT['version']}\n"


def test_the_container_has_a_folder_for_the_agency(installed):
    assert (installed / "work").is_dir()


def test_reports_need_few_packages(installed):
    """What reports do not need belongs to an extra."""
    packages = next((installed / "env" / "lib").glob("python3*")) / "site-packages"
    assert len(list(packages.glob("*.dist-info"))) <= 110
