package org.ecgedge;

/** What ecgedge_jni.c has. Use EcgCore, which looks after memory and threads. */
final class EcgNative {
    static {
        System.loadLibrary("ecgedge_jni");
    }

    private EcgNative() {}

    /** Is told what a call led to, before the call returns. */
    interface Taker {
        /** An event: a line of JSON, as events.schema.json describes it. */
        void line(String line);

        /** Samples that have found their place. */
        void block(long sample, float[] millivolt, double fsHat, double hostTimeS);
    }

    /** A stream, 0 where there is no setup for this rate, no such kind, or no memory. */
    static native long create(double fs, int kind, byte[] device);

    /** 0, or -1 where the device's rate is more than 10 % off. */
    static native int receive(long stream, byte[] data, double hostTimeS, Taker taker);

    /** 0, or -1 where the index is none, or the rate is more than 10 % off. */
    static native int samples(long stream, long sample, float[] millivolt, double fsHat, Taker taker);

    static native void finish(long stream, Taker taker);

    static native void destroy(long stream);
}
