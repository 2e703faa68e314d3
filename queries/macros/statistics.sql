/* Exact tests, intervals and q-values from integer counts; docs/statistics.md has definitions, sources and measured errors, and
   forensics/statistics the same for the engine. NULL comes out where an argument is NULL or no count. Arguments stand only in the first
   struct of a macro: below it are lambdas, in which a name of theirs would hide a column of the caller. */

/* `f` of one value, so that an expression is computed once and has a name: given({'x': ...}, lambda s: ... s.x ...). */
create or replace macro given(x, f) as list_transform([x], f)[1];
/* the chance of the less likely end of a distribution, of both where they tie */
create or replace macro least_end(low_log, high_log, has_ends) as
    exp(least(low_log, high_log)) * case when has_ends and abs(low_log - high_log) <= 1e-7 then 2 else 1 end;
/* a count as a number: whole, 0 to 1e11 (tails of larger ones would be millions of terms long), else NULL */
create or replace macro as_count(x) as case when x::double between 0 and 1e11 and x::double = floor(x::double) then x::double end;
create or replace macro as_p(x) as case when x > 1 then 1 when x < 2.2250738585072014e-308::double then 2.2250738585072014e-308::double else x end;
create or replace macro as_chance(x) as case when x::double > 0 and x::double < 1 then x::double end;
create or replace macro as_share(x) as case when x > 1 then 1 when x < 0 then 0 else x end; -- least() and greatest() pass over NULL
/* 1 - e^x without cancellation */
create or replace macro one_less_exp(x) as -2 * exp(x / 2) * sinh(x / 2);

/* ---- The chance of a count, after Loader (2000): deviances of cells from their means and the rest of Stirling's formula. Logarithms of
   factorials by themselves cancel from about 10,000 on. ---- */

/* ln x! - x ln x + x */
create or replace macro stirling_rest(x) as
    case when x < 500 then lgamma(x + 1) - x * ln(greatest(x, 1)) + x
        else 0.9189385332046727 + 0.5 * ln(x) + (1 / 12 - 1 / 360 / (x * x)) / x end;
/* x ln(x / mean) + stirling_rest(x), where excess is x - mean and log is ln(mean) */
create or replace macro count_cell(x, mean, log, excess) as
    case when x < 500 then lgamma(x + 1) + x - x * log
        else 2 * x * atanh(excess / (x + mean)) + 0.9189385332046727 + 0.5 * ln(x) + (1 / 12 - 1 / 360 / (x * x)) / x end;
/* ln P(k) of each k: four cells of a table, or two of a binomial, in which tied is 0 and the other two cells are empty. Up to 10,000 in all,
   plain factorials are good to 1e-10 and four times as fast. */
create or replace macro count_logs(t, ks) as
    list_transform(list_transform(ks, lambda j: {'x1': j::double, 'x2': t['trials'] - j, 'x3': t['events'] - t['tied'] * j, 'x4': t['free'] + t['tied'] * j}), lambda c:
        case when t['n'] < 30000 then t['plain'] + c['x1'] * t['slope'] - lgamma(c['x1'] + 1) - lgamma(c['x2'] + 1) - lgamma(c['x3'] + 1) - lgamma(c['x4'] + 1)
        else t['margins'] - count_cell(c['x1'], t['e1'], t['l1'], c['x1'] - t['e1']) - count_cell(c['x2'], t['e2'], t['l2'], t['e1'] - c['x1'])
            - count_cell(c['x3'], t['e3'], t['l3'], t['e1'] - c['x1']) - count_cell(c['x4'], t['e4'], t['l4'], c['x1'] - t['e1']) end);

/* A table [[a, b], [c, d]] whose margins are fixed, read so that the observed count is not below its mean: else its columns are exchanged. */
create or replace macro table_read(a, b, c, d) as
    given(given({'a': a, 'b': b, 'c': c, 'd': d}, lambda g: {'a': as_count(g['a']), 'b': as_count(g['b']), 'c': as_count(g['c']), 'd': as_count(g['d'])}), lambda g:
        {'flip': g['a'] * g['d'] < g['b'] * g['c'], 'n': greatest(g['a'] + g['b'] + g['c'] + g['d'], 1), 'first': g['a'] + g['b'], 'second': g['c'] + g['d'],
        'k': case when g['a'] * g['d'] < g['b'] * g['c'] then g['b'] else g['a'] end,
        'events': case when g['a'] * g['d'] < g['b'] * g['c'] then g['b'] + g['d'] else g['a'] + g['c'] end,
        'others': case when g['a'] * g['d'] < g['b'] * g['c'] then g['a'] + g['c'] else g['b'] + g['d'] end});
create or replace macro hypergeometric(made) as
    given(made, lambda s: {'flip': s['flip'], 'k': s['k'], 'trials': s['first'], 'events': s['events'], 'free': s['second'] - s['events'], 'odds': 1, 'slope': 0, 'tied': 1, 'n': s['n'],
        'low': greatest(0, s['events'] - s['second']), 'high': least(s['first'], s['events']),
        'e1': s['first'] * s['events'] / s['n'], 'e2': s['first'] * s['others'] / s['n'], 'e3': s['second'] * s['events'] / s['n'], 'e4': s['second'] * s['others'] / s['n'],
        'variance': s['first'] * s['events'] / s['n'] * (s['second'] * s['others'] / s['n']) / greatest(s['n'] - 1, 1),
        'margins': stirling_rest(s['first']) + stirling_rest(s['second']) + stirling_rest(s['events']) + stirling_rest(s['others'])
            - stirling_rest(s['first'] + s['second']),
        'plain': lgamma(s['first'] + 1) + lgamma(s['second'] + 1) + lgamma(s['events'] + 1) + lgamma(s['others'] + 1) - lgamma(s['first'] + s['second'] + 1)});
/* k of k + others with chance theta, read in the same way */
create or replace macro trials_read(k, others, theta) as
    given(given({'k': k, 'rest': others, 'theta': theta}, lambda g: {'k': as_count(g['k']), 'rest': as_count(g['rest']), 'theta': as_chance(g['theta'])}), lambda g:
        {'flip': g['k'] < (g['k'] + g['rest']) * g['theta'], 'n': g['k'] + g['rest'],
        'k': case when g['k'] < (g['k'] + g['rest']) * g['theta'] then g['rest'] else g['k'] end,
        'p': case when g['k'] < (g['k'] + g['rest']) * g['theta'] then 1 - g['theta'] else g['theta'] end,
        'q': case when g['k'] < (g['k'] + g['rest']) * g['theta'] then g['theta'] else 1 - g['theta'] end});
create or replace macro binomial(made) as
    given(made, lambda s: {'flip': s['flip'], 'k': s['k'], 'trials': s['n'], 'events': s['n'] * 0, 'free': s['n'] * 0, 'odds': s['p'] / s['q'], 'slope': ln(s['p'] / s['q']), 'tied': 0, 'n': s['n'], 'low': s['n'] * 0,
        'high': s['n'], 'e1': s['n'] * s['p'], 'e2': s['n'] * s['q'], 'e3': s['n'] * 0, 'e4': s['n'] * 0, 'variance': s['n'] * s['p'] * s['q'], 'margins': stirling_rest(s['n']),
        'plain': lgamma(s['n'] + 1) + s['n'] * ln(s['q'])});

/* P(k + 1) / P(k) and P(k - 1) / P(k) */
create or replace macro chance_up(t, k) as (t['trials'] - k) / (k + 1) * case t['tied'] when 1 then (t['events'] - k) / (t['free'] + k + 1) else t['odds'] end;
create or replace macro chance_down(t, k) as k / (t['trials'] - k + 1) * case t['tied'] when 1 then (t['free'] + k) / (t['events'] - k + 1) else 1 / t['odds'] end;
/* How many counts make up a tail but for e^-26 of it: from the mean on those of Bernstein's inequality, and fewer where the ratio of the first
   two has fallen, since ratios fall on (a Poisson tail is the longest; measured). */
create or replace macro tail_length(t, ratio) as
    given({'ratio': least(greatest(ratio, 1e-300), 1), 'reach': 10 + sqrt(100 + 60 * t['variance'])}, lambda s:
        ceil(60 / (sqrt(pow(ln(s['ratio']), 2) + pow(60 / s['reach'], 2)) - ln(s['ratio']))));
/* How many logarithms of counts are not above the first; it is laid beside each, since a lambda would carry the list along. */
create or replace macro not_above(xs, first) as
    len(list_filter(list_zip(xs, list_resize([]::double[], len(xs), first + 1e-7)), lambda x: x[1] <= x[2]));

/* All tests of t.k, which is not below its mean. The other tail begins at the highest count below it that is not likelier (1 + 1e-7: equal).
   It is found in steps of the root of the range, then between two steps: from below, counts are not likelier up to one and likelier from there.
   One stage after the other: nested lambdas would carry every outer struct along, which takes three times as long. */
create or replace macro with_steps(made) as
    given(given(made, lambda t: struct_insert(t, l1 := ln(greatest(t['e1'], 1e-300)), l2 := ln(greatest(t['e2'], 1e-300)), l3 := ln(greatest(t['e3'], 1e-300)),
        l4 := ln(greatest(t['e4'], 1e-300)), step := ceil(sqrt(greatest(t['k'] - t['low'], 1))))), lambda t:
        {'t': t, 'logs': count_logs(t, [t['k']::bigint, t['low']::bigint, t['high']::bigint] || range(t['low']::bigint, t['k']::bigint, t['step']::bigint))});
create or replace macro with_start(made) as
    given(made, lambda s: struct_insert(s['t'], log := s['logs'][1], low_log := s['logs'][2], high_log := s['logs'][3],
        start := s['t']['low'] + s['t']['step'] * greatest(0, not_above(s['logs'][4:], s['logs'][1]) - 1)));
create or replace macro with_edge(made) as
    given(made, lambda t: struct_insert(t, edge := t['start'] - 1 + not_above(count_logs(t, range(t['start']::bigint, least(t['start'] + t['step'], t['k'])::bigint)), t['log'])));
/* the chances of the edge, of t.k and what is above it, and of what is below the edge */
create or replace macro with_chances(made) as
    given(given(made, lambda t: struct_insert(t, top := least(t['high'], t['k'] + tail_length(t, chance_up(t, t['k']))),
        bottom := greatest(t['low'], t['edge'] - tail_length(t, chance_down(t, greatest(t['edge'], 0)))))), lambda t:
        {'flip': t['flip'], 'log': t['log'], 'low_log': t['low_log'], 'high_log': t['high_log'], 'is_all': t['edge'] = t['k'] - 1, 'has_ends': t['low'] < t['high'],
        'has_edge': t['edge'] >= t['low'], 'own': t['top'] - t['k'] + 1, 'chances': list_transform(count_logs(t, [greatest(t['edge'], t['low'])::bigint]
            || range(t['k']::bigint, t['top']::bigint + 1) || range(t['bottom']::bigint, t['edge']::bigint + 1)), lambda x: exp(x))});
create or replace macro with_sums(made) as
    given(made, lambda s: {'flip': s['flip'], 'chance': s['chances'][2], 'own': list_sum(s['chances'][2:s['own']::bigint + 1]),
        'other': case when s['is_all'] then 1 - list_sum(s['chances'][2:s['own']::bigint + 1]) else coalesce(list_sum(s['chances'][s['own']::bigint + 2:]), 0) end,
        'half': 0.5 * (s['chances'][2] + case when s['has_edge'] and abs(s['chances'][1] - s['chances'][2]) <= 1e-7 * s['chances'][2] then s['chances'][1] else 0 end),
        'attainable': least_end(s['low_log'], s['high_log'], s['has_ends'])});
create or replace macro exact_tests(made) as
    given(given(with_sums(with_chances(with_edge(with_start(with_steps(made))))), lambda s:
        {'two_sided': s['own'] + s['other'], 'half': s['half'], 'half_one': 0.5 * s['chance'], 'attainable': s['attainable'],
        'lower': case when s['flip'] then s['own'] else 1 - s['own'] + s['chance'] end, 'higher': case when s['flip'] then 1 - s['own'] + s['chance'] else s['own'] end}), lambda s:
        {'two_sided': as_p(s['two_sided']), 'lower': as_p(s['lower']), 'higher': as_p(s['higher']), 'mid_p': as_p(s['two_sided'] - s['half']),
        'lower_mid_p': as_p(s['lower'] - s['half_one']), 'higher_mid_p': as_p(s['higher'] - s['half_one']), 'attainable': as_p(s['attainable'])});

/* Fisher's exact test of canary events a, canary others b, baseline events c, baseline others d; lower and higher are the canary's rate. */
create or replace macro fisher_exact(a, b, c, d) as exact_tests(hypergeometric(table_read(a, b, c, d)));
/* Events per exposure: k1 of the canary, k2 of the baseline, theta the canary's share of exposure. */
create or replace macro binomial_test(k1, k2, theta) as exact_tests(binomial(trials_read(k1, k2, theta)));
/* The smallest two-sided p that Fisher's test can give with these margins. */
create or replace macro attainable_p(events, canary_total, baseline_total) as
    given(with_steps(hypergeometric(given(given({'e': events, 'c': canary_total, 'b': baseline_total}, lambda g:
        {'e': as_count(g['e']), 'c': as_count(g['c']), 'b': as_count(g['b'])}), lambda g:
        {'flip': false, 'n': greatest(g['c'] + g['b'], 1), 'first': g['c'], 'second': g['b'], 'k': greatest(0, g['e'] - g['b']), 'events': g['e'],
        'others': as_count(g['c'] + g['b'] - g['e'])}))), lambda s: as_p(least_end(s['logs'][2], s['logs'][3], s['t']['low'] < s['t']['high'])));

/* ---- Intervals ---- */

/* Quantile of the normal distribution (Wichura 1988, AS 241, PPND16): relative error 1e-15. */
create or replace macro horner(r, a, b, c, d, e, f, g, h) as (((((((a * r + b) * r + c) * r + d) * r + e) * r + f) * r + g) * r + h);
create or replace macro normal_quantile_centre(q) as q *
        horner((0.180625 - q * q), 2.50908092873012267270e+3, 3.34305755835881281050e+4, 6.72657709270087008530e+4, 4.59219539315498714570e+4, 1.37316937655094611250e+4, 1.97159095030655144270e+3, 1.33141667891784377450e+2, 3.38713287279636660800e+0)
        / horner((0.180625 - q * q), 5.22649527885285456100e+3, 2.87290857357219426740e+4, 3.93078958000927106100e+4, 2.12137943015865958670e+4, 5.39419602142475110770e+3, 6.87187007492057908300e+2, 4.23133307016009112520e+1, 1e0);
create or replace macro normal_quantile_tail(r) as case when r <= 5 then
        horner((r - 1.6), 7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e+0, 3.64784832476320460504e+0, 5.76949722146069140550e+0, 4.63033784615654529590e+0, 1.42343711074968357734e+0)
        / horner((r - 1.6), 1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e+0, 2.05319162663775882187e+0, 1e0) else
        horner((r - 5), 2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e+0, 5.46378491116411436990e+0, 6.65790464350110377720e+0)
        / horner((r - 5), 2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1e0) end;
create or replace macro normal_quantile(p) as
    given(given({'p': p}, lambda s: {'p': as_chance(s['p'])}), lambda s:
        case when abs(s['p'] - 0.5) <= 0.425 then normal_quantile_centre(s['p'] - 0.5)
            else sign(s['p'] - 0.5) * normal_quantile_tail(sqrt(-ln(least(s['p'], 1 - s['p'])))) end);
/* What `conf` leaves on one side: 0.025 of 0.95 */
create or replace macro as_tail(conf) as (1 - as_chance(conf)) / 2;

/* Wilson's score interval of k / n (1927). */
create or replace macro wilson_of(k, n, z) as
    given(given({'p': k / n, 'z': z, 'n': n, 'bottom': 1 + z * z / n}, lambda w:
        {'p': w['p'], 'centre': (w['p'] + w['z'] * w['z'] / (2 * w['n'])) / w['bottom'],
        'half': w['z'] * sqrt(w['p'] * (1 - w['p']) / w['n'] + w['z'] * w['z'] / (4 * w['n'] * w['n'])) / w['bottom']}), lambda w:
        {'low': case when w['p'] = 0 then 0 else as_share(w['centre'] - w['half']) end, 'high': case when w['p'] = 1 then 1 else as_share(w['centre'] + w['half']) end});
create or replace macro wilson_interval(k, n, conf := 0.95) as
    given(given({'k': k, 'n': n, 'conf': conf}, lambda s: {'k': as_count(s['k']), 'n': nullif(as_count(s['n']), 0), 'z': -normal_quantile(as_tail(s['conf']))}), lambda s:
        wilson_of(case when s['k'] <= s['n'] then s['k'] end, s['n'], s['z']));

/* Newcombe's method 10 (1998) for k1 / n1 - k2 / n2. */
create or replace macro newcombe_interval(k1, n1, k2, n2, conf := 0.95) as
    given(given(given({'k1': k1, 'n1': n1, 'k2': k2, 'n2': n2, 'conf': conf}, lambda s:
        {'k1': as_count(s['k1']), 'n1': nullif(as_count(s['n1']), 0), 'k2': as_count(s['k2']), 'n2': nullif(as_count(s['n2']), 0), 'z': -normal_quantile(as_tail(s['conf']))}), lambda s:
        {'p1': s['k1'] / s['n1'], 'p2': s['k2'] / s['n2'], 'w1': wilson_of(case when s['k1'] <= s['n1'] then s['k1'] end, s['n1'], s['z']),
        'w2': wilson_of(case when s['k2'] <= s['n2'] then s['k2'] end, s['n2'], s['z'])}), lambda s:
        {'low': s['p1'] - s['p2'] - sqrt(pow(s['p1'] - s['w1']['low'], 2) + pow(s['w2']['high'] - s['p2'], 2)),
        'high': s['p1'] - s['p2'] + sqrt(pow(s['w1']['high'] - s['p1'], 2) + pow(s['p2'] - s['w2']['low'], 2))});

/* The largest rate that no event in n trials leaves possible, one-sided: 1 - (1 - conf)^(1/n), about 3 / n. */
create or replace macro zero_event_bound(n, conf := 0.95) as
    given(given({'n': n, 'conf': conf}, lambda s: {'n': as_count(s['n']), 'tail': 2 * as_tail(s['conf'])}), lambda s:
        case when s['n'] = 0 then 1 else one_less_exp(ln(s['tail']) / s['n']) end);

/* A step of Newton's method, at most 3 long, and how many are taken: after 4 the error is below 1e-14 up to 99.99 %, after 8 up to 1 - 1e-8. */
create or replace macro newton_steps(z) as case when z < 3.9 then 4 else 8 end;
create or replace macro as_step(x) as case when x > 3 then 3 when x < -3 then -3 else x end;
/* Log odds at which k or fewer of n have the chance `tail`: Newton's steps on the logarithm of that chance, which is concave in the log odds.
   `ratios` are ln C(n, k - j) / C(n, k) as far as they matter. */
create or replace macro log_odds_step(s, x) as
    given({'p': 1 / (1 + exp(-x)), 'q': 1 / (1 + exp(x)), 'sum': list_sum(list_transform(s['ratios'], lambda l, j: exp(l - (j - 1) * x)))}, lambda m:
        (stirling_rest(s['n']) - count_cell(s['k'], s['n'] * m['p'], ln(s['n'] * m['p']), s['k'] - s['n'] * m['p'])
            - count_cell(s['n'] - s['k'], s['n'] * m['q'], ln(s['n'] * m['q']), s['n'] * m['p'] - s['k']) + ln(m['sum']) - ln(s['tail'])) * m['sum'] / ((s['n'] - s['k']) * m['p']));
/* Where the steps start: Paulson's approximation of a quantile of F (1942); its a and b belong to n - k and to k + 1. */
create or replace macro log_odds_start(k, n, z) as
    given({'k': k, 'n': n, 'z': z, 'a': 1 / (9 * greatest(n - k, 1)), 'b': 1 / (9 * (k + 1))}, lambda s:
        ln((s['k'] + 1) / greatest(s['n'] - s['k'], 1)) + 3 * ln(greatest(0.1, ((1 - s['a']) * (1 - s['b'])
            + s['z'] * sqrt(greatest(0, s['b'] * pow(1 - s['a'], 2) + s['a'] * pow(1 - s['b'], 2) - s['a'] * s['b'] * s['z'] * s['z']))) / greatest(0.1, pow(1 - s['a'], 2) - s['a'] * s['z'] * s['z']))));
create or replace macro log_odds_limits(ks, n, tail, z) as
    list_transform(list_transform(ks, lambda k: {'k': k, 'n': n, 'tail': tail, 'start': log_odds_start(k, n, z), 'steps': newton_steps(z),
        'ratios': list_transform(range((1 + least(k, ceil(10 + sqrt(100 + 60 * (k + 1) * (1 - k / greatest(n, 1))))))::bigint),
            lambda j: lgamma(k + 1) - lgamma(k - j + 1) + lgamma(n - k + 1) - lgamma(n - k + j + 1))}), lambda s:
        list_reduce(range(s['steps']), lambda x, i: x + as_step(log_odds_step(s, x)), s['start']));
/* Clopper and Pearson's exact interval of k / n (1934); 0 to 1 where n is 0. */
create or replace macro clopper_pearson(k, n, conf := 0.95) as
    given(given(given({'k': k, 'n': n, 'conf': conf}, lambda s: {'k': as_count(s['k']), 'n': as_count(s['n']), 'tail': as_tail(s['conf']), 'z': -normal_quantile(as_tail(s['conf']))}), lambda s:
        {'k': s['k'], 'n': s['n'], 'ends': log_odds_limits(case when s['k'] <= s['n'] then [s['n'] - s['k'], s['k']] end, s['n'], s['tail'], s['z'])}), lambda s:
        {'low': case when s['k'] = 0 then 0 else 1 / (1 + exp(s['ends'][1])) end, 'high': case when s['k'] = s['n'] then 1 else 1 / (1 + exp(-s['ends'][2])) end});

/* Garwood's exact interval of the mean of k events (1936), in the same way: Newton's steps in the logarithm of the mean, from Wilson and Hilferty's
   approximation of chi-squared quantiles (1931). side is 1 for the upper limit, -1 for the lower one. */
create or replace macro log_mean_step(s, x) as
    given({'mean': exp(x), 'sum': list_sum(list_transform(s['ratios'], lambda l, j: exp(l - (j - 1) * s['side'] * x)))}, lambda m:
        s['side'] * (s['k'] - m['mean'] - count_cell(s['k'], m['mean'], x, s['k'] - m['mean']) + ln(m['sum']) - ln(s['tail'])) * m['sum'] / case when s['side'] = 1 then m['mean'] else s['k'] end);
create or replace macro log_mean_limits(k, tail, z) as
    list_transform(list_transform(list_transform([-1, 1], lambda side: {'k': k, 'tail': tail, 'side': side, 'z': z * side, 'shape': nullif(k + (side + 1) / 2, 0)}), lambda s:
        {'k': s['k'], 'tail': s['tail'], 'side': s['side'], 'steps': newton_steps(abs(s['z'])), 'start': ln(s['shape']) + 3 * ln(greatest(1 - 1 / (9 * s['shape']) + s['z'] / (3 * sqrt(s['shape'])), 0.1)),
        'ratios': list_transform(range((1 + case when s['side'] = 1 then least(s['k'], ceil(10 + sqrt(100 + 60 * s['k']))) else ceil(10 + sqrt(100 + 60 * s['k'])) end)::bigint),
            lambda j: lgamma(s['k'] + 1) - lgamma(s['k'] - s['side'] * j + 1))}), lambda s:
        list_reduce(range(s['steps']), lambda x, i: x + as_step(log_mean_step(s, x)), s['start']));
create or replace macro poisson_interval(k, conf := 0.95) as
    given(given(given({'k': k, 'conf': conf}, lambda s: {'k': as_count(s['k']), 'tail': as_tail(s['conf']), 'z': -normal_quantile(as_tail(s['conf']))}), lambda s:
        {'k': s['k'], 'ends': log_mean_limits(s['k'], s['tail'], s['z'])}), lambda s: {'low': case when s['k'] = 0 then 0 else exp(s['ends'][1]) end, 'high': exp(s['ends'][2])});

/* ---- Many hypotheses: a list in, q-values in the same order out; NULL is no hypothesis and stays NULL. With rows:
   select unnest(list(id order by id)) as id, unnest(benjamini_hochberg(list(p order by id))) as q from ... group by family ---- */

/* The smallest from each place to the end, in steps of 1, 2, 4 ...: up to a million places. */
create or replace macro least_to_end(xs) as
    list_reduce([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288],
        lambda l, step: list_transform(list_zip(l, l[step + 1:]), lambda x: case when x[1] is not null then least(x[1], x[2]) end), xs);
/* p * m / rank in ascending order; m is laid beside, since a lambda would carry the list along with it for each p */
create or replace macro bh_steps(ps) as
    list_transform(list_zip(list_sort(ps, 'asc', 'nulls last'), list_resize([]::bigint[], len(ps), list_count(ps))),
        lambda x, rank: case when x[1] * (x[2] / rank) > 1 then 1 else x[1] * (x[2] / rank) end);
create or replace macro benjamini_hochberg(ps) as
    given(list_transform(ps, lambda p: p::double), lambda l:
        list_select(least_to_end(bh_steps(l)), list_grade_up(list_grade_up(l, 'asc', 'nulls last'))));
/* e-values (Wang and Ramdas 2022): valid however they depend on each other */
create or replace macro e_benjamini_hochberg(es) as benjamini_hochberg(list_transform(es, lambda e: 1 / e::double));
