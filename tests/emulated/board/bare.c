/* A program that is nothing but a stream, to see what it takes: samples come from an address, events set a flag. */
#include "ecg_setup.h"

void _mainCRTStartup(void);

static double memory[ECG_STREAM_DOUBLES];
static volatile int told;

static void take(void *context, const struct ecg_event *event)
{
    (void)context;
    told = (int)event->kind;
}

int main(void)
{
    struct ecg_stream *const stream = ecg_stream_init(&ecg_setup, memory, sizeof memory, take, NULL);
    for (;;)
        ecg_stream_feed(stream, (const float *)0x40000000u, 1);
}

void _mainCRTStartup(void)
{
    main();
}
