#include "order.h"

#include <stdint.h>

static void swap(float *a, float *b)
{
    const float kept = *a;
    *a = *b;
    *b = kept;
}

static float middle_of(float a, float b, float c)
{
    if (a < b)
        return b < c ? b : a < c ? c : a;
    return a < c ? a : b < c ? c : b;
}

float ecg_select(float *x, int n, int k)
{
    int low = 0, high = n - 1;
    uint32_t chance = 1; /* so that no order of the values is slow */
    while (low < high) {
        const uint32_t width = (uint32_t)(high - low) + 1u;
        int less = low, at = low, more = high;
        float pivot;
        chance = chance * 1664525u + 1013904223u;
        pivot = middle_of(x[low + (int)((chance >> 8) % width)], x[low + (high - low) / 2], x[high]);
        /* Three parts: smaller than the pivot, equal, larger. No index leaves its part, whatever compares how. */
        while (at <= more) {
            if (x[at] < pivot)
                swap(&x[at++], &x[less++]);
            else if (x[at] > pivot)
                swap(&x[at], &x[more--]);
            else
                at++;
        }
        if (k < less)
            high = less - 1;
        else if (k > more)
            low = more + 1;
        else
            return x[k];
    }
    return x[k];
}

void ecg_sort(double *x, int n)
{
    int i, j;
    for (i = 1; i < n; i++) {
        const double value = x[i];
        for (j = i; j > 0 && x[j - 1] > value; j--)
            x[j] = x[j - 1];
        x[j] = value;
    }
}
