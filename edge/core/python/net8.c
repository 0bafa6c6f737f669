/* Net8: a network of Python's making, checked, with memory of its own. */
#include "binding.h"

#include "../net8_check.h"
#include "../net8_x86.h"

#include <float.h>
#include <stddef.h>
#include <string.h>

/* A row of the table: the numbers of a layer, then where its weights and its biases and factors begin. */
#define NUMBERS ((Py_ssize_t)(offsetof(struct ecg_net8_layer, weights) / sizeof(int32_t)))
#define NUMBERS_OF_LAYER 21
#define ROW (NUMBERS_OF_LAYER + 2)
#define MOST_LAYERS 4096

typedef struct {
    PyObject_HEAD
    struct ecg_net8 net;
    struct ecg_net8_layer *layers;
    int8_t *weights, *packed;
    int32_t *bias;
    float *factors;
    int32_t *arena;
    int8_t *codes; /* of the input, then of the output */
} Net8;

static void clear(Net8 *self)
{
    PyMem_Free(self->layers);
    PyMem_Free(self->weights);
    PyMem_Free(self->packed);
    PyMem_Free(self->bias);
    PyMem_Free(self->factors);
    PyMem_Free(self->arena);
    PyMem_Free(self->codes);
}

static void *copied(const Py_buffer *view)
{
    void *const copy = PyMem_Malloc((size_t)view->len + 1);
    if (copy != NULL)
        memcpy(copy, view->buf, (size_t)view->len);
    return copy;
}

/* Give a layer its part of the weights; -1 where they end before. */
static int provide(Net8 *self, struct ecg_net8_layer *l, const int32_t *row, Py_ssize_t weights, Py_ssize_t filters)
{
    const int64_t at = row[NUMBERS_OF_LAYER], first = row[NUMBERS_OF_LAYER + 1];
    const int dense = row[0] == ECG_NET8_DENSE;
    int64_t i, width = 1;
    memcpy(l, row, NUMBERS_OF_LAYER * sizeof *row);
    l->weights = NULL, l->bias = NULL, l->factors = NULL, l->packed = NULL;
    if (!dense && row[0] != ECG_NET8_DEPTHWISE)
        return 0;
    for (i = 0; i < 4; i++) { /* so that no product of them overflows */
        const int32_t size = i == 0 ? l->taps : i == 1 ? l->channels : i == 2 ? l->filters : l->outputs;
        if (size < 1 || size > 1 << 20)
            return -1;
    }
    if ((int64_t)l->taps * l->channels > 1 << 30)
        return -1;
    width = dense ? ecg_net8_width(l) : l->taps;
    if (at < 0 || first < 0 || at + width * l->filters > weights || first + l->filters > filters)
        return -1;
    l->weights = self->weights + at, l->bias = self->bias + first, l->factors = self->factors + first;
    return 0;
}

/* Bring the weights of dense layers into the order that this processor wants. */
static int pack(Net8 *self)
{
#ifdef ECG_NET8_X86
    int64_t size = 0;
    int32_t i;
    int8_t *at;
    for (i = 0; i < self->net.n_layers; i++)
        if (self->layers[i].kind == ECG_NET8_DENSE)
            size += ecg_net8_packed_size(&self->layers[i]);
    at = self->packed = PyMem_Malloc((size_t)size + 1);
    if (at == NULL)
        return -2;
    for (i = 0; i < self->net.n_layers; i++)
        if (self->layers[i].kind == ECG_NET8_DENSE) {
            ecg_net8_pack(&self->layers[i], at);
            self->layers[i].packed = at;
            at += ecg_net8_packed_size(&self->layers[i]);
        }
#else
    (void)self;
#endif
    return 0;
}

/* From the bytes of the table, the weights, the biases and the factors; -1 where they do not fit together, -2 without
 * memory. */
static int fill(Net8 *self, const Py_buffer *parts)
{
    const Py_ssize_t row = ROW * (Py_ssize_t)sizeof(int32_t), rows = parts[0].len / row, filters = parts[2].len / 4;
    int32_t *table;
    Py_ssize_t i;
    int fits = 1;
    for (i = 0; i < 4; i++)
        if (parts[i].len > 1 << 28)
            return -1;
    if (rows < 1 || rows > MOST_LAYERS || parts[0].len % row || parts[2].len % 4 || parts[3].len != parts[2].len)
        return -1;
    self->layers = PyMem_Calloc((size_t)rows, sizeof *self->layers);
    self->weights = copied(&parts[1]), self->bias = copied(&parts[2]), self->factors = copied(&parts[3]);
    table = copied(&parts[0]); /* so that it is aligned */
    if (self->layers == NULL || self->weights == NULL || self->bias == NULL || self->factors == NULL || table == NULL) {
        PyMem_Free(table);
        return -2;
    }
    for (i = 0; i < rows && fits; i++)
        fits = provide(self, &self->layers[i], table + i * ROW, parts[1].len, filters) == 0;
    PyMem_Free(table);
    self->net.layers = self->layers, self->net.n_layers = (int32_t)rows;
    if (!fits || !ecg_net8_fits(&self->net))
        return -1;
    self->arena = PyMem_Calloc((size_t)(self->net.sums + self->net.patches + self->net.memory) / 4 + 4, 4);
    self->codes = PyMem_Calloc((size_t)(self->net.n_inputs + self->net.n_outputs), 1);
    return self->arena == NULL || self->codes == NULL ? -2 : pack(self);
}

static PyObject *net8_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *parts[4];
    Py_buffer views[4];
    struct ecg_net8 net = {0};
    Net8 *self;
    int i, held, done = -1;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    if (kwargs != NULL && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Net8() takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "OOOO(iiiii)(fi)(fi)", &parts[0], &parts[1], &parts[2], &parts[3], &net.n_inputs,
            &net.n_outputs, &net.sums, &net.patches, &net.memory, &net.scale_in, &net.zero_in, &net.scale_out,
            &net.zero_out))
        return NULL;
    self = (Net8 *)alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->net = net;
    for (held = 0; held < 4; held++)
        if (ecg_borrow(parts[held], &views[held], 'B', -1, 0) < 0)
            break;
    if (held == 4)
        done = fill(self, views);
    for (i = 0; i < held; i++)
        PyBuffer_Release(&views[i]);
    if (done == 0)
        return (PyObject *)self;
    if (done == -2)
        PyErr_NoMemory();
    else if (held == 4)
        PyErr_SetString(PyExc_ValueError, "layers that do not fit together");
    Py_DECREF(self);
    return NULL;
}

static void net8_free(PyObject *self)
{
    PyTypeObject *const type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    clear((Net8 *)self);
    release(self);
    Py_DECREF(type);
}

static int is_finite(const float *x, int32_t n)
{
    int32_t i, all = 1;
    for (i = 0; i < n; i++)
        all &= x[i] >= -FLT_MAX && x[i] <= FLT_MAX;
    return all;
}

static PyObject *net8_run(PyObject *object, PyObject *args)
{
    Net8 *const self = (Net8 *)object;
    int8_t *const output = self->codes + self->net.n_inputs;
    PyObject *window, *logits;
    Py_buffer in, out;
    int finite;
    if (!PyArg_ParseTuple(args, "OO", &window, &logits) || ecg_borrow(window, &in, 'f', self->net.n_inputs, 0) < 0)
        return NULL;
    if (ecg_borrow(logits, &out, 'f', self->net.n_outputs, 1) < 0) {
        PyBuffer_Release(&in);
        return NULL;
    }
    finite = is_finite(in.buf, self->net.n_inputs);
    if (finite) {
        ecg_net8_codes(&self->net, in.buf, self->codes);
        ecg_net8_run(&self->net, self->codes, output, self->arena);
        ecg_net8_values(&self->net, output, out.buf);
    } else {
        PyErr_SetString(PyExc_ValueError, "window holds NaN or infinity");
    }
    PyBuffer_Release(&in);
    PyBuffer_Release(&out);
    if (!finite)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *net8_run_codes(PyObject *object, PyObject *codes)
{
    Net8 *const self = (Net8 *)object;
    int8_t *const output = self->codes + self->net.n_inputs;
    Py_buffer in;
    if (ecg_borrow(codes, &in, 'b', self->net.n_inputs, 0) < 0)
        return NULL;
    ecg_net8_run(&self->net, in.buf, output, self->arena);
    PyBuffer_Release(&in);
    return PyBytes_FromStringAndSize((const char *)output, self->net.n_outputs);
}

static PyMethodDef methods[] = {
    {"run", net8_run, METH_VARARGS, "Fill the second array with the logits of the first, both of float32."},
    {"run_codes", net8_run_codes, METH_O, "Output codes, as bytes, of an int8 array of input codes."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)net8_new},
    {Py_tp_dealloc, (void *)net8_free},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)"An int8 network: Net8(layers, weights, bias, factors, sizes, input, output)."},
    {0, NULL},
};

static PyType_Spec spec = {"ecgedge._core.Net8", sizeof(Net8), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

typedef char ecg_row_is_a_layer[NUMBERS == NUMBERS_OF_LAYER || NUMBERS == NUMBERS_OF_LAYER + 1 ? 1 : -1];

int ecg_add_net8(PyObject *module)
{
    PyObject *const type = PyType_FromSpec(&spec);
    int failed;
    if (type == NULL)
        return -1;
    failed = PyModule_AddObjectRef(module, "Net8", type);
    Py_DECREF(type);
    return failed;
}
