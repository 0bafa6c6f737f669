/* Fails to compile where >> of a negative number does not keep its sign: C99 leaves that to the compiler. */
typedef char needs_arithmetic_shift[(-1 >> 1) == -1 ? 1 : -1];

/* x * multiplier / 2^31 / 2^shift, both times rounded to the nearest integer: first halves up, then halves away
 * from zero, as TFLite's reference kernels do it. */
static inline int32_t rescale(int32_t x, int32_t multiplier, int shift)
{
    const int32_t high = (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << 30)) >> 31);
    const int32_t half = (int32_t)(((uint32_t)1 << shift) >> 1);
    return (high + half - ((high < 0) & (shift > 0))) >> shift;
}

static inline int8_t clamp(int32_t x)
{
    return (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
}
