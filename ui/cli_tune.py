"""`footnote tune`: the verbs that fit what ships to labelled questions."""

import logging
from pathlib import Path

import click

from ui.failures import reports_failure
from ui.settings import load

SETS = click.argument("sets", nargs=-1, required=True, metavar="SET…")
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group()
def tune() -> None:
    """Fit what ships to labelled questions.

    A SET is a FOLDER as `footnote eval` takes it, or FOLDER=QUESTIONS.jsonl for other questions
    about the same documents.
    """
    logging.getLogger("rag").setLevel(logging.INFO)


@tune.command()
@SETS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The JSON to write.")
@reports_failure
def calibrate(sets: tuple[str, ...], out: Path) -> None:
    """Fit the sentence ranking and the confidence on the questions of the SETs.

    The reader must not have been tuned on these questions: it is too sure of them. They come again
    with what answers them taken away, and each SET is asked some of the others' questions: a few
    near misses do not tell what a question without an answer looks like.

    Example: footnote tune calibrate sets/handbook_a sets/handbook_b --out rag/calibration.json
    """
    from ui import tuning

    click.echo(tuning.calibrate([tuning.Labelled.parse(one) for one in sets], out))


@tune.command()
@SETS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--rows",
    type=FILE,
    help='More rows: {"question", "candidates": [{"text", "answers"}]} a line.',
)
@click.option("--start", type=FOLDER, help="Folder of a reader to go on from.")
@reports_failure
def reader(sets: tuple[str, ...], out: Path, rows: Path | None, start: Path | None) -> None:
    """Tune the reader on the questions of the SETs: which of the sentences found answer them.

    Example: footnote tune reader sets/handbook_a=rag/tune/rows/handbook_a.jsonl --out data/reader
    """
    from ui import tuning

    click.echo(tuning.reader([tuning.Labelled.parse(one) for one in sets], rows, out, start))


@tune.command()
@click.argument("readers", nargs=-1, required=True, type=FOLDER, metavar="READER…")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@reports_failure
def average(readers: tuple[Path, ...], out: Path) -> None:
    """Write the mean of several READERs: of runs that went on from one, over other rows.

    All of one kind, of `tune reader` or of `tune list-reader`. One named twice counts twice.

    Example: footnote tune average rag/reader data/reader --out data/mean
    """
    from ui import tuning

    click.echo(tuning.average(readers, out))


@tune.command()
@click.argument("rows", type=FILE)
@click.option("--reader", type=FOLDER, help="Folder of a reader, in which the file is written.")
@click.option("--encoder", type=click.Path(path_type=Path), help="File to write of the encoder.")
@reports_failure
def eight_bits(rows: Path, reader: Path | None, encoder: Path | None) -> None:
    """Measure which layers bear eight bits, of a reader or of the sentence encoder, or of both.

    With eight_bits in [embedder] these then run faster, on processors made for it. ROWS is a
    rows.jsonl that `tune reader` wrote, of 300 questions or more.

    Example: footnote tune eight-bits data/reader/rows.jsonl --reader data/reader
    """
    from ui import tuning

    click.echo(tuning.eight_bits(rows, reader, encoder))


@tune.command()
@SETS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--rows", type=FILE, help="More rows, as for `tune reader`.")
@click.option("--start", type=FOLDER, help="Folder of a list reader to begin with.")
@reports_failure
def list_reader(sets: tuple[str, ...], out: Path, rows: Path | None, start: Path | None) -> None:
    """Tune the listwise reader on the questions of the SETs; started again, it goes on.

    Example: footnote tune list-reader sets/handbook_a=rows.jsonl --out data/list_reader
    """
    from ui import tuning

    labelled = [tuning.Labelled.parse(one) for one in sets]
    click.echo(tuning.list_reader(labelled, rows, out, start))


@tune.command()
@SETS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option(
    "--refusals",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of the unanswerable questions that become refusals.",
)
@reports_failure
def data(sets: tuple[str, ...], out: Path, refusals: float) -> None:
    """Turn the questions of the SETs into training examples for the language model.

    Each is in exactly the prompt that answering builds, over passages that retrieval found. What
    became of every question is printed.

    Example: footnote tune data sets/handbook_a --out data/turns.jsonl
    """
    from ui import tuning

    click.echo(tuning.data([tuning.Labelled.parse(one) for one in sets], out, refusals))


@tune.command()
@click.argument("examples", type=FILE)
@click.option("--held-out", type=FILE, help="Examples to measure the loss on during the run.")
@click.option("--base", type=click.Path(path_type=Path, exists=True), help="Folder or GGUF file.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Adapter folder.")
@click.option("--start", type=FOLDER, help="Folder of an adapter to begin with.")
@click.option("--rank", type=click.IntRange(1), default=16, show_default=True)
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), default=1e-3, show_default=True
)
@click.option("--epochs", type=click.IntRange(1), default=2, show_default=True)
@reports_failure
def run(
    examples: Path,
    held_out: Path | None,
    base: Path | None,
    out: Path,
    start: Path | None,
    **recipe: float,
) -> None:
    """Tune the language model by LoRA on EXAMPLES; started again, it goes on where it stopped.

    Without --base, the packaged model.

    Example: footnote tune run data/turns.jsonl --out data/adapter
    """
    from ui import tuning

    scaled = {**recipe, "alpha": 2 * recipe["rank"]}
    click.echo(tuning.lora(examples, held_out, base, out, scaled, start=start))


@tune.command()
@click.argument("adapter", type=FOLDER)
@click.option("--base", type=FILE, help="GGUF file; default: the packaged model.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="GGUF file to write.")
@reports_failure
def merge(adapter: Path, base: Path | None, out: Path) -> None:
    """Write base and ADAPTER as one GGUF file, for [model] path or any server that reads GGUF.

    Example: footnote tune merge data/adapter --out data/answers.gguf
    """
    from ui import tuning

    click.echo(tuning.merge(adapter, base, out))


@tune.command()
@click.option("--out", type=click.Path(path_type=Path), help="Default: router.json in data_dir.")
@click.pass_context
@reports_failure
def router(context: click.Context, out: Path | None) -> None:
    """Refit when the larger model is asked, to logged votes and verifications.

    Refuses while there are too few. What it writes decides once [model.large] router names it.

    Example: footnote --settings settings.toml tune router
    """
    from ui import cascade

    click.echo(cascade.refit(load(context.obj), out))
