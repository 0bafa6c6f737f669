package org.ecgedge

import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import org.junit.Assert.assertNull
import org.junit.Test
import org.junit.runner.RunWith

@RunWith(AndroidJUnit4::class)
class GoldenVectorsTest {
    private val assets = InstrumentationRegistry.getInstrumentation().context.assets

    private fun check(case: String) = assertNull(
        GoldenVectors { name -> assets.open("$case/$name").bufferedReader().readText() }.firstDifference()
    )

    @Test fun polar() = check("polar")

    @Test fun ownFrames() = check("ecgedge")
}
