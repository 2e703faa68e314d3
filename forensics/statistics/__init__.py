"""Exact tests, intervals, multiplicity and sequential evidence from integer counts; docs/statistics.md has definitions and errors.

    tables        one table: Fisher, events per exposure, attainable p        (arrays of tables)
    stratified    rates over phases: exact conditional, Mantel-Haenszel       (many records at once)
    intervals     Wilson, Newcombe, Clopper-Pearson, Garwood, zero events
    multiplicity  q-values of p-values and of e-values
    sequential    the e-process that may be looked at every minute
    ranks         rank sums and quantiles of histograms

`queries/macros/statistics.sql` has the same for `sql` and detectors; both are tested against the same oracles.
"""

from forensics.statistics.intervals import (
    clopper_pearson,
    newcombe_interval,
    poisson_interval,
    wilson_interval,
    zero_event_bound,
)
from forensics.statistics.multiplicity import benjamini_hochberg, e_benjamini_hochberg, q_values
from forensics.statistics.ranks import QuantileDifference, RankSum, quantile_difference, rank_sum
from forensics.statistics.sequential import anytime_p, e_process
from forensics.statistics.strata import Stratum
from forensics.statistics.stratified import (
    MAX_SUPPORT,
    UNSEEN,
    Test,
    stratified_difference,
    stratified_differences,
    stratified_interval,
    stratified_test,
    stratified_tests,
)
from forensics.statistics.tables import attainable_p, binomial_test, fisher_exact
from forensics.statistics.tails import SMALLEST, TIE, PValues

__all__ = [
    "MAX_SUPPORT",
    "SMALLEST",
    "TIE",
    "UNSEEN",
    "PValues",
    "QuantileDifference",
    "RankSum",
    "Stratum",
    "Test",
    "anytime_p",
    "attainable_p",
    "benjamini_hochberg",
    "binomial_test",
    "clopper_pearson",
    "e_benjamini_hochberg",
    "e_process",
    "fisher_exact",
    "newcombe_interval",
    "poisson_interval",
    "q_values",
    "quantile_difference",
    "rank_sum",
    "stratified_difference",
    "stratified_differences",
    "stratified_interval",
    "stratified_test",
    "stratified_tests",
    "wilson_interval",
    "zero_event_bound",
]
