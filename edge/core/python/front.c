#include "binding.h"

#include "../front.h"

#include <string.h>

#define PIECE 256 /* samples that pass the filters at a time: their memory stays in the processor's cache */
#define MOST_SAMPLES ((int64_t)1 << 40)
#define MOST_DOUBLES ((int64_t)(PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(double) - 64)) /* in one object */

typedef struct {
    PyObject_HEAD
    struct ecg_front front;
    Py_buffer kernels, beyond, fir; /* constants that the filters of a rate share */
    double *memory;
} Front;

static void front_dealloc(PyObject *object)
{
    Front *self = (Front *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->kernels.obj != NULL)
        PyBuffer_Release(&self->kernels);
    if (self->beyond.obj != NULL)
        PyBuffer_Release(&self->beyond);
    if (self->fir.obj != NULL)
        PyBuffer_Release(&self->fir);
    PyMem_Free(self->memory);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

/* Borrow the constants; the lengths of their arrays say what the design does not. */
static int design_of(Front *self, int up, int down, int half, PyObject *const *arrays, struct ecg_front_design *design)
{
    Py_ssize_t inside, taps;
    int64_t kernels;
    if (up < 1 || up > 1 << 20 || down < 1 || down > 1 << 20 || half < 1 || half > 1 << 20) {
        PyErr_SetString(PyExc_ValueError, "up, down and half are from 1 to 2**20");
        return -1;
    }
    kernels = (int64_t)up * half * 2;
    if (kernels > MOST_DOUBLES) {
        PyErr_SetString(PyExc_ValueError, "no array is as large as such kernels");
        return -1;
    }
    if (ecg_borrow(arrays[0], &self->kernels, 'd', (Py_ssize_t)kernels, 0) < 0 ||
        ecg_borrow(arrays[1], &self->beyond, 'd', -1, 0) < 0 || ecg_borrow(arrays[2], &self->fir, 'd', -1, 0) < 0)
        return -1;
    inside = self->beyond.len / ((Py_ssize_t)sizeof(double) * half);
    taps = self->fir.len / (Py_ssize_t)sizeof(double);
    if (inside < 1 || inside > 1 << 20 || taps > 1 << 20 ||
        self->beyond.len != inside * half * (Py_ssize_t)sizeof(double)) {
        PyErr_SetString(PyExc_ValueError, "the extension has a row for each sample of half the kernel");
        return -1;
    }
    *design = (struct ecg_front_design){
        up, down, half, (int32_t)inside, (int32_t)taps, self->kernels.buf, self->beyond.buf, self->fir.buf};
    return 0;
}

static PyObject *front_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    int up, down, half;
    PyObject *arrays[3];
    struct ecg_front_design design;
    int32_t held, smooth;
    Front *self;
    if (kwargs != NULL && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Front takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "iiiOOO:Front", &up, &down, &half, &arrays[0], &arrays[1], &arrays[2]))
        return NULL;
    self = (Front *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL)
        return NULL;
    if (design_of(self, up, down, half, arrays, &design) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    held = ecg_front_held_room(&design, PIECE);
    smooth = ecg_front_smooth_room(&design, PIECE);
    if ((int64_t)held + smooth > MOST_DOUBLES) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    self->memory = PyMem_Malloc(((size_t)held + (size_t)smooth) * sizeof(double));
    if (self->memory == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    if (ecg_front_init(&self->front, &design, self->memory, held, self->memory + held, smooth) < 0) {
        PyErr_SetString(PyExc_ValueError, "an odd number of taps is needed, and kernels longer than a step");
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static PyObject *room_for(int64_t count)
{
    if (count > MOST_DOUBLES)
        return PyErr_NoMemory();
    return PyBytes_FromStringAndSize(NULL, (Py_ssize_t)count * (Py_ssize_t)sizeof(double));
}

static PyObject *front_feed(PyObject *object, PyObject *samples)
{
    Front *self = (Front *)object;
    PyObject *out;
    Py_buffer x;
    Py_ssize_t count;
    if (ecg_borrow(samples, &x, 'd', -1, 0) < 0)
        return NULL;
    count = x.len / (Py_ssize_t)sizeof(double);
    if (count > MOST_SAMPLES) {
        PyErr_SetString(PyExc_ValueError, "at most 2**40 samples at a time");
        out = NULL;
    } else {
        out = room_for(ecg_front_due(&self->front, count));
    }
    if (out != NULL)
        ecg_front_feed(&self->front, x.buf, count, (double *)(void *)PyBytes_AsString(out));
    PyBuffer_Release(&x);
    return out;
}

static PyObject *front_finish(PyObject *object, PyObject *nothing)
{
    Front *self = (Front *)object;
    PyObject *out = room_for(ecg_front_left(&self->front));
    (void)nothing;
    if (out != NULL)
        ecg_front_finish(&self->front, (double *)(void *)PyBytes_AsString(out));
    return out;
}

static PyObject *front_reset(PyObject *object, PyObject *nothing)
{
    (void)nothing;
    ecg_front_reset(&((Front *)object)->front);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"feed", front_feed, METH_O, "Take samples (float64), return what has become computable (bytes of float64)."},
    {"finish", front_finish, METH_NOARGS, "Return what is still held back."},
    {"reset", front_reset, METH_NOARGS, "Forget everything: the next sample starts a new segment."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Front(up, down, half, kernels, beyond, reversed_taps): resampler and FIR filter in one."},
    {Py_tp_new, front_new},
    {Py_tp_dealloc, front_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"ecgedge._core.Front", sizeof(Front), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int ecg_add_front(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    const int added = type == NULL ? -1 : PyModule_AddType(module, (PyTypeObject *)type);
    Py_XDECREF(type);
    return added;
}
