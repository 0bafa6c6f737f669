/* Starts a Cortex-M4F: the unit for floats, data, then newlib, whose files are the host's by semihosting. */
#include <stdint.h>

extern uint32_t data_start, data_end, data_in_flash;
void stack_top(void); /* an address of the linker's, no function */
void start(void);
void _mainCRTStartup(void);

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    stack_top,
    start,
};

void start(void)
{
    volatile uint32_t *const access = (volatile uint32_t *)0xE000ED88u;
    uint32_t *from = &data_in_flash, *to;
    *access |= 0xFu << 20;
    __asm volatile("dsb\n isb");
    for (to = &data_start; to < &data_end; to++)
        *to = *from++;
    _mainCRTStartup();
    for (;;)
        ;
}
