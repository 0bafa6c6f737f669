/* org.ecgedge.EcgNative: the native core for Java and Kotlin. A wearer's stream is a number, 0 where there is none;
 * lines and blocks are told to the Taker of the call at hand. One stream serves one thread at a time. */
#include <jni.h>
#include <stdlib.h>
#include <string.h>

#include "ecg_phone.h"
#include "ecg_setup.h"

struct stream {
    struct ecg_phone *phone;
    double *memory;
    JNIEnv *env; /* of the call at hand */
    jobject taker;
};

static jmethodID line_method, block_method;

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved)
{
    JNIEnv *env;
    jclass taker;
    (void)reserved;
    if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_1_6) != JNI_OK)
        return JNI_ERR;
    taker = (*env)->FindClass(env, "org/ecgedge/EcgNative$Taker");
    if (taker == NULL)
        return JNI_ERR;
    line_method = (*env)->GetMethodID(env, taker, "line", "(Ljava/lang/String;)V");
    block_method = (*env)->GetMethodID(env, taker, "block", "(J[FDD)V");
    return line_method != NULL && block_method != NULL ? JNI_VERSION_1_6 : JNI_ERR;
}

/* Where a Taker has thrown, nothing more is told: its exception comes out of the call. */
static int has_thrown(const struct stream *stream)
{
    return (*stream->env)->ExceptionCheck(stream->env);
}

static void take_line(void *context, const struct ecg_event *event, const char *line, size_t length)
{
    struct stream *const stream = context;
    JNIEnv *const env = stream->env;
    jstring text;
    (void)event;
    (void)length;
    if (has_thrown(stream))
        return;
    text = (*env)->NewStringUTF(env, line); /* ASCII throughout */
    if (text == NULL)
        return;
    (*env)->CallVoidMethod(env, stream->taker, line_method, text);
    (*env)->DeleteLocalRef(env, text);
}

static void take_block(void *context, const struct ecg_block *block)
{
    struct stream *const stream = context;
    JNIEnv *const env = stream->env;
    jfloatArray samples;
    if (has_thrown(stream))
        return;
    samples = (*env)->NewFloatArray(env, block->count);
    if (samples == NULL)
        return;
    (*env)->SetFloatArrayRegion(env, samples, 0, block->count, block->millivolt);
    (*env)->CallVoidMethod(env, stream->taker, block_method, (jlong)block->sample, samples, block->fs_hat,
        block->host_time_s);
    (*env)->DeleteLocalRef(env, samples);
}

static struct stream *begin(JNIEnv *env, jlong handle, jobject taker)
{
    struct stream *const stream = (struct stream *)(intptr_t)handle;
    stream->env = env;
    stream->taker = taker;
    return stream;
}

JNIEXPORT jlong JNICALL Java_org_ecgedge_EcgNative_create(JNIEnv *env, jclass self, jdouble fs, jint kind,
    jbyteArray device)
{
    const struct ecg_setup *const setup = ecg_setup_for(fs);
    struct ecg_phone_takes takes = {NULL, take_line, take_block};
    char name[256] = "";
    jsize length = (*env)->GetArrayLength(env, device);
    struct stream *stream;
    size_t bytes;
    (void)self;
    if (setup == NULL)
        return 0;
    length = length < (jsize)sizeof name - 1 ? length : (jsize)sizeof name - 1;
    (*env)->GetByteArrayRegion(env, device, 0, length, (jbyte *)name);
    bytes = ecg_phone_bytes(setup);
    stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return 0;
    takes.context = stream;
    stream->memory = malloc(bytes);
    stream->phone = ecg_phone_init(setup, kind, name, stream->memory, stream->memory != NULL ? bytes : 0, takes);
    if (stream->phone == NULL) {
        free(stream->memory);
        free(stream);
        return 0;
    }
    return (jlong)(intptr_t)stream;
}

JNIEXPORT jint JNICALL Java_org_ecgedge_EcgNative_receive(JNIEnv *env, jclass self, jlong handle, jbyteArray data,
    jdouble host_time_s, jobject taker)
{
    struct stream *const stream = begin(env, handle, taker);
    const jsize length = (*env)->GetArrayLength(env, data);
    jbyte bytes[ECG_NOTIFICATION_MOST + 1]; /* what is longer is a lost frame, whatever is in it */
    const jsize taken = length < (jsize)sizeof bytes ? length : (jsize)sizeof bytes;
    (void)self;
    (*env)->GetByteArrayRegion(env, data, 0, taken, bytes);
    return ecg_phone_receive(stream->phone, (const uint8_t *)bytes, (size_t)taken, host_time_s);
}

JNIEXPORT jint JNICALL Java_org_ecgedge_EcgNative_samples(JNIEnv *env, jclass self, jlong handle, jlong sample,
    jfloatArray millivolt, jdouble fs_hat, jobject taker)
{
    struct stream *const stream = begin(env, handle, taker);
    const jsize count = (*env)->GetArrayLength(env, millivolt);
    jfloat *const values = (*env)->GetFloatArrayElements(env, millivolt, NULL);
    jint done;
    (void)self;
    if (values == NULL)
        return -1;
    done = ecg_phone_samples(stream->phone, sample, values, count, fs_hat);
    (*env)->ReleaseFloatArrayElements(env, millivolt, values, JNI_ABORT);
    return done;
}

JNIEXPORT void JNICALL Java_org_ecgedge_EcgNative_finish(JNIEnv *env, jclass self, jlong handle, jobject taker)
{
    (void)self;
    ecg_phone_finish(begin(env, handle, taker)->phone);
}

JNIEXPORT void JNICALL Java_org_ecgedge_EcgNative_destroy(JNIEnv *env, jclass self, jlong handle)
{
    struct stream *const stream = (struct stream *)(intptr_t)handle;
    (void)env;
    (void)self;
    free(stream->memory);
    free(stream);
}
