"""The first GDPR documents of a case: Article 33 notification, clock sheet, register entry and the numbers, as drafts for people.

Numbers come from the case, everything that is a judgement from gdpr.toml. The tool never says when the controller became aware, and never
whether a breach has to be notified. The same case gives the same bytes: there is no clock in any of this.
"""

from __future__ import annotations

from forensics.case import Case
from forensics.errors import ConfigError, Location
from forensics.gdpr.human import Blank, Given, blanks, keep, kept, load, parse, template
from forensics.gdpr.model import FILE_NAME

__all__ = ["FILE_NAME", "Blank", "Given", "blanks", "documents", "keep", "kept", "load", "parse", "template"]


def documents(case: Case, given: Given | None = None, *, final: bool = False) -> dict[str, bytes]:
    """Return the documents by file name, from `given` or the gdpr.toml that the case holds.

    Raises:
        UsageError: detection has not run yet. ConfigError: `final` was asked for and something is blank. IntegrityError: the case is not
            what was recorded.

    """
    from forensics.gdpr import content, render
    from forensics.gdpr.contradictions import contradictions
    from forensics.gdpr.facts import facts

    said = given or kept(case)
    known = facts(case, said.human)
    empty, wrong = blanks(said), list(contradictions(said, known))
    missing = [*empty, *wrong]
    if final and missing:
        why = f"{len(empty)} fields are blank" if empty else f"{wrong[0].key} needs {wrong[0].what}"
        raise ConfigError(
            f"{why}, so the documents can only be drafts.",
            hint="Fill them in, or leave out --final." if empty else "Correct gdpr.toml, or leave out --final.",
            location=Location(case.folder / FILE_NAME, missing[0].line, missing[0].key),
        )
    return render.files(content.Material(known, said.human, missing, final))
