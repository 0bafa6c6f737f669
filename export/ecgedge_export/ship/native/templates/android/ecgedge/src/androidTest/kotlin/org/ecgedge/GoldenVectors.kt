package org.ecgedge

/** Plays a case of the golden vectors. Knows nothing of Android. */
class GoldenVectors(private val read: (String) -> String) {

    /** The first line that is not the same, or null where all are. */
    fun firstDifference(): String? {
        val about = read("about.json")
        val kind = if (text(about, "link") == "polar") EcgCore.Kind.POLAR else EcgCore.Kind.OWN
        val found = ArrayList<String>()
        EcgCore(number(about, "fs"), kind, text(about, "device")!!).use { core ->
            for (frame in read("frames.jsonl").lineSequence()) {
                val hex = text(frame, "hex")
                if (hex == null || text(frame, "uuid") != text(about, "data_uuid")) continue
                found += core.receive(bytes(hex), number(frame, "host_time_s")).lines
            }
            found += core.finish().lines
        }
        val wanted = read("events.jsonl").trimEnd('\n').lineSequence().toList()
        if (found == wanted) return null
        val at = found.zip(wanted).indexOfFirst { it.first != it.second }
        return if (at < 0) "${found.size} lines, wanted ${wanted.size}" else "line ${at + 1}: ${found[at]}\n${wanted[at]}"
    }

    private fun text(json: String, key: String): String? = Regex("\"$key\": \"([^\"]*)\"").find(json)?.groupValues?.get(1)

    private fun number(json: String, key: String): Double =
        Regex("\"$key\": ([-0-9.e]+)").find(json)!!.groupValues[1].toDouble()

    private fun bytes(hex: String) = ByteArray(hex.length / 2) { hex.substring(2 * it, 2 * it + 2).toInt(16).toByte() }
}
