"""The notebooks: run afresh in a kernel, and compared with what they show.

``python tests/notebooks.py`` records the outputs anew.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
SECONDS = 300
"""For one cell on a busy machine; a notebook takes two or three seconds on a quiet one."""


def names() -> list[str]:
    """The notebooks, in order."""
    return sorted(path.name for path in FOLDER.glob("*.ipynb"))


def load(name: str) -> Any:
    """A notebook as it is stored."""
    import nbformat

    return nbformat.read(FOLDER / name, as_version=4)


def prepare(folder: Path) -> Path:
    """A folder in which relative paths of the notebooks are right; what they write stays there."""
    (folder / "examples").symlink_to(ROOT / "examples")
    place = folder / "notebooks"
    place.mkdir()
    return place


def execute(notebook: Any, place: Path) -> Any:
    """Run every cell; a cell that fails raises ``nbclient.exceptions.CellExecutionError``."""
    from jupyter_client import KernelManager
    from jupyter_client.kernelspec import KernelSpec
    from nbclient import NotebookClient

    # this interpreter, not whatever kernel is registered on the machine under the name python3
    manager = KernelManager(transport="ipc", ip=str(place / "kernel"))  # no port is opened on the machine
    manager._kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
    )
    client = NotebookClient(
        notebook, km=manager, timeout=SECONDS, resources={"metadata": {"path": str(place)}}, record_timing=False
    )
    client.execute()
    return tidy(notebook)


def outputs(cell: Any) -> list[str]:
    """What a cell shows, as texts: streams joined, then every form of every display."""
    streams = "".join(output["text"] for output in cell.get("outputs", []) if output["output_type"] == "stream")
    shown = [streams] if streams else []
    for output in cell.get("outputs", []):
        if output["output_type"] != "stream":
            shown += [f"{kind}\n{text}" for kind, text in sorted(output["data"].items())]
    return [re.sub(r"0x[0-9a-f]+", "0x", text) for text in shown]


def tidy(notebook: Any) -> Any:
    """Without what differs from machine to machine (warnings of libraries, on stderr) and what nobody sees (plain text
    beside HTML)."""
    for cell in code_cells(notebook):
        cell["outputs"] = [output for output in cell["outputs"] if output.get("name") != "stderr"]
        for output in cell["outputs"]:
            if "text/html" in output.get("data", {}):
                output["data"].pop("text/plain", None)
    return notebook


def code_cells(notebook: Any) -> list[Any]:
    """The cells with code."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def record() -> None:
    """Write real outputs into the notebooks."""
    import nbformat

    for name in names():
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(load(name), prepare(Path(folder)))
        nbformat.write(notebook, FOLDER / name)


if __name__ == "__main__":
    record()
