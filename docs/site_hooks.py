"""What the site has beyond the files of this folder: pages of the root, the notebook, the reference, and drawn figures.

Called by mkdocs (see ``mkdocs.yml``). Links lead where a file stands on the site; those to files that are not on it become
plain names, since a site that is handed on has no repository around it.
"""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
FROM_ROOT = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
    "studies/results/sites.md": "sites.md",
}
"""Files of the repository that are pages of the site."""
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s#:]+)(#[^()\s]*)?\)")
BLOCK = re.compile(r"^```python\n(.*?)^```\n", flags=re.DOTALL | re.MULTILINE)
GROUPS = {
    "corpora": "Text",
    "models": "Models",
    "activations": "Activations",
    "probes": "Probes",
    "rankings": "Rankings",
    "experiments": "Experiments",
    "analysis": "Where neurons sit, and what they do",
    "compact": "Few neurons as features",
    "study": "Studies",
    "runs": "Runs",
    "report": "The page",
    "planted": "Planted data",
    "bars": "Progress",
    "errors": "Errors",
}
"""Headings of the reference by the folder in which a public name lives."""


def on_config(config: Any) -> Any:  # noqa: ANN401 (mkdocs' own)
    """Put pages that the navigation does not name at the end of the guides, so that none is lost."""
    named = set(re.findall(r"[\w-]+\.md", json.dumps(config["nav"])))
    more = sorted(path.name for path in DOCS.glob("*.md") if path.name not in named)
    guides = next(part["Guides"] for part in config["nav"] if "Guides" in part)
    guides += more
    project = next(part["Project"] for part in config["nav"] if "Project" in part)
    project += [page for page in ("benchmarks.md", "sites.md") if page not in named]
    return config


def on_files(files: Files, config: Any) -> Files:  # noqa: ANN401
    """Add the pages that are made here."""
    for source, page in FROM_ROOT.items():
        files.append(File.generated(config, page, content=linked((ROOT / source).read_text(encoding="utf-8"), source)))
    files.append(File.generated(config, "first-hour.md", content=_notebook(DOCS / "first-hour.ipynb")))
    files.append(File.generated(config, "api.md", content=_reference()))
    gallery, pictures = _drawn((DOCS / "gallery.md").read_text(encoding="utf-8"))
    files.remove(files.get_file_from_path("gallery.md"))
    files.append(File.generated(config, "gallery.md", content=linked(gallery, "docs/gallery.md")))
    for name, content in pictures.items():
        files.append(File.generated(config, f"gallery/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:  # noqa: ANN401
    """Lead the links of the folder's own pages to where their targets stand on the site."""
    return markdown if page.file.generated_by else linked(markdown, f"docs/{page.file.src_uri}")


def on_post_page(output: str, **_: object) -> str:
    """Take out the one script that would be loaded from elsewhere: it only emulates workers for the search of pages on disk."""
    return re.sub(r'<script src="https://unpkg\.com/[^"]*"></script>', "", output)


def on_post_template(output_content: str, **_: object) -> str:
    """The same in pages that are made of a template alone, such as that of an address that leads nowhere."""
    return on_post_page(output_content)


def linked(text: str, source: str) -> str:
    """The text of the file `source` (from the root), its links as they are on the site."""

    def there(match: re.Match[str]) -> str:
        picture, words, target, anchor = match.groups()
        path = os.path.normpath(PurePosixPath(source).parent / target).replace(os.sep, "/")
        if path in FROM_ROOT:
            return f"[{words}]({FROM_ROOT[path]}{anchor or ''})"
        if path.startswith("docs/") and (ROOT / path).is_file() and not path.endswith(".ipynb"):
            return f"{picture}[{words}]({path.removeprefix('docs/')}{anchor or ''})"
        if path == "docs/first-hour.ipynb":
            return f"[{words}](first-hour.md)"
        return f"*{words}*" if picture else f"{words} (`{path}`)" if f"`{path}`" != words else words

    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)  # code stays as it is
    return "".join(part if part.startswith("```") else LINK.sub(there, part) for part in parts)


def _notebook(path: Path) -> str:
    """The notebook's text and code; what it shows is seen by running it."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = [
        "".join(cell["source"]) if cell["cell_type"] == "markdown" else f"```python\n{''.join(cell['source'])}\n```"
        for cell in cells
    ]
    note = f"This page is the notebook `docs/{path.name}`; open it in Jupyter to see what every cell shows."
    return "\n\n".join([parts[0], note, *parts[1:]])


def _reference() -> str:
    """Every public name at its home, by the folders of the package, from the one list of what the package offers."""
    lines = (ROOT / "src" / "neurosieve" / "__init__.pyi").read_text(encoding="utf-8").splitlines()
    homes = [re.match(r"from \.([\w.]+) import (.+)", line) for line in lines]
    named = [(found[1], name.strip()) for found in homes if found for name in found[2].split(",")]
    text = [
        "# Reference",
        "Every name here is public: `import neurosieve as ns` and `ns.NAME`. The figures are in the [gallery](gallery.md).",
    ]
    for folder, heading in GROUPS.items():
        own = [(home, name) for home, name in named if home.split(".")[0] == folder]
        text += [f"## {heading}", *(f"::: neurosieve.{home}.{name}" for home, name in own)] if own else []
    figures = (ROOT / "src" / "neurosieve" / "figures" / "__init__.py").read_text(encoding="utf-8")
    text += ["## Figures"]
    for home, names in re.findall(r"^from (neurosieve\.figures\.\w+) import (.+)$", figures, flags=re.MULTILINE):
        text += [f"::: {home}.{name.strip()}" for name in names.split(",")]
    return "\n\n".join(text)


def _drawn(text: str) -> tuple[str, dict[str, bytes]]:
    """The page with the figure that each block of code makes below it, and the figures."""
    import matplotlib as mpl

    mpl.use("Agg")
    names: dict[str, Any] = {"__name__": "gallery"}
    pictures: dict[str, bytes] = {}

    def with_picture(match: re.Match[str]) -> str:
        names.pop("ax", None)
        exec(compile(match[1], "docs/gallery.md", "exec"), names)
        if "ax" not in names:
            return match[0]
        file = io.BytesIO()
        names["ax"].figure.savefig(file, format="png", dpi=110, bbox_inches="tight")
        name = f"{len(pictures) + 1}.png"
        pictures[name] = file.getvalue()
        return f"{match[0]}\n![what the code above draws](gallery/{name})\n"

    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return BLOCK.sub(with_picture, text), pictures
        finally:
            os.chdir(before)
