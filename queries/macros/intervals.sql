/* Intervals and bounds from integer counts; docs/statistics.md has definitions, sources and measured errors. Written as statistics.sql is, whose
   macros they use. */

/* what `conf` leaves on one side: 0.025 of 0.95 */
create or replace macro as_tail(conf) as (1 - as_chance(conf)) / 2;
create or replace macro as_share(x) as case when x > 1 then 1 when x < 0 then 0 else x end;
/* 1 - e^x without cancellation */
create or replace macro one_less_exp(x) as -2 * exp(x / 2) * sinh(x / 2);

/* Quantile of the normal distribution (Wichura 1988, AS 241, PPND16): relative error 1e-15. */
create or replace macro horner(r, a, b, c, d, e, f, g, h) as ((((((a * r + b) * r + c) * r + d) * r + e) * r + f) * r + g) * r + h;
create or replace macro normal_quantile_centre(q) as
    q * horner(0.180625 - q * q, 2.50908092873012267270e+3, 3.34305755835881281050e+4, 6.72657709270087008530e+4, 4.59219539315498714570e+4,
        1.37316937655094611250e+4, 1.97159095030655144270e+3, 1.33141667891784377450e+2, 3.38713287279636660800e+0)
    / horner(0.180625 - q * q, 5.22649527885285456100e+3, 2.87290857357219426740e+4, 3.93078958000927106100e+4, 2.12137943015865958670e+4,
        5.39419602142475110770e+3, 6.87187007492057908300e+2, 4.23133307016009112520e+1, 1e0);
create or replace macro normal_quantile_near(r) as
    horner(r, 7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e+0,
        3.64784832476320460504e+0, 5.76949722146069140550e+0, 4.63033784615654529590e+0, 1.42343711074968357734e+0)
    / horner(r, 1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
        6.89767334985100004550e-1, 1.67638483018380384940e+0, 2.05319162663775882187e+0, 1e0);
create or replace macro normal_quantile_far(r) as
    horner(r, 2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
        2.96560571828504891230e-1, 1.78482653991729133580e+0, 5.46378491116411436990e+0, 6.65790464350110377720e+0)
    / horner(r, 2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
        1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1e0);
create or replace macro normal_quantile(p) as
    given(given(given({'p': p}, lambda s: {'p': as_chance(s['p'])}), lambda s: {'q': s['p'] - 0.5, 'r': sqrt(-ln(least(s['p'], 1 - s['p'])))}), lambda s:
        case when abs(s['q']) <= 0.425 then normal_quantile_centre(s['q'])
            when s['r'] <= 5 then sign(s['q']) * normal_quantile_near(s['r'] - 1.6)
            else sign(s['q']) * normal_quantile_far(s['r'] - 5) end);

/* Wilson's score interval of k / n (1927). */
create or replace macro wilson_centre(s) as (s['p'] + s['z'] * s['z'] / (2 * s['n'])) / s['bottom'];
create or replace macro wilson_half(s) as s['z'] * sqrt(s['p'] * (1 - s['p']) / s['n'] + pow(s['z'] / s['n'], 2) / 4) / s['bottom'];
create or replace macro wilson_of(made) as
    given(given(made, lambda s: {'p': s['k'] / s['n'], 'z': s['z'], 'n': s['n'], 'bottom': 1 + s['z'] * s['z'] / s['n']}), lambda s:
        {'low': case when s['p'] = 0 then 0 else as_share(wilson_centre(s) - wilson_half(s)) end,
        'high': case when s['p'] = 1 then 1 else as_share(wilson_centre(s) + wilson_half(s)) end});
/* k of n with the quantile of what conf leaves; NULL where they are no events among a total of at least one */
create or replace macro share_read(made) as
    given(given(made, lambda s: {'k': as_count(s['k']), 'n': nullif(as_count(s['n']), 0), 'z': -normal_quantile(as_tail(s['conf']))}), lambda s:
        {'k': case when s['k'] <= s['n'] then s['k'] end, 'n': s['n'], 'z': s['z']});
create or replace macro wilson_interval(k, n, conf := 0.95) as wilson_of(share_read({'k': k, 'n': n, 'conf': conf}));

/* Newcombe's method 10 (1998) for k1 / n1 - k2 / n2. */
create or replace macro newcombe_interval(k1, n1, k2, n2, conf := 0.95) as
    given(given({'a': share_read({'k': k1, 'n': n1, 'conf': conf}), 'b': share_read({'k': k2, 'n': n2, 'conf': conf})}, lambda s:
        {'p': s['a']['k'] / s['a']['n'], 'q': s['b']['k'] / s['b']['n'], 'a': wilson_of(s['a']), 'b': wilson_of(s['b'])}), lambda s:
        {'low': s['p'] - s['q'] - sqrt(pow(s['p'] - s['a']['low'], 2) + pow(s['b']['high'] - s['q'], 2)),
        'high': s['p'] - s['q'] + sqrt(pow(s['a']['high'] - s['p'], 2) + pow(s['q'] - s['b']['low'], 2))});

/* The largest rate that no event in n trials leaves possible, one-sided: 1 - (1 - conf)^(1/n), about 3 / n. */
create or replace macro zero_event_bound(n, conf := 0.95) as
    given(given({'n': n, 'conf': conf}, lambda s: {'n': as_count(s['n']), 'tail': 2 * as_tail(s['conf'])}), lambda s:
        case when s['n'] = 0 then 1 else one_less_exp(ln(s['tail']) / s['n']) end);

/* ---- Limits at which the observed count, or one further out, has the chance `tail`: Newton's steps on the logarithm of that chance, which is
   concave in the log odds of a rate and in the logarithm of a mean. A step is at most 3 long; after 4 steps the error is below 1e-14 up to
   99.99 %, after 8 up to 1 - 1e-8 (measured). `far` is how many counts further out matter. ---- */

create or replace macro newton_steps(z) as case when abs(z) < 3.9 then 4 else 8 end;
/* From this many events, and as many others, on the start is the limit: relative errors are below 1e-9 up to 99.9999 % and 3e-9 beyond (measured
   against the steps), while the sums of the steps grow with the root of the count: 23 s at 10^9. */
create or replace macro starts_exact(k) as k >= 1e6;
create or replace macro as_step(x) as case when x > 3 then 3 when x < -3 then -3 else x end;

/* k or fewer of n at the log odds x; the sum is that of a tail divided by its first chance */
create or replace macro log_odds_step(s, x) as
    given(given({'p': 1 / (1 + exp(-x)), 'q': 1 / (1 + exp(x)), 'odds': exp(-x), 'k': s['k'], 'n': s['n'], 'far': s['far'], 'tail': s['tail']}, lambda m:
        struct_insert(m, sum := list_reduce(range((m['k'] - m['far'])::bigint + 1, m['k']::bigint + 1),
            lambda sum, j: 1 + sum * j / (m['n'] - j + 1) * m['odds'], 1::double))), lambda m:
        (stirling_rest(m['n']) - count_cell(m['k'], m['n'] * m['p'], ln(m['n'] * m['p']), m['k'] - m['n'] * m['p'])
            - count_cell(m['n'] - m['k'], m['n'] * m['q'], ln(m['n'] * m['q']), m['n'] * m['p'] - m['k'])
            + ln(m['sum']) - ln(m['tail'])) * m['sum'] / ((m['n'] - m['k']) * m['p']));
/* Where the steps start: Paulson's approximation of a quantile of F (1942); its a and b belong to n - k and to k + 1. */
create or replace macro log_odds_near(k, n, z) as
    given(given({'k': k, 'n': n, 'z': z, 'a': 1 / (9 * greatest(n - k, 1)), 'b': 1 / (9 * (k + 1))}, lambda s: struct_insert(s,
        root := sqrt(greatest(0, s['b'] * pow(1 - s['a'], 2) + s['a'] * pow(1 - s['b'], 2) - s['a'] * s['b'] * s['z'] * s['z'])),
        bottom := greatest(0.1, pow(1 - s['a'], 2) - s['a'] * s['z'] * s['z']))), lambda s:
        ln((s['k'] + 1) / greatest(s['n'] - s['k'], 1))
            + 3 * ln(greatest(0.1, ((1 - s['a']) * (1 - s['b']) + s['z'] * s['root']) / s['bottom'])));
/* Carter's expansion of Fisher's z (1947; Abramowitz and Stegun 26.5.22), a = k + 1 and b = n - k */
create or replace macro log_odds_far(k, n, z) as
    given(given({'a': 1 / (2 * k + 1), 'b': 1 / (2 * (n - k) - 1), 'ratio': (k + 1) / (n - k), 'z': z, 'l': (z * z - 3) / 6}, lambda s: struct_insert(s,
        h := 2 / (s['a'] + s['b']))), lambda s:
        ln(s['ratio']) + 2 * (s['z'] * sqrt(s['h'] + s['l']) / s['h'] + (s['b'] - s['a']) * (s['l'] + 5 / 6 - 2 / (3 * s['h']))));
create or replace macro log_odds_start(k, n, z) as
    case when starts_exact(least(k, n - k)) then log_odds_far(k, n, z) else log_odds_near(k, n, z) end;
create or replace macro log_odds_limits(ks, n, tail, z) as
    list_transform(list_transform(ks, lambda k: {'k': k, 'n': n, 'tail': tail, 'start': log_odds_start(k, n, z),
        'steps': case when starts_exact(least(k, n - k)) then 0 else newton_steps(z) end,
        'far': least(k, ceil(10 + sqrt(100 + 60 * (k + 1) * (1 - k / greatest(n, 1)))))}), lambda s:
        list_reduce(range(s['steps']), lambda x, i: x + as_step(log_odds_step(s, x)), s['start']));
/* Clopper and Pearson's exact interval of k / n (1934); 0 to 1 where n is 0. */
create or replace macro clopper_pearson(k, n, conf := 0.95) as
    given(given(given({'k': k, 'n': n, 'conf': conf}, lambda s:
        {'k': as_count(s['k']), 'n': as_count(s['n']), 'tail': as_tail(s['conf']), 'z': -normal_quantile(as_tail(s['conf']))}), lambda s:
        {'k': s['k'], 'n': s['n'],
        'ends': log_odds_limits(case when s['k'] <= s['n'] then [s['n'] - s['k'], s['k']] end, s['n'], s['tail'], s['z'])}), lambda s:
        {'low': case when s['ends'] is null then null when s['k'] = 0 then 0 else 1 / (1 + exp(s['ends'][1])) end,
        'high': case when s['ends'] is null then null when s['k'] = s['n'] then 1 else 1 / (1 + exp(-s['ends'][2])) end});

/* k or more (side = -1), k or fewer (side = 1) at the mean e^x */
create or replace macro log_mean_step(s, x) as
    given(given({'mean': exp(x), 'x': x, 'k': s['k'], 'side': s['side'], 'far': s['far'], 'tail': s['tail']}, lambda m:
        struct_insert(m, sum := case m['side']
            when 1 then list_reduce(range((m['k'] - m['far'])::bigint + 1, m['k']::bigint + 1), lambda sum, j: 1 + sum * j / m['mean'], 1::double)
            else list_reduce(range((m['k'] + m['far'])::bigint, m['k']::bigint, -1), lambda sum, j: 1 + sum * m['mean'] / j, 1::double) end)), lambda m:
        m['side'] * (m['k'] - m['mean'] - count_cell(m['k'], m['mean'], m['x'], m['k'] - m['mean']) + ln(m['sum']) - ln(m['tail']))
            * m['sum'] / case m['side'] when 1 then m['mean'] else m['k'] end);
/* from Wilson and Hilferty's approximation of chi-squared quantiles (1931), of many events from Cornish and Fisher's expansion (1937) */
create or replace macro log_mean_start(shape, z) as
    case when starts_exact(shape) then
        ln(shape + z * sqrt(shape) + (z * z - 1) / 3 + (z * z - 7) * z / (36 * sqrt(shape)) - ((3 * z * z + 7) * z * z - 16) / (810 * shape))
    else ln(shape) + 3 * ln(greatest(0.1, 1 - 1 / (9 * shape) + z / (3 * sqrt(shape)))) end;
create or replace macro log_mean_limits(k, tail, z) as
    list_transform(list_transform([-1, 1], lambda side: {'k': k, 'tail': tail, 'side': side, 'steps': case when starts_exact(k) then 0 else newton_steps(z) end,
        'start': log_mean_start(nullif(k + (side + 1) / 2, 0), z * side),
        'far': least(case side when 1 then k else k + 1e12 end, ceil(10 + sqrt(100 + 60 * k)))}), lambda s:
        list_reduce(range(s['steps']), lambda x, i: x + as_step(log_mean_step(s, x)), s['start']));
/* Garwood's exact interval of the mean of which k events were seen (1936). */
create or replace macro poisson_interval(k, conf := 0.95) as
    given(given(given({'k': k, 'conf': conf}, lambda s:
        {'k': as_count(s['k']), 'tail': as_tail(s['conf']), 'z': -normal_quantile(as_tail(s['conf']))}), lambda s:
        {'k': s['k'], 'ends': log_mean_limits(s['k'], s['tail'], s['z'])}), lambda s:
        {'low': case when s['k'] = 0 and s['ends'][2] is not null then 0 else exp(s['ends'][1]) end, 'high': exp(s['ends'][2])});
