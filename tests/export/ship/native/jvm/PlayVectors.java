package org.ecgedge;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Plays cases of the golden vectors through the JNI layer: java org.ecgedge.PlayVectors FOLDER... */
final class PlayVectors {
    /** What came. */
    private static class Collector implements EcgNative.Taker {
        final List<String> lines = new ArrayList<>();
        int samples;

        @Override
        public void line(String line) {
            lines.add(line);
        }

        @Override
        public void block(long sample, float[] millivolt, double fsHat, double hostTimeS) {
            samples += millivolt.length;
        }
    }

    private static String text(String json, String key) {
        Matcher found = Pattern.compile("\"" + key + "\": \"([^\"]*)\"").matcher(json);
        return found.find() ? found.group(1) : "";
    }

    private static double number(String json, String key) {
        Matcher found = Pattern.compile("\"" + key + "\": ([-0-9.e]+)").matcher(json);
        return found.find() ? Double.parseDouble(found.group(1)) : 0.0;
    }

    private static byte[] bytes(String hex) {
        byte[] data = new byte[hex.length() / 2];
        for (int i = 0; i < data.length; i++) data[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        return data;
    }

    private static long created(String about) {
        int kind = text(about, "link").equals("polar") ? 0 : text(about, "link").equals("ecgedge") ? 1 : -1;
        return EcgNative.create(number(about, "fs"), kind, text(about, "device").getBytes(StandardCharsets.UTF_8));
    }

    private static void play(Path folder) throws Exception {
        String about = Files.readString(folder.resolve("about.json"));
        long stream = created(about);
        Collector found = new Collector();
        for (String frame : Files.readAllLines(folder.resolve("frames.jsonl")))
            if (!text(frame, "hex").isEmpty() && text(frame, "uuid").equals(text(about, "data_uuid")))
                EcgNative.receive(stream, bytes(text(frame, "hex")), number(frame, "host_time_s"), found);
        EcgNative.finish(stream, found);
        EcgNative.destroy(stream);
        String said = String.join("", found.lines), wanted = Files.readString(folder.resolve("events.jsonl"));
        System.out.println(folder.getFileName() + ": " + found.lines.size() + " lines and " + found.samples
            + " samples, " + (said.equals(wanted) ? "the same" : "DIFFERENT"));
    }

    /** What throws in a Taker comes out of the call, and the stream lives on. */
    private static void throwing() {
        long stream = EcgNative.create(130.0, -1, new byte[0]);
        EcgNative.Taker taker = new Collector() {
            @Override
            public void line(String line) {
                throw new IllegalStateException("as planned");
            }
        };
        try {
            EcgNative.samples(stream, 0, new float[4000], 0.0, taker);
            EcgNative.finish(stream, taker);
            System.out.println("nothing was thrown");
        } catch (IllegalStateException expected) {
            System.out.println("thrown: " + expected.getMessage());
        }
        EcgNative.destroy(stream);
    }

    private static void refusing() {
        long stream = EcgNative.create(130.0, -1, new byte[0]);
        Collector found = new Collector();
        System.out.println("refused: " + EcgNative.create(131.0, 0, new byte[0]) + " "
            + EcgNative.create(130.0, 7, new byte[0]) + " " + EcgNative.samples(stream, -2, new float[3], 0.0, found) + " "
            + EcgNative.receive(stream, new byte[1000], 0.0, found));
        EcgNative.destroy(stream);
        for (int i = 0; i < 300; i++) EcgNative.destroy(EcgNative.create(130.0, 0, new byte[100]));
    }

    public static void main(String[] folders) throws Exception {
        for (String folder : folders) play(Path.of(folder));
        throwing();
        refusing();
    }
}
