#include "spectrum.h"

#include "numbers.h"

/* Real and imaginary parts, apart. */
struct complexes {
    double *re, *im;
};

static const double SINE_3 = 0.86602540378443864676;                                  /* of a third of a turn */
static const double COSINE_5 = 0.30901699437494742410, COSINE_52 = -0.80901699437494742410; /* of one fifth, two */
static const double SINE_5 = 0.95105651629515357212, SINE_52 = 0.58778525229247312917;

void ecg_spectrum_plan(struct ecg_spectrum *plan, int n, double *table)
{
    static const int radices[] = {5, 4, 3, 2};
    int i, left = n / 2;
    plan->n = n;
    plan->cosine = table;
    plan->sine = table + n;
    for (i = 0; i < n; i++)
        ecg_turn((double)i / n, &plan->cosine[i], &plan->sine[i]);
    plan->stages = 0;
    for (i = 0; i < 4; i++)
        for (; left > 1 && left % radices[i] == 0; left /= radices[i])
            plan->radix[plan->stages++] = radices[i];
    if (n % 2 || left > 1)
        plan->stages = 0;
}

/* The butterflies: from `a`, whose inputs lie `apart` values from each other, to `b`, whose outputs lie `stride`
 * values from each other and are turned by `w`; for `stride` neighbours at a time. */
struct turns {
    double c[5], s[5];
};

static inline void put(double *re, double *im, double x, double y, double c, double s)
{
    *re = x * c + y * s;
    *im = y * c - x * s;
}

static inline void two(const double *restrict re, const double *restrict im, int apart,
    double *restrict to_re, double *restrict to_im, int stride, const struct turns *w)
{
    const double c = w->c[1], s = w->s[1];
    int q;
    for (q = 0; q < stride; q++) {
        const double ar = re[q], ai = im[q], br = re[apart + q], bi = im[apart + q];
        to_re[q] = ar + br;
        to_im[q] = ai + bi;
        put(&to_re[stride + q], &to_im[stride + q], ar - br, ai - bi, c, s);
    }
}

static inline void three(const double *restrict re, const double *restrict im, int apart,
    double *restrict to_re, double *restrict to_im, int stride, const struct turns *w)
{
    const double c1 = w->c[1], s1 = w->s[1], c2 = w->c[2], s2 = w->s[2];
    int q;
    for (q = 0; q < stride; q++) {
        const double tr = re[apart + q] + re[2 * apart + q], ti = im[apart + q] + im[2 * apart + q];
        const double ur = SINE_3 * (re[apart + q] - re[2 * apart + q]);
        const double ui = SINE_3 * (im[apart + q] - im[2 * apart + q]);
        const double mr = re[q] - 0.5 * tr, mi = im[q] - 0.5 * ti;
        to_re[q] = re[q] + tr;
        to_im[q] = im[q] + ti;
        put(&to_re[stride + q], &to_im[stride + q], mr + ui, mi - ur, c1, s1);
        put(&to_re[2 * stride + q], &to_im[2 * stride + q], mr - ui, mi + ur, c2, s2);
    }
}

static inline void four(const double *restrict re, const double *restrict im, int apart,
    double *restrict to_re, double *restrict to_im, int stride, const struct turns *w)
{
    const double c1 = w->c[1], s1 = w->s[1], c2 = w->c[2], s2 = w->s[2], c3 = w->c[3], s3 = w->s[3];
    int q;
    for (q = 0; q < stride; q++) {
        const double tr = re[q] + re[2 * apart + q], ti = im[q] + im[2 * apart + q];
        const double ur = re[q] - re[2 * apart + q], ui = im[q] - im[2 * apart + q];
        const double vr = re[apart + q] + re[3 * apart + q], vi = im[apart + q] + im[3 * apart + q];
        const double dr = re[apart + q] - re[3 * apart + q], di = im[apart + q] - im[3 * apart + q];
        to_re[q] = tr + vr;
        to_im[q] = ti + vi;
        put(&to_re[stride + q], &to_im[stride + q], ur + di, ui - dr, c1, s1);
        put(&to_re[2 * stride + q], &to_im[2 * stride + q], tr - vr, ti - vi, c2, s2);
        put(&to_re[3 * stride + q], &to_im[3 * stride + q], ur - di, ui + dr, c3, s3);
    }
}

static inline void five(const double *restrict re, const double *restrict im, int apart,
    double *restrict to_re, double *restrict to_im, int stride, const struct turns *w)
{
    const double c1 = w->c[1], s1 = w->s[1], c2 = w->c[2], s2 = w->s[2];
    const double c3 = w->c[3], s3 = w->s[3], c4 = w->c[4], s4 = w->s[4];
    int q;
    for (q = 0; q < stride; q++) {
        const double t1r = re[apart + q] + re[4 * apart + q], t1i = im[apart + q] + im[4 * apart + q];
        const double u1r = re[apart + q] - re[4 * apart + q], u1i = im[apart + q] - im[4 * apart + q];
        const double t2r = re[2 * apart + q] + re[3 * apart + q], t2i = im[2 * apart + q] + im[3 * apart + q];
        const double u2r = re[2 * apart + q] - re[3 * apart + q], u2i = im[2 * apart + q] - im[3 * apart + q];
        const double m1r = re[q] + COSINE_5 * t1r + COSINE_52 * t2r, m1i = im[q] + COSINE_5 * t1i + COSINE_52 * t2i;
        const double m2r = re[q] + COSINE_52 * t1r + COSINE_5 * t2r, m2i = im[q] + COSINE_52 * t1i + COSINE_5 * t2i;
        const double v1r = SINE_5 * u1r + SINE_52 * u2r, v1i = SINE_5 * u1i + SINE_52 * u2i;
        const double v2r = SINE_52 * u1r - SINE_5 * u2r, v2i = SINE_52 * u1i - SINE_5 * u2i;
        to_re[q] = re[q] + t1r + t2r;
        to_im[q] = im[q] + t1i + t2i;
        put(&to_re[stride + q], &to_im[stride + q], m1r + v1i, m1i - v1r, c1, s1);
        put(&to_re[2 * stride + q], &to_im[2 * stride + q], m2r + v2i, m2i - v2r, c2, s2);
        put(&to_re[3 * stride + q], &to_im[3 * stride + q], m2r - v2i, m2i + v2r, c3, s3);
        put(&to_re[4 * stride + q], &to_im[4 * stride + q], m1r - v1i, m1i + v1r, c4, s4);
    }
}

/* One stage of Stockham's transform: `groups` butterflies of `radix`, each over `stride` neighbours. */
ECG_WIDE static void stage(const struct ecg_spectrum *plan, int radix, int groups, int stride, struct complexes from,
    struct complexes to)
{
    const int apart = groups * stride;
    int j, i;
    for (j = 0; j < groups; j++) {
        const double *re = from.re + j * stride, *im = from.im + j * stride;
        double *to_re = to.re + j * radix * stride, *to_im = to.im + j * radix * stride;
        struct turns w;
        for (i = 0; i < radix; i++) {
            w.c[i] = plan->cosine[2 * stride * j * i];
            w.s[i] = plan->sine[2 * stride * j * i];
        }
        switch (radix) {
        case 2:
            two(re, im, apart, to_re, to_im, stride, &w);
            break;
        case 3:
            three(re, im, apart, to_re, to_im, stride, &w);
            break;
        case 4:
            four(re, im, apart, to_re, to_im, stride, &w);
            break;
        default:
            five(re, im, apart, to_re, to_im, stride, &w);
        }
    }
}

/* Even samples are the real, odd ones the imaginary parts of a signal half as long; its transform is taken apart. */
static void fast(const struct ecg_spectrum *plan, const double *x, double *work, int bins, double *power)
{
    const int half = plan->n / 2;
    struct complexes z = {work, work + half}, other = {work + 2 * half, work + 3 * half}, kept;
    int i, k, groups = half, stride = 1;
    for (i = 0; i < half; i++) {
        z.re[i] = x[2 * i];
        z.im[i] = x[2 * i + 1];
    }
    for (i = 0; i < plan->stages; i++) {
        groups /= plan->radix[i];
        stage(plan, plan->radix[i], groups, stride, z, other);
        stride *= plan->radix[i];
        kept = z;
        z = other;
        other = kept;
    }
    for (k = 0; k < bins; k++) {
        const int a = k == half ? 0 : k, b = k == 0 || k == half ? 0 : half - k;
        const double even_re = 0.5 * (z.re[a] + z.re[b]), even_im = 0.5 * (z.im[a] - z.im[b]);
        const double odd_re = 0.5 * (z.im[a] + z.im[b]), odd_im = 0.5 * (z.re[b] - z.re[a]);
        const double c = plan->cosine[k], s = plan->sine[k];
        const double re = even_re + (odd_re * c + odd_im * s), im = even_im + (odd_im * c - odd_re * s);
        power[k] = re * re + im * im;
    }
}

/* Each bin by itself: samples at the same distance from both ends share their cosine, and but for a sign their sine. */
static void plain(const struct ecg_spectrum *plan, const double *x, double *work, int bins, double *power)
{
    const int n = plan->n;
    double *re = work, *im = work + bins;
    int j, k;
    for (k = 0; k < bins; k++) {
        re[k] = x[0];
        im[k] = 0.0;
    }
    for (j = 1; j <= n / 2; j++) {
        const double other = 2 * j == n ? 0.0 : x[n - j], sum = x[j] + other, difference = x[j] - other;
        int at = 0;
        for (k = 0; k < bins; k++) {
            re[k] += sum * plan->cosine[at];
            im[k] += difference * plan->sine[at];
            at += j;
            at -= at >= n ? n : 0;
        }
    }
    for (k = 0; k < bins; k++)
        power[k] = re[k] * re[k] + im[k] * im[k];
}

void ecg_spectrum_powers(const struct ecg_spectrum *plan, const double *x, double *work, int bins, double *power)
{
    if (plan->stages > 0)
        fast(plan, x, work, bins, power);
    else
        plain(plan, x, work, bins, power);
}
