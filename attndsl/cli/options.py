"""Options that several commands share, with one wording each; the help groups them in panels."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

TEXTS = "Texts"
OUTPUT = "Output"
MACHINE = "Model and machine"
PROGRAMS = "Programs"


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


class Device(StrEnum):
    """Where the model and its replaced heads run."""

    CPU = "cpu"
    CUDA = "cuda"
    AUTO = "auto"
    SHARDED = "sharded"


class Choosing(StrEnum):
    """By which score the program of a head is chosen."""

    IOU = "iou"
    DISTANCE = "distance"


class RoadName(StrEnum):
    """The ways to programs."""

    SEARCH = "search"
    ANTHROPIC = "anthropic"
    LOCAL = "local"


class Aligner(StrEnum):
    """How imported programs map tokens to words."""

    PUBLISHED = "published"
    OFFSETS = "offsets"


# Arguments
Files = Annotated[
    list[Path],
    typer.Argument(
        help="Program files: .attn, or .py written by a language model; or folders of them.",
        metavar="FILE...",
        show_default=False,
    ),
]
AttnFiles = Annotated[
    list[Path], typer.Argument(help="Program files: .attn, or folders of them.", metavar="FILE...", show_default=False)
]
Model = Annotated[
    str,
    typer.Argument(help="Packaged name (see attndsl models), Hugging Face id, folder or .gguf file.", metavar="MODEL"),
]

# Programs
ProgramFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--programs",
        metavar="FILE",
        rich_help_panel=PROGRAMS,
        help="Program file, .attn or .py, or a folder of them (may be repeated); else the built-in programs.",
    ),
]
Choose = Annotated[
    Choosing,
    typer.Option(
        "--choose",
        metavar="NAME",
        rich_help_panel=PROGRAMS,
        help="Choose programs by train IoU (iou), or by how little they move what the head writes (distance).",
    ),
]
FindFirst = Annotated[
    RoadName | None,
    typer.Option(
        "--synth",
        metavar="NAME",
        rich_help_panel=PROGRAMS,
        help="Find programs first: search, anthropic or local; attndsl synth has their options.",
    ),
]
Repair = Annotated[
    bool,
    typer.Option(
        "--repair",
        help="Measure also with a scale and a bias per replaced head, fitted on the train texts.",
    ),
]
Host = Annotated[
    list[str] | None,
    typer.Option(
        "--host",
        metavar="NAME",
        rich_help_panel=PROGRAMS,
        help="Name of a relation that the host will give (may be repeated), e.g. embedding_similarity.",
    ),
]
AlignerOption = Annotated[
    Aligner,
    typer.Option(
        "--aligner",
        metavar="NAME",
        rich_help_panel=PROGRAMS,
        help="Token-to-word alignment of imported programs: published, as their file's helper does it, or offsets: "
        "the helper replaced by the tokens' true character offsets.",
    ),
]
Bidirectional = Annotated[
    bool,
    typer.Option(
        "--bidirectional",
        rich_help_panel=PROGRAMS,
        help="The programs describe bidirectional heads, as BERT has them.",
    ),
]

# Model and machine
Heads = Annotated[
    str | None,
    typer.Option(
        "--heads",
        metavar="LIST",
        rich_help_panel=MACHINE,
        help="Heads such as L5H3,L6 (a whole layer); without it, all.",
    ),
]
Revision = Annotated[
    str | None,
    typer.Option(
        "--revision", metavar="NAME", rich_help_panel=MACHINE, help="Branch, tag or commit of a model from the hub."
    ),
]
DeviceOption = Annotated[
    Device,
    typer.Option(
        "--device", metavar="NAME", rich_help_panel=MACHINE, help="cpu, cuda, auto, or sharded (GPUs, memory and disk)."
    ),
]

Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        metavar="N",
        min=0,
        rich_help_panel=MACHINE,
        help="Processes that do the work, each with a model of its own; 1: this one. With --ray, 0: all that fit.",
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        rich_help_panel=MACHINE,
        help="Do the work on a Ray cluster: local, auto, or an address; --out must be seen by all nodes.",
    ),
]
KeepPatterns = Annotated[
    bool,
    typer.Option(
        "--keep-patterns/--no-keep-patterns",
        rich_help_panel=MACHINE,
        help="Store patterns, or run the model again for every pass over the texts: for corpora that fit no disk.",
    ),
]

# Texts
Corpus = Annotated[
    str,
    typer.Option(
        "--corpus",
        metavar="NAME",
        rich_help_panel=TEXTS,
        help="Bundled corpus (stories, sentences, code, math) or a .txt, .jsonl or .csv file.",
    ),
]
Tokens = Annotated[
    int, typer.Option("--tokens", metavar="N", rich_help_panel=TEXTS, help="Cut texts to this many tokens.")
]
MinTokens = Annotated[
    int | None,
    typer.Option(
        "--min-tokens",
        metavar="N",
        rich_help_panel=TEXTS,
        help="Leave out shorter texts; without it, three quarters of --tokens.",
    ),
]
Train = Annotated[
    int,
    typer.Option(
        "--train", metavar="N", min=1, rich_help_panel=TEXTS, help="Train texts at most: programs are chosen here."
    ),
]
Heldout = Annotated[
    int,
    typer.Option(
        "--heldout",
        metavar="N",
        min=1,
        rich_help_panel=TEXTS,
        help="Held-out texts at most: figures are reported here.",
    ),
]

# Output
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FOLDER",
        rich_help_panel=OUTPUT,
        help="Folder of the run, where a rerun goes on; without it, attndsl-runs/MODEL.",
    ),
]
FormatOption = Annotated[
    Format, typer.Option("--format", metavar="NAME", rich_help_panel=OUTPUT, help="Print results as text or json.")
]
Quiet = Annotated[bool, typer.Option("--quiet", rich_help_panel=OUTPUT, help="No progress on stderr.")]
