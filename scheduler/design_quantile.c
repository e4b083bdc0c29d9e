/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "design_quantile.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

bool quantile_is_continuous(enum param_kind kind)
{
    return kind >= PARAM_UNIFORM && kind <= PARAM_PERT;
}

static double clamp(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* Both ends on the upper side are mirrored, where the tail's probabilities keep their digits. */
static double truncated_normal(const struct sweep_param *p, double at)
{
    double a = (p->min - p->mean) / p->sd, b = (p->max - p->mean) / p->sd, z;
    if (a > 0) {
        double qa = gsl_cdf_ugaussian_Q(a), qb = gsl_cdf_ugaussian_Q(b);
        z = gsl_cdf_ugaussian_Qinv(qa - at * (qa - qb));
    } else {
        double pa = gsl_cdf_ugaussian_P(a), pb = gsl_cdf_ugaussian_P(b);
        z = gsl_cdf_ugaussian_Pinv(pa + at * (pb - pa));
    }
    return clamp(p->mean + z * p->sd, p->min, p->max);
}

static double triangular(const struct sweep_param *p, double at)
{
    double width = p->max - p->min, left = (p->mode - p->min) / width;
    double v = at < left ? p->min + sqrt(at * width * (p->mode - p->min))
                         : p->max - sqrt((1 - at) * width * (p->max - p->mode));
    return clamp(v, p->min, p->max);
}

/* Newton's steps inside a bracket that halves when they leave it: always ends, unlike GSL's
 * own inverse, which gives up (and calls its handler, which aborts) for some arguments. */
static double beta_quantile(double at, double a, double b)
{
    double lo = 0, hi = 1, x = a / (a + b);
    for (int i = 0; i < 100; i++) {
        double miss = gsl_cdf_beta_P(x, a, b) - at;
        if (miss > 0)
            hi = x;
        else
            lo = x;
        double slope = gsl_ran_beta_pdf(x, a, b), next = slope > 0 ? x - miss / slope : -1;
        if (!(next > lo && next < hi))
            next = lo + (hi - lo) / 2;
        double step = fabs(next - x);
        x = next;
        if (step <= 1e-14 * x || hi - lo <= 1e-15)
            break;
    }
    return x;
}

static double pert(const struct sweep_param *p, double at)
{
    double width = p->max - p->min;
    double a = 1 + 4 * (p->mode - p->min) / width, b = 1 + 4 * (p->max - p->mode) / width;
    return clamp(p->min + width * beta_quantile(at, a, b), p->min, p->max);
}

double quantile_of(const struct sweep_param *p, double at)
{
    switch (p->kind) {
    case PARAM_UNIFORM:
        return clamp(p->min + at * (p->max - p->min), p->min, p->max);
    case PARAM_LOGUNIFORM: {
        double lo = log(p->min), hi = log(p->max);
        return clamp(exp(lo + at * (hi - lo)), p->min, p->max);
    }
    case PARAM_NORMAL:
        return p->mean + gsl_cdf_ugaussian_Pinv(at) * p->sd;
    case PARAM_LOGNORMAL:
        return exp(p->mean + gsl_cdf_ugaussian_Pinv(at) * p->sd);
    case PARAM_TRUNCATED_NORMAL:
        return truncated_normal(p, at);
    case PARAM_TRIANGULAR:
        return triangular(p, at);
    default:
        return pert(p, at);
    }
}

bool quantile_lists_texts(const struct sweep_param *p)
{
    for (size_t i = 0; i < p->n_values; i++)
        if (p->values[i].is_text)
            return true;
    return p->kind == PARAM_FILES;
}

uint64_t quantile_list_length(const struct sweep_param *p, size_t n_files)
{
    switch (p->kind) {
    case PARAM_DISCRETE:
    case PARAM_VALUES:
        return p->n_values;
    case PARAM_LINSPACE:
    case PARAM_LOGSPACE:
        return p->count;
    case PARAM_INTEGERS:
        return p->min <= p->max ? (uint64_t)(p->max - p->min) + 1 : 0;
    default:
        return n_files;
    }
}

uint64_t quantile_place(const struct sweep_param *p, size_t n_files, double at)
{
    uint64_t n = quantile_list_length(p, n_files);
    if (p->kind == PARAM_DISCRETE) {
        double sum = 0;
        uint64_t last = 0;
        for (size_t i = 0; i < p->n_values; i++) {
            if (p->weights[i] > 0)
                last = i;
            sum += p->weights[i];
            if (at < sum)
                return i;
        }
        return last;
    }
    uint64_t place = (uint64_t)(at * (double)n);
    return place < n ? place : n - 1;
}

double quantile_listed(const struct sweep_param *p, uint64_t place)
{
    double part = p->count > 1 ? (double)place / (p->count - 1) : 0;
    switch (p->kind) {
    case PARAM_DISCRETE:
    case PARAM_VALUES:
        return p->values[place].is_text ? NAN : p->values[place].number;
    case PARAM_LINSPACE:
        return part == 1 ? p->to : p->from * (1 - part) + p->to * part;
    case PARAM_LOGSPACE:
        if (part == 0 || part == 1)
            return part == 0 ? p->from : p->to;
        return exp(log(p->from) * (1 - part) + log(p->to) * part);
    case PARAM_INTEGERS:
        return p->min + (double)place;
    default:
        return NAN;
    }
}
