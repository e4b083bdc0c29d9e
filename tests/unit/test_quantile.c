/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Distributions: quantiles against closed forms and published values, samples against their
 * distribution function by Kolmogorov and Smirnov. */
#include "scheduler/design_quantile.h"
#include "scheduler/design_random.h"
#include "sweep_help.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

static double cdf(const struct sweep_param *p, double x)
{
    double w = p->max - p->min;
    switch (p->kind) {
    case PARAM_UNIFORM:
        return (x - p->min) / w;
    case PARAM_LOGUNIFORM:
        return log(x / p->min) / log(p->max / p->min);
    case PARAM_NORMAL:
        return 0.5 * erfc(-(x - p->mean) / p->sd / sqrt(2));
    case PARAM_LOGNORMAL:
        return 0.5 * erfc(-(log(x) - p->mean) / p->sd / sqrt(2));
    case PARAM_TRUNCATED_NORMAL: {
        double a = gsl_cdf_ugaussian_P((p->min - p->mean) / p->sd);
        double b = gsl_cdf_ugaussian_P((p->max - p->mean) / p->sd);
        return (gsl_cdf_ugaussian_P((x - p->mean) / p->sd) - a) / (b - a);
    }
    case PARAM_TRIANGULAR:
        return x < p->mode ? (x - p->min) * (x - p->min) / w / (p->mode - p->min)
                           : 1 - (p->max - x) * (p->max - x) / w / (p->max - p->mode);
    default:
        return gsl_cdf_beta_P((x - p->min) / w, 1 + 4 * (p->mode - p->min) / w,
                              1 + 4 * (p->max - p->mode) / w);
    }
}

static int compare_numbers(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static const char *const DISTRIBUTIONS[] = {
    "uniform: {min: 0.2, max: 0.35}",
    "uniform: {min: -1e9, max: 1e9}",
    "loguniform: {min: 1e-3, max: 1e4}",
    "normal: {mean: 5, sd: 2}",
    "normal: {q10: 10, q90: 30}",
    "lognormal: {meanlog: 1, sdlog: 0.5}",
    "lognormal: {q10: 50, q90: 400}",
    "truncated-normal: {mean: 0, sd: 1, min: -1, max: 2}",
    "truncated-normal: {mean: 0, sd: 1, min: 3, max: 5}",
    "truncated-normal: {mean: 10, sd: 1, min: 4, max: 7}",
    "triangular: {min: 0, mode: 1, max: 4}",
    "triangular: {min: 0, mode: 0, max: 4}",
    "triangular: {min: 0, mode: 4, max: 4}",
    "pert: {min: 1, mode: 2, max: 4}",
    "pert: {min: 1, mode: 1, max: 4}",
    "pert: {min: 1, mode: 4, max: 4}",
};

Test(quantile, samples_follow_their_distribution_by_kolmogorov_and_smirnov)
{
    enum { N = 4000 };
    for (size_t k = 0; k < DS_COUNT(DISTRIBUTIONS); k++) {
        char parameters[200];
        (void)snprintf(parameters, sizeof parameters, "A: {%s}", DISTRIBUTIONS[k]);
        auto_case c = expand_with(parameters, "method: monte-carlo, samples: 4000, seed: 11", NULL);
        static double x[N];
        double worst = 0;
        cr_assert_eq(c.rc, 0, "%s", c.err.text);
        for (uint32_t i = 0; i < N; i++)
            x[i] = number(&c, i, "A");
        qsort(x, N, sizeof *x, compare_numbers);
        for (int i = 0; i < N; i++) {
            double f = cdf(&c.sweep.params[0], x[i]);
            worst = fmax(worst, fmax(f - (double)i / N, (double)(i + 1) / N - f));
        }
        /* 1.95 / sqrt(N): one seed in a thousand would fail; this one is fixed */
        cr_expect_lt(worst, 1.95 / sqrt(N), "%s: %g", DISTRIBUTIONS[k], worst);
    }
}

Test(quantile, the_inverse_undoes_the_distribution_into_the_far_tails)
{
    static const double PARTS[] = {0x1p-53, 1e-12, 1e-6,  0.001,    0.1,       0.25,       0.5,
                                   0.75,    0.9,   0.999, 1 - 1e-6, 1 - 1e-12, 1 - 0x1p-53};
    for (size_t k = 0; k < DS_COUNT(DISTRIBUTIONS); k++) {
        char spec[300];
        (void)snprintf(spec, sizeof spec,
                       "  parameters: {A: {%s}}\n  design: {method: monte-carlo, samples: 1}\n",
                       DISTRIBUTIONS[k]);
        auto_case c = parse_spec(spec);
        const struct sweep_param *p = &c.sweep.params[0];
        double before = -INFINITY;
        for (size_t i = 0; i < DS_COUNT(PARTS); i++) {
            double x = quantile_of(p, PARTS[i]);
            cr_expect(isfinite(x), "%s at %g", DISTRIBUTIONS[k], PARTS[i]);
            cr_expect_geq(x, before, "%s at %g: %.17g after %.17g", DISTRIBUTIONS[k], PARTS[i], x,
                          before);
            if (p->min < p->max)
                cr_expect(x >= p->min && x <= p->max, "%s at %g: %.17g", DISTRIBUTIONS[k], PARTS[i],
                          x);
            if (PARTS[i] > 1e-7 && PARTS[i] < 1 - 1e-7)
                cr_expect_float_eq(cdf(p, x), PARTS[i], 1e-9, "%s at %g: %g", DISTRIBUTIONS[k],
                                   PARTS[i], cdf(p, x));
            before = x;
        }
    }
}

Test(quantile, q10_and_q90_are_hit_exactly)
{
    auto_case c =
        parse_spec("  parameters: {A: {normal: {q10: 10, q90: 30}}, B: {lognormal: {q10: 50, q90: "
                   "400}}}\n  design: {method: monte-carlo, samples: 1}\n");
    cr_expect_float_eq(quantile_of(&c.sweep.params[0], 0.1), 10, 1e-9);
    cr_expect_float_eq(quantile_of(&c.sweep.params[0], 0.9), 30, 1e-9);
    cr_expect_float_eq(quantile_of(&c.sweep.params[1], 0.1), 50, 1e-8);
    cr_expect_float_eq(quantile_of(&c.sweep.params[1], 0.9), 400, 1e-7);
}

Test(quantile, published_values)
{
    struct sweep_param beta = {.kind = PARAM_PERT, .min = 0, .mode = 0.5, .max = 1};
    struct sweep_param normal = {.kind = PARAM_NORMAL, .mean = 0, .sd = 1};
    /* median of Beta(3,3) is 1/2; its 10 % quantile from tables */
    cr_expect_float_eq(quantile_of(&beta, 0.5), 0.5, 1e-12);
    cr_expect_float_eq(quantile_of(&beta, 0.1), 0.2466362, 1e-6);
    cr_expect_float_eq(quantile_of(&normal, 0.975), 1.959963984540054, 1e-12);
    cr_expect_float_eq(quantile_of(&normal, 0.9), 1.2815515655446004, 1e-12);
}

Test(quantile, hostile_shapes_end_and_stay_inside)
{
    struct random_stream r;
    random_start(&r, 1, "test", DS_SPAN("hostile"));
    for (int i = 0; i < 20000; i++) {
        double lo = (random_uniform(&r) - 0.5) * pow(10, random_uniform(&r) * 20);
        double hi = lo + pow(10, random_uniform(&r) * 24 - 12);
        if (!(hi > lo))
            continue;
        double u = random_uniform(&r);
        double mode = u < 0.1 ? lo : u > 0.9 ? hi : fmin(hi, fmax(lo, lo + u * (hi - lo)));
        struct sweep_param p = {
            .kind = i % 2 ? PARAM_PERT : PARAM_TRIANGULAR, .min = lo, .mode = mode, .max = hi};
        double at = i % 3 ? random_uniform(&r) : pow(random_uniform(&r), 40);
        at = at < 0x1p-53 ? 0x1p-53 : at;
        double x = quantile_of(&p, at);
        cr_expect(x >= lo && x <= hi, "%g %g %g at %g: %g", lo, mode, hi, at, x);
    }
}

Test(quantile, lists_are_cut_evenly_and_discrete_ones_by_weight)
{
    auto_case c =
        expand_with("A: {values: [1, 2, 3, 4, 5]}, B: {discrete: {values: [1, 2, 3, 4], weights: "
                    "[0.5, 0, 0.3, 0.2]}}, C: {integers: {min: -2, max: 2}}",
                    "method: monte-carlo, samples: 20000", NULL);
    int a[6] = {0}, b[5] = {0}, k[5] = {0};
    cr_assert_eq(c.rc, 0, "%s", c.err.text);
    for (uint32_t i = 0; i < 20000; i++) {
        a[(int)number(&c, i, "A")]++;
        b[(int)number(&c, i, "B")]++;
        k[(int)number(&c, i, "C") + 2]++;
    }
    for (int i = 1; i <= 5; i++)
        cr_expect(abs(a[i] - 4000) < 250, "%d", a[i]);
    for (int i = 0; i < 5; i++)
        cr_expect(abs(k[i] - 4000) < 250, "%d", k[i]);
    cr_expect(abs(b[1] - 10000) < 300 && b[2] == 0 && abs(b[3] - 6000) < 300
              && abs(b[4] - 4000) < 250);
}

Test(quantile, random_streams_are_known_and_apart)
{
    struct random_stream a, b, c;
    random_start(&a, 1, "sample", DS_SPAN("PORO"));
    random_start(&b, 1, "shift", DS_SPAN("PORO"));
    random_start(&c, 1, "sample", DS_SPAN("PORO"));
    cr_expect_neq(random_u64(&a), random_u64(&b));
    (void)random_u64(&c);
    for (int i = 0; i < 100; i++)
        cr_expect_eq(random_u64(&a), random_u64(&c));
    /* xoshiro256** from the state 1, 2, 3, 4: the authors' first outputs */
    struct random_stream known = {{1, 2, 3, 4}};
    static const uint64_t WANT[] = {11520, 0, 1509978240, 1215971899390074240};
    for (size_t i = 0; i < DS_COUNT(WANT); i++)
        cr_expect_eq(random_u64(&known), WANT[i]);
}

Test(quantile, random_numbers_below_n_are_even_and_permutations_whole)
{
    struct random_stream r;
    static uint32_t order[10000];
    static bool seen[10000];
    int n[7] = {0};
    random_start(&r, 9, "test", DS_SPAN(""));
    for (int i = 0; i < 70000; i++)
        n[random_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        cr_expect(abs(n[i] - 10000) < 500, "%d", n[i]);
    random_permutation(&r, order, 10000);
    double rank = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        cr_expect_not(seen[order[i]]);
        seen[order[i]] = true;
        rank += (double)i * order[i];
    }
    /* the correlation of place and value is near 0 */
    double r_xy = (rank / 10000 - 4999.5 * 4999.5) / (10000.0 * 10000 / 12);
    cr_expect_lt(fabs(r_xy), 0.04, "%g", r_xy);
}

Test(quantile, columns_of_a_design_are_not_correlated)
{
    auto_case c =
        expand_with("A: {uniform: {min: 0, max: 1}}, B: {uniform: {min: 0, max: 1}}, C: {uniform: "
                    "{min: 0, max: 1}}",
                    "method: latin-hypercube, samples: 4000", NULL);
    static const char *const PAIRS[] = {"AB", "AC", "BC"};
    for (size_t k = 0; k < 3; k++) {
        double sum = 0;
        for (uint32_t i = 0; i < 4000; i++)
            sum += (number(&c, i, (char[]){PAIRS[k][0], 0}) - 0.5)
                   * (number(&c, i, (char[]){PAIRS[k][1], 0}) - 0.5);
        cr_expect_lt(fabs(sum / 4000 * 12), 0.07, "%s", PAIRS[k]);
    }
}
