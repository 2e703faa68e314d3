"""Command line: parses, calls one function, prints. Commands load when they are called, so that `--help` stays quick."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from forensics import __version__
from forensics.errors import CaseError, ForensicsError, storage_trouble
from forensics.text import safe_lines, safe_text

_INTERRUPTED = 130

# Command -> module, one line of help. The help stands here so that the list costs no import.
COMMANDS: dict[str, tuple[str, str]] = {
    "review": ("review", "Review evidence: ingest, detect, report. The main job."),
    "init": ("init", "Propose a canary.toml from what the evidence shows."),
    "ingest": ("ingest", "Add evidence to a case."),
    "detect": ("detect", "Run the detectors over a case again; reads no evidence."),
    "status": ("status", "Show a case: ledger, coverage, integrity."),
    "report": ("report", "Write a case's result as html, markdown or json."),
    "findings": ("findings", "List the findings of a case, worst first."),
    "timeline": ("timeline", "Show what happened, in order, with phases."),
    "pivot": ("pivot", "Show everything about one address, account, pod, name ..."),
    "show": ("show", "Show a record, also as raw bytes with its neighbours."),
    "explain": ("explain", "Explain a finding: SQL, parameters, rows, severity."),
    "match": ("match", "Look for indicators of compromise (STIX, CSV, lists)."),
    "tag": ("tag", "Put words on findings and records, or list what was said."),
    "note": ("note", "Keep a sentence with a finding or record."),
    "diff": ("diff", "Compare findings of two cases, or with today's detectors."),
    "gdpr": ("gdpr", "Write Article 33 drafts, clock sheet and register entry."),
    "revocations": ("revocations", "Count, or write down, what has to be revoked."),
    "replay": ("replay", "Replay gates: when would one have stopped the rollout?"),
    "policy": ("policy", "Lint or convert gate policies."),
    "audit": ("audit", "Audit many services each night, with one exit code."),
    "package": ("package", "Write a case as an evidence package that others can check."),
    "verify": ("verify", "Check an evidence package, and who signed it."),
    "sql": ("sql", "Run one SELECT over a case."),
    "scan": ("scan", "Scan responses or texts for patterns and header verdicts."),
    "detectors": ("detectors", "List, show, test or start detectors."),
    "formats": ("formats", "List the formats that can be ingested."),
    "config": ("config", "Show or check canary.toml, or print its schema."),
    "doctor": ("doctor", "Check this installation."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"forensics.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where one is misspelt."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"There is no command {safe_text(args[0])!r}." + (f" Did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(title, text) for title, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "CANARY"})
@click.version_option(__version__, prog_name="canary-forensics")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Offline forensic and replay analysis of canary deployments.

    Start with: canary-forensics review EVIDENCE

    Exit codes: 0 done; 1 findings at or above --fail-on; 2 usage or configuration; 3 evidence damaged or verdict inconclusive;
    4 integrity failed; 5 internal error; 130 interrupted.
    """
    if os.environ.get("NO_COLOR"):  # no-color.org: any value but an empty one
        ctx.color = False


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _terminated)
    _open_closed_streams()
    try:
        code = cli.main(
            args=list(arguments) if arguments is not None else None, prog_name="canary-forensics", standalone_mode=False
        )
    except ForensicsError as error:
        code = _tell(error)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        click.echo(safe_lines(_shown(error)), err=True)
        code = 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted; what was written so far is kept.", err=True)
        code = _INTERRUPTED
    except SystemExit:  # click, where the reader of a pipe is gone
        code = 0
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a defect of this tool, told as such
        code = _disk(error) or _defect(error)
    _leave(code if isinstance(code, int) else 0)


def _shown(error: click.ClickException) -> str:
    """Return what click shows of a wrong call; it may quote a file name that a shell put there."""
    out = io.StringIO()
    error.show(out)
    return out.getvalue().rstrip("\n")


def _leave(code: int) -> NoReturn:
    """Exit; at once where the engine still computes what a signal interrupted, for it would not hear of the end."""
    if code == _INTERRUPTED and threading.active_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _open_closed_streams() -> None:
    """Python has no stream where the caller closed it (`>&-`): what is written there goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the rest of the process


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(error: ForensicsError) -> int:
    place = f" [{safe_text(error.location)}]" if error.location else ""
    click.echo(f"Error: {safe_text(error.message)}{place}", err=True)
    if error.hint:
        click.echo(f"  {safe_text(error.hint)}", err=True)
    return error.exit_code


def _disk(error: Exception) -> int:
    """Tell what the disk said; 0 where it is about something else."""
    trouble = storage_trouble(error)
    if not trouble:
        return 0
    hint = "Free some space or fix the permissions, and run the same again: what was read is kept."
    return _tell(CaseError(f"The disk cannot be used: {trouble}.", hint=hint))


def _defect(error: Exception) -> int:
    if os.environ.get("CANARY_DEBUG"):
        raise error
    click.echo(
        f"Error: this is a defect of canary-forensics: {type(error).__name__}: {safe_text(error, 300)}", err=True
    )
    click.echo("  Set CANARY_DEBUG=1 for the traceback and report it; nothing of the evidence was changed.", err=True)
    return 5


def option(*names: str, **settings: Any) -> Any:
    """Return a click option that shows its default."""
    return click.option(*names, **{"show_default": True, **settings})
