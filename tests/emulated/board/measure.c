/* What a stream costs on a Cortex-M4F: instructions for each second of ECG, and bytes of stack.
 *
 * QEMU with -icount shift=0 lets one instruction take one nanosecond, and the board has a timer of 25 MHz.
 * Arguments: a file of float32 samples in mV, and their rate in Hz.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ecg_setup.h"

#define TIMER(register) (*(volatile uint32_t *)(0x40000000u + (register)))
#define PER_COUNT 40.0 /* instructions */
#define STACK 4096     /* words that are looked at */
#define MARK 0x5aa5c33cu

static double memory[ECG_STREAM_DOUBLES];
static float millivolt[4096];
static long events;

static void take(void *context, const struct ecg_event *event)
{
    (void)context;
    (void)event;
    events++;
}

/* The words below this function's frame, which what is called next will use. */
static __attribute__((noinline)) volatile uint32_t *below(void)
{
    uint32_t here;
    __asm volatile("mov %0, sp" : "=r"(here));
    return (volatile uint32_t *)here - STACK;
}

static __attribute__((noinline)) double instructions(struct ecg_stream *stream, int32_t n)
{
    const uint32_t before = TIMER(4);
    ecg_stream_feed(stream, millivolt, n);
    return PER_COUNT * (uint32_t)(before - TIMER(4));
}

int main(int argc, char **argv)
{
    struct ecg_stream *const stream = ecg_stream_init(&ecg_setup, memory, sizeof memory, take, NULL);
    FILE *const samples = argc > 2 ? fopen(argv[1], "rb") : NULL;
    const size_t rate = argc > 2 ? (size_t)atoi(argv[2]) : 0;
    volatile uint32_t *const stack = below();
    double total = 0.0, most = 0.0;
    long seconds = 0, deepest = 0;
    long i;
    if (samples == NULL || stream == NULL || rate < 1 || rate > sizeof millivolt / sizeof *millivolt)
        return 1;
    TIMER(8) = 0xffffffffu; /* from where it starts again */
    TIMER(4) = 0xffffffffu;
    TIMER(0) = 1u;
    for (; fread(millivolt, sizeof *millivolt, rate, samples) == rate; seconds++) {
        double one;
        for (i = 0; i < STACK; i++)
            stack[i] = MARK;
        one = instructions(stream, (int32_t)rate);
        for (i = 0; i < STACK && stack[i] == MARK; i++)
            ;
        deepest = STACK - i > deepest ? STACK - i : deepest;
        total += one;
        most = one > most ? one : most;
    }
    printf("{\"seconds\": %ld, \"events\": %ld, \"instructions\": %.0f, \"most_in_a_second\": %.0f, \"stream_bytes\": "
           "%lu, \"stack_bytes\": %ld}\n",
        seconds, events, total, most, (unsigned long)ecg_stream_bytes(&ecg_setup), 4 * deepest);
    return 0;
}
