/* The extension module ecgedge._core: what runs where it was compiled, in place of the numpy code. */
#include "binding.h"

#include <stdint.h>
#include <string.h>

int ecg_borrow(PyObject *object, Py_buffer *view, char format, Py_ssize_t count, int writable)
{
    const int flags = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
    const Py_ssize_t size = strchr("bB", format) != NULL ? 1 : strchr("if", format) != NULL ? 4 : 8;
    const char *got;
    int same;
    if (PyObject_GetBuffer(object, view, flags) < 0)
        return -1;
    got = view->format == NULL ? "B" : view->format;
    if (got[0] == '<' || got[0] == '=' || got[0] == '@')
        got++;
    /* One letter, and an item as large as that says: some memory has a record of several as its item. */
    same = got[0] == format || (format == 'i' && got[0] == 'l'); /* where a long has four bytes */
    if (!same || got[1] != '\0' || view->itemsize != size) {
        PyErr_Format(PyExc_TypeError, "an array of type '%c' is wanted, not '%s'", format, got);
        PyBuffer_Release(view);
        return -1;
    }
    if ((uintptr_t)view->buf % (uintptr_t)size != 0) {
        PyErr_SetString(PyExc_ValueError, "an aligned array is wanted");
        PyBuffer_Release(view);
        return -1;
    }
    if (count >= 0 && view->len != count * view->itemsize) {
        PyErr_Format(PyExc_ValueError, "an array of %zd values is wanted, not of %zd", count,
            view->len / view->itemsize);
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

static int add_all(PyObject *module)
{
    int (*const parts[])(PyObject *) = {
        ecg_add_numbers, ecg_add_front, ecg_add_samples, ecg_add_gate, ecg_add_history, ecg_add_hrv, ecg_add_beats,
        ecg_add_net8,
    };
    size_t i;
    for (i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i](module) < 0)
            return -1;
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)add_all}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "ecgedge._core", "The compiled core of ecgedge.", 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
