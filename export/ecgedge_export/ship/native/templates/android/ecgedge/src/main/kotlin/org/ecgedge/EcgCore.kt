package org.ecgedge

import java.io.Closeable

/**
 * One wearer's stream: notifications of a wearable in, events and samples out, over any number of connections.
 *
 *     EcgCore(fs = 130.0, kind = EcgCore.Kind.POLAR, device = "Polar H10").use { core ->
 *         val said = core.receive(characteristic.value, SystemClock.elapsedRealtimeNanos() * 1e-9)
 *         said.lines.forEach { line -> show(JSONObject(line)) }
 *     }
 *
 * Threads may share it: calls wait for each other. Not a medical device.
 *
 * @param fs the wearable's nominal rate in Hz: one that the bundle was made for
 * @param kind what is received
 * @param device the name that notes carry
 * @throws IllegalArgumentException there is no setup for this rate
 */
class EcgCore @JvmOverloads constructor(fs: Double, kind: Kind = Kind.POLAR, device: String = "") : Closeable {

    /** What comes in: frames of Polar's, ecgedge's own frames, or samples that were decoded elsewhere. */
    enum class Kind(internal val code: Int) { SAMPLES(-1), POLAR(0), OWN(1) }

    /** Samples in mV that have found their place: [sample] is the index of the first one, lost ones counted. */
    class Block(val sample: Long, val millivolt: FloatArray, val fsHat: Double, val hostTimeS: Double)

    /** What a call led to. [isAnalysed] is false where the device's own rate is more than 10 % off [fs]. */
    class Said(val lines: List<String>, val blocks: List<Block>, val isAnalysed: Boolean)

    private var stream = EcgNative.create(fs, kind.code, device.toByteArray(Charsets.UTF_8))

    init {
        require(stream != 0L) { "no setup for $fs Hz: make the bundle with ecgedge-export bundle --fs $fs" }
    }

    /** Takes a notification of the data characteristic, and its arrival on a monotonic clock in seconds. */
    @Synchronized
    fun receive(notification: ByteArray, hostTimeS: Double): Said =
        collected { EcgNative.receive(open(), notification, hostTimeS, it) }

    /**
     * Takes samples in mV that were decoded elsewhere.
     *
     * @param sample index of the first one, lost ones counted; -1: they go on where those before ended
     * @param fsHat the rate that was measured so far, 0 where none was
     */
    @Synchronized
    @JvmOverloads
    fun samples(millivolt: FloatArray, sample: Long = -1, fsHat: Double = 0.0): Said =
        collected { EcgNative.samples(open(), sample, millivolt, fsHat, it) }

    /** Tells what is pending; what comes after it begins another segment. */
    @Synchronized
    fun finish(): Said = collected { EcgNative.finish(open(), it); 0 }

    /** Gives the memory back. Nothing may be called after it, but this again. */
    @Synchronized
    override fun close() {
        if (stream != 0L) EcgNative.destroy(stream)
        stream = 0L
    }

    private fun open(): Long {
        check(stream != 0L) { "this EcgCore was closed: make another one" }
        return stream
    }

    private fun collected(call: (EcgNative.Taker) -> Int): Said {
        val lines = ArrayList<String>()
        val blocks = ArrayList<Block>()
        val done = call(object : EcgNative.Taker {
            override fun line(line: String) {
                lines.add(line.trimEnd('\n'))
            }

            override fun block(sample: Long, millivolt: FloatArray, fsHat: Double, hostTimeS: Double) {
                blocks.add(Block(sample, millivolt, fsHat, hostTimeS))
            }
        })
        return Said(lines, blocks, done == 0)
    }
}
