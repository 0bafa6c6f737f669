package org.ecgedge

import java.io.File

/** Plays cases of the golden vectors through EcgCore, and looks at its life. */
fun main(folders: Array<String>) {
    for (folder in folders) {
        val difference = GoldenVectors { name -> File(folder, name).readText() }.firstDifference()
        println("${File(folder).name}: ${difference ?: "the same"}")
    }
    val core = EcgCore(130.0, EcgCore.Kind.SAMPLES)
    val flat = core.samples(FloatArray(1300))
    println("analysed: ${flat.isAnalysed}, ${core.finish().lines.size} lines, ${core.samples(FloatArray(3), 1, 90.0).isAnalysed}")
    core.close()
    core.close()
    for (attempt in listOf<() -> Any>({ core.finish() }, { EcgCore(131.0) })) {
        try {
            println(attempt())
        } catch (refused: Exception) {
            println("${refused.javaClass.simpleName}: ${refused.message}")
        }
    }
}
