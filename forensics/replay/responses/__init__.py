"""`replay diff`: how the canary answers otherwise than the baseline, by the form of responses; docs/replay.md has the rules.

    facets   what a response is made of, and how many of each cohort have it       (SQL over the samples)
    judge    which differences are told: new, dropped, more often, less often      (against the baseline's own noise)
    pairs    the same request on both sides: mirrors, retries, probes              (values compared)
    run      the whole over one case

Production canaries split traffic: hardly any request is answered by both. So what is compared are the responses to requests of one
shape, never one response with another; Diffy's idea of noise (what the baseline differs from itself) is kept.
"""

from forensics.replay.responses.run import COLUMNS, PAIR_COLUMNS, compare

__all__ = ["COLUMNS", "PAIR_COLUMNS", "compare"]
