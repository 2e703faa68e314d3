/* Exact tests and q-values from integer counts; docs/statistics.md has definitions, sources and measured errors, and forensics/statistics the
   same for the engine. NULL comes out where an argument is NULL or no count.

   How these macros are written, and why:
   - Arguments stand only in the first struct of a macro. Below it are lambdas, in which a name of theirs would hide a column of the caller.
   - One stage after the other, given(given(...)): nested lambdas carry every outer struct along, which takes three times as long.
   - s['x'] and not s.x: in HAVING the engine (2.0) takes the latter for a column.
   - greatest() and least() pass over NULL, so they only meet numbers that cannot be NULL by themselves. */

/* `f` of one value, so that an expression is computed once and has a name: given({'x': ...}, lambda s: ... s['x'] ...) */
create or replace macro given(x, f) as list_transform([x], f)[1];
/* a count as a number: whole, 0 to 1e11 (tails of larger ones would be millions of terms long), else NULL */
create or replace macro as_count(x) as case when x::double between 0 and 1e11 and x::double = floor(x::double) then x::double end;
create or replace macro as_chance(x) as case when x::double > 0 and x::double < 1 then x::double end;
/* no p is zero: the smallest normal double stands for what is smaller */
create or replace macro as_p(x) as
    case when x > 1 then 1 when x < 2.2250738585072014e-308::double then 2.2250738585072014e-308::double else x end;

/* ---- The chance of a count, after Loader (2000): deviances of cells from their means, and the rest of Stirling's formula. ---- */

/* ln x! - x ln x + x */
create or replace macro stirling_rest(x) as
    case when x < 500 then lgamma(x + 1) - x * ln(greatest(x, 1)) + x
        else 0.9189385332046727 + 0.5 * ln(x) + (1 / 12 - 1 / 360 / (x * x)) / x end;
/* x ln(x / mean) + stirling_rest(x), where excess is x - mean and log is ln(mean) */
create or replace macro count_cell(x, mean, log, excess) as
    case when x < 500 then lgamma(x + 1) + x - x * log
        else 2 * x * atanh(excess / (x + mean)) + 0.9189385332046727 + 0.5 * ln(x) + (1 / 12 - 1 / 360 / (x * x)) / x end;
/* ln P(k) of each k: four cells of a table, or two of a binomial, in which `tied` is 0 and the other two cells are empty. Where there are fewer
   than 30,000 in all, plain factorials are good to 2e-10 and twice as fast. */
create or replace macro count_logs(t, ks) as
    case when t['n'] < 30000 then list_transform(ks, lambda j:
        t['plain'] + j * t['slope'] - lgamma(j::double + 1) - lgamma(t['trials'] - j + 1)
            - lgamma(t['events'] - t['tied'] * j + 1) - lgamma(t['free'] + t['tied'] * j + 1))
    else list_transform(list_transform(ks, lambda j:
        {'x1': j::double, 'x2': t['trials'] - j, 'x3': t['events'] - t['tied'] * j, 'x4': t['free'] + t['tied'] * j}), lambda c:
        t['margins']
            - count_cell(c['x1'], t['e1'], t['l1'], c['x1'] - t['e1']) - count_cell(c['x2'], t['e2'], t['l2'], t['e1'] - c['x1'])
            - count_cell(c['x3'], t['e3'], t['l3'], t['e1'] - c['x1']) - count_cell(c['x4'], t['e4'], t['l4'], c['x1'] - t['e1'])) end;

/* A table whose margins are fixed: {flip, a, b, c, d} or NULL in one of them. */
create or replace macro hypergeometric(made) as
    given(given(made, lambda s:
        {'flip': s['flip'], 'k': s['a'], 'n': greatest(s['a'] + s['b'] + s['c'] + s['d'], 1), 'first': s['a'] + s['b'], 'second': s['c'] + s['d'],
        'events': s['a'] + s['c'], 'others': s['b'] + s['d']}), lambda s:
        {'flip': s['flip'], 'k': s['k'], 'n': s['n'], 'trials': s['first'], 'events': s['events'], 'free': s['second'] - s['events'], 'tied': 1,
        'above': s['events'], 'below': s['second'] - s['events'], 'slope': 0, 'low': greatest(0, s['events'] - s['second']), 'high': least(s['first'], s['events']),
        'e1': s['first'] * s['events'] / s['n'], 'e2': s['first'] * s['others'] / s['n'],
        'e3': s['second'] * s['events'] / s['n'], 'e4': s['second'] * s['others'] / s['n'],
        'variance': s['first'] * s['events'] / s['n'] * (s['second'] * s['others'] / s['n']) / greatest(s['n'] - 1, 1),
        'margins': stirling_rest(s['first']) + stirling_rest(s['second']) + stirling_rest(s['events']) + stirling_rest(s['others'])
            - stirling_rest(s['first'] + s['second']),
        'plain': lgamma(s['first'] + 1) + lgamma(s['second'] + 1) + lgamma(s['events'] + 1) + lgamma(s['others'] + 1)
            - lgamma(s['first'] + s['second'] + 1)});
/* The same of k in n trials of chance p; q is 1 - p. */
create or replace macro binomial(made) as
    given(made, lambda s:
        {'flip': s['flip'], 'k': s['k'], 'n': s['n'], 'trials': s['n'], 'events': s['n'] * 0, 'free': s['n'] * 0, 'tied': 0,
        'above': s['p'] / s['q'], 'below': s['n'] * 0 + 1, 'slope': ln(s['p'] / s['q']), 'low': s['n'] * 0, 'high': s['n'],
        'e1': s['n'] * s['p'], 'e2': s['n'] * s['q'], 'e3': s['n'] * 0, 'e4': s['n'] * 0, 'variance': s['n'] * s['p'] * s['q'],
        'margins': stirling_rest(s['n']), 'plain': lgamma(s['n'] + 1) + s['n'] * ln(s['q'])});

/* Both are read so that the observed count is not below its mean: else as a count of what is left. */
create or replace macro table_read(made) as
    given(given(made, lambda s: {'a': as_count(s['a']), 'b': as_count(s['b']), 'c': as_count(s['c']), 'd': as_count(s['d'])}), lambda s:
        case when s['a'] * s['d'] < s['b'] * s['c'] then {'flip': true, 'a': s['b'], 'b': s['a'], 'c': s['d'], 'd': s['c']}
        else {'flip': false, 'a': s['a'], 'b': s['b'], 'c': s['c'], 'd': s['d']} end);
create or replace macro trials_read(made) as
    given(given(given(made, lambda s: {'k': s['k'], 'rest': s['rest'], 'p': as_chance(s['p'])}), lambda s:
        {'k': case when s['p'] is not null then as_count(s['k']) end, 'n': as_count(s['k']) + as_count(s['rest']), 'p': s['p']}), lambda s:
        case when s['k'] < s['n'] * s['p'] then {'flip': true, 'k': s['n'] - s['k'], 'n': s['n'], 'p': 1 - s['p'], 'q': s['p']}
        else {'flip': false, 'k': s['k'], 'n': s['n'], 'p': s['p'], 'q': 1 - s['p']} end);

/* ---- Tails ---- */

/* P(k + 1) / P(k) and P(k - 1) / P(k); of a binomial `above` are the odds and `below` is 1 */
create or replace macro chance_up(t, k) as (t['trials'] - k) * (t['above'] - t['tied'] * k) / ((k + 1) * (t['below'] + t['tied'] * (k + 1)));
create or replace macro chance_down(t, k) as k * (t['below'] + t['tied'] * k) / ((t['trials'] - k + 1) * (t['above'] - t['tied'] * (k - 1)));
/* The sum of a tail divided by its first chance: 1 + r1 (1 + r2 (1 + ...)) of the ratios r, from the far end on. */
create or replace macro tail_up(t, first, last) as
    list_reduce(range(last::bigint - 1, first::bigint - 1, -1), lambda sum, j: 1 + sum * chance_up(t, j), 1::double);
create or replace macro tail_down(t, first, last) as
    list_reduce(range(last::bigint + 1, first::bigint + 1), lambda sum, j: 1 + sum * chance_down(t, j), 1::double);
/* How many counts make up a tail but for e^-26 of it: from the mean on those of Bernstein's inequality, and fewer where the ratio of the first
   two has fallen, since ratios fall on (a Poisson tail is the longest; measured). */
create or replace macro tail_length(t, ratio) as
    given({'ratio': least(greatest(ratio, 1e-300), 1), 'reach': 10 + sqrt(100 + 60 * t['variance'])}, lambda s:
        ceil(60 / (sqrt(pow(ln(s['ratio']), 2) + pow(60 / s['reach'], 2)) - ln(s['ratio']))));
/* How many logarithms are not above another; it is laid beside each, since a lambda would carry the list along for each. */
create or replace macro not_above(xs, log) as
    len(list_filter(list_zip(xs, list_resize([]::double[], len(xs), log + 1e-7)), lambda x: x[1] <= x[2]));
/* the chance of the less likely end, of both where they tie */
create or replace macro least_end(low_log, high_log, has_ends) as
    exp(least(low_log, high_log)) * case when has_ends and abs(low_log - high_log) <= 1e-7 then 2 else 1 end;

/* The other tail begins at the highest count below k that is not likelier (1 + 1e-7: equal). It is found in steps of the root of the range, then
   between two steps: from below, counts are not likelier up to one and likelier from there on. */
create or replace macro with_steps(made) as
    given(given(made, lambda t: struct_insert(t,
        l1 := ln(greatest(t['e1'], 1e-300)), l2 := ln(greatest(t['e2'], 1e-300)), l3 := ln(greatest(t['e3'], 1e-300)),
        l4 := ln(greatest(t['e4'], 1e-300)), step := ceil(sqrt(greatest(t['k'] - t['low'], 1))))), lambda t:
        {'t': t, 'logs': count_logs(t,
            [t['k']::bigint, t['low']::bigint, t['high']::bigint] || range(t['low']::bigint, t['k']::bigint, t['step']::bigint))});
create or replace macro with_start(made) as
    given(made, lambda s: struct_insert(s['t'], log := s['logs'][1], low_log := s['logs'][2], high_log := s['logs'][3],
        start := s['t']['low'] + s['t']['step'] * greatest(0, not_above(s['logs'][4:], s['logs'][1]) - 1)));
create or replace macro with_edge(made) as
    given(made, lambda t: struct_insert(t, edge := t['start'] - 1
        + not_above(count_logs(t, range(t['start']::bigint, least(t['start'] + t['step'], t['k'])::bigint)), t['log'])));
/* the chances of k and what is above it, of the edge and what is below it */
create or replace macro with_tails(made) as
    given(given(made, lambda t: struct_insert(t, has_edge := t['edge'] >= t['low'], last := greatest(t['edge'], t['low']),
        top := least(t['high'], t['k'] + tail_length(t, chance_up(t, t['k']))),
        bottom := greatest(t['low'], t['edge'] - tail_length(t, chance_down(t, greatest(t['edge'], 0)))))), lambda t:
        {'flip': t['flip'], 'has_edge': t['has_edge'], 'is_all': t['edge'] = t['k'] - 1, 'chance': exp(t['log']),
        'edge': exp(count_logs(t, [t['last']])[1]), 'up': tail_up(t, t['k'], t['top']), 'down': tail_down(t, t['last'], t['bottom']),
        'attainable': least_end(t['low_log'], t['high_log'], t['low'] < t['high'])});
create or replace macro with_sums(made) as
    given(given(made, lambda s:
        {'flip': s['flip'], 'is_all': s['is_all'], 'chance': s['chance'], 'attainable': s['attainable'], 'own': s['chance'] * s['up'],
        'other': case when s['has_edge'] then s['edge'] * s['down'] else 0 end,
        'tied': case when s['has_edge'] and abs(s['edge'] - s['chance']) <= 1e-7 * s['chance'] then s['edge'] else 0 end}), lambda s:
        {'flip': s['flip'], 'chance': s['chance'], 'tied': s['tied'], 'attainable': s['attainable'], 'own': s['own'],
        'rest': 1 - s['own'] + s['chance'], 'two_sided': case when s['is_all'] then 1 else s['own'] + s['other'] end});
create or replace macro exact_tests(made) as
    given(given(with_sums(with_tails(with_edge(with_start(with_steps(made))))), lambda s:
        {'two_sided': s['two_sided'], 'half': 0.5 * s['chance'], 'tied': 0.5 * s['tied'], 'attainable': s['attainable'],
        'lower': case when s['flip'] then s['own'] else s['rest'] end, 'higher': case when s['flip'] then s['rest'] else s['own'] end}), lambda s:
        {'two_sided': as_p(s['two_sided']), 'lower': as_p(s['lower']), 'higher': as_p(s['higher']),
        'mid_p': as_p(s['two_sided'] - s['half'] - s['tied']), 'lower_mid_p': as_p(s['lower'] - s['half']),
        'higher_mid_p': as_p(s['higher'] - s['half']), 'attainable': as_p(s['attainable'])});

/* Fisher's exact test of canary events a, canary others b, baseline events c, baseline others d; lower and higher are the canary's rate. */
create or replace macro fisher_exact(a, b, c, d) as exact_tests(hypergeometric(table_read({'a': a, 'b': b, 'c': c, 'd': d})));
/* Events per exposure: k1 of the canary, k2 of the baseline, theta the canary's share of exposure. */
create or replace macro binomial_test(k1, k2, theta) as exact_tests(binomial(trials_read({'k': k1, 'rest': k2, 'p': theta})));
/* The smallest two-sided p that Fisher's test can give with these margins: that of an end. */
create or replace macro attainable_p(events, canary_total, baseline_total) as
    given(with_steps(hypergeometric(given(given({'e': events, 'c': canary_total, 'b': baseline_total}, lambda s:
        {'e': as_count(s['e']), 'c': as_count(s['c']), 'b': as_count(s['b']), 'a': greatest(0, as_count(s['e']) - as_count(s['b']))}), lambda s:
        {'flip': false, 'a': s['a'], 'b': as_count(s['c'] - s['a']), 'c': s['e'] - s['a'], 'd': s['b'] - s['e'] + s['a']}))), lambda s:
        as_p(least_end(s['logs'][2], s['logs'][3], s['t']['low'] < s['t']['high'])));

/* ---- Many hypotheses: a list in, q-values in the same order out; NULL is no hypothesis and stays NULL, and so is what is no p from 0 to 1 or no
   e-value from 0 on. With rows:
   select unnest(list(id order by id)) as id, unnest(benjamini_hochberg(list(p order by id))) as q from ... group by family ---- */

/* the smallest from each place to the end, in steps of 1, 2, 4 ... */
create or replace macro least_to_end(xs) as
    list_reduce(list_transform(range(ceil(log2(greatest(len(xs), 1)))::bigint), lambda i: (1::bigint << i)), lambda l, step:
        list_transform(list_zip(l, l[step + 1:]), lambda x: case when x[1] is not null then least(x[1], x[2]) end), xs);
/* p m / rank in ascending order; m is laid beside, since a lambda would carry the list along for each p */
create or replace macro steps_up(ps) as
    list_transform(list_zip(list_sort(ps, 'asc', 'nulls last'), list_resize([]::bigint[], len(ps), list_count(ps))), lambda x, rank:
        case when x[1] * (x[2] / rank) > 1 then 1 else x[1] * (x[2] / rank) end);
create or replace macro benjamini_hochberg(ps) as
    given(list_transform(ps, lambda p: case when p::double between 0 and 1 then p::double end), lambda l:
        list_select(least_to_end(steps_up(l)), list_grade_up(list_grade_up(l, 'asc', 'nulls last'))));
/* e-values (Wang and Ramdas 2022): valid however they depend on each other */
create or replace macro e_benjamini_hochberg(es) as
    benjamini_hochberg(list_transform(es, lambda e: case when isnan(e::double) then null when e::double >= 1 then 1 / e::double when e::double >= 0 then 1 end));
