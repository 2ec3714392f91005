package kldiv;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.lang.reflect.Method;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import kldiv.Options.Measure;
import kldiv.Options.Normalization;
import org.junit.Test;

/** Holds the binding to testdata's tables, with the tolerances of its README. */
public final class TablesTest {
    // ---- reading ----

    private static List<JsonObject> table(String name) throws IOException {
        String folder = System.getProperty("kldiv.testdata", "../../testdata");
        List<JsonObject> cases = new ArrayList<>();
        for (JsonElement c : JsonParser.parseString(Files.readString(Path.of(folder, name))).getAsJsonArray()) {
            cases.add(c.getAsJsonObject());
        }
        assertTrue(!cases.isEmpty());
        return cases;
    }

    private static double number(JsonElement x) {
        if (x.isJsonNull()) {
            return Double.NaN;
        }
        String text = x.getAsString();
        return text.equals("nan") ? Double.NaN : Double.parseDouble(text.replace("inf", "Infinity"));
    }

    /** Numbers one after the other: rows may be arrays of their own. Null is NaN. */
    private static double[] numbers(JsonElement x) {
        if (!x.isJsonArray()) {
            return new double[] {number(x)};
        }
        List<double[]> parts = new ArrayList<>();
        int count = 0;
        for (JsonElement part : x.getAsJsonArray()) {
            parts.add(numbers(part));
            count += parts.get(parts.size() - 1).length;
        }
        double[] all = new double[count];
        int at = 0;
        for (double[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }

    private static float[] floats(double[] x) {
        float[] y = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = (float) x[i];
        }
        return y;
    }

    private static String text(JsonObject c, String field) {
        return c.get(field).getAsString();
    }

    private static boolean isF32(JsonObject c) {
        return text(c, "dtype").equals("f32");
    }

    private static Matrix matrix(JsonObject c, String field, int rows, int cols) {
        double[] data = numbers(c.get(field));
        return c.has("dtype") && isF32(c) ? Matrix.of(floats(data), rows, cols) : Matrix.of(data, rows, cols);
    }

    // ---- judging ----

    private static double u(JsonObject c) {
        return isF32(c) ? 0x1p-24 : 0x1p-53;
    }

    private static double tiny(JsonObject c) {
        return isF32(c) ? 0x1p-149 : Double.MIN_VALUE;
    }

    /** Each value within a tolerance of its own; what is undefined is NaN, and passed over. */
    private static void near(String what, double[] got, double[] want, IntToDoubleFunction tolerance) {
        assertEquals(what, want.length, got.length);
        for (int i = 0; i < want.length; i++) {
            double w = want[i];
            boolean within = Double.isInfinite(w) || Double.isInfinite(got[i]) ? got[i] == w
                : Math.abs(got[i] - w) <= tolerance.applyAsDouble(i);
            if (!Double.isNaN(w) && !within) {
                fail(what + " [" + i + "]: got " + got[i] + ", want " + w + " within " + tolerance.applyAsDouble(i));
            }
        }
    }

    private static Options measure(Measure measure) {
        return Options.builder().measure(measure).build();
    }

    // ---- the tables ----

    @Test
    public void everyMeasureIsWithinItsTolerance() throws IOException {
        Map<String, Options> fields = new LinkedHashMap<>();
        fields.put("kl", null);
        fields.put("generalized", measure(Measure.GENERALIZED));
        fields.put("reverse", measure(Measure.REVERSE));
        fields.put("jensen_shannon", measure(Measure.JENSEN_SHANNON));
        fields.put("jeffreys", measure(Measure.JEFFREYS));
        fields.put("entropy", measure(Measure.ENTROPY));
        fields.put("cross_entropy", measure(Measure.CROSS_ENTROPY));
        fields.put("renyi_0_5", Options.builder().measure(Measure.RENYI).alpha(0.5).build());
        fields.put("renyi_2", Options.builder().measure(Measure.RENYI).alpha(2).build());
        for (JsonObject c : table("discrete.json")) {
            int n = c.get("n").getAsInt();
            Matrix p = matrix(c, "p", 1, n);
            Matrix q = matrix(c, "q", 1, n);
            boolean subnormal = c.get("tags").toString().contains("\"subnormal\"");
            fields.forEach((field, options) -> {
                double k = subnormal && field.startsWith("renyi") ? 64 : 16;
                double mag = number(c.getAsJsonObject("mag").get(field));
                double got = Kldiv.reduce(p, q, options);
                near(text(c, "name") + " " + field, new double[] {got}, numbers(c.getAsJsonObject("expect").get(field)),
                    i -> k * u(c) * mag + (n + 2) * tiny(c));
                assertTrue(Kldiv.rows(p, q, options)[0] == got);
            });
            double[] x = numbers(c.get("p"));
            double[] y = numbers(c.get("q"));
            assertTrue(Kldiv.reduce(p, q, null) == (isF32(c) ? Kldiv.kl(floats(x), floats(y)) : Kldiv.kl(x, y)));
        }
    }

    @Test
    public void invalidInputsAreRefusedAndTheCulpritNamed() throws IOException {
        Map<String, Status> statuses = Map.of("negative", Status.NEGATIVE, "nan", Status.NAN, "infinite",
            Status.INFINITE, "length_mismatch", Status.SHAPE_MISMATCH, "empty", Status.EMPTY);
        for (JsonObject c : table("invalid.json")) {
            double[] p = numbers(c.get("p"));
            double[] q = numbers(c.get("q"));
            JsonObject expect = c.getAsJsonObject("expect");
            List<Runnable> calls = List.of(
                () -> Kldiv.reduce(matrix(c, "p", 1, p.length), matrix(c, "q", 1, q.length), null),
                () -> Kldiv.rows(matrix(c, "p", 1, p.length), matrix(c, "q", 1, q.length)),
                () -> {
                    if (isF32(c)) {
                        Kldiv.kl(floats(p), floats(q));
                    } else {
                        Kldiv.kl(p, q);
                    }
                });
            for (Runnable call : calls) {
                KldivException e = assertThrows(text(c, "name"), KldivException.class, call::run);
                JsonArray any = new JsonArray();
                any.add(expect.get("error"));
                boolean fits = false;
                for (JsonElement name : expect.has("error_any_of") ? expect.getAsJsonArray("error_any_of") : any) {
                    fits |= statuses.get(name.getAsString()) == e.status();
                }
                assertTrue(text(c, "name") + ": " + e.status() + " " + e.getMessage(), fits);
                assertTrue(!e.getMessage().isEmpty());
                if (expect.has("argument") && expect.has("index")) {
                    int operand = text(expect, "argument").equals("p") ? 0 : 1;
                    int index = expect.get("index").getAsInt();
                    assertEquals(text(c, "name"), operand, e.operand());
                    assertEquals(0, e.row());
                    assertEquals(text(c, "name"), index, e.col());
                    assertEquals((operand == 0 ? p : q)[index], e.value(), 0);
                    assertTrue(Double.isNaN(e.results()[0]));
                }
            }
        }
    }

    @Test
    public void countsAreSmoothed() throws IOException {
        int skipped = 0;
        for (JsonObject c : table("counts.json")) {
            long[][] counts = new long[2][];
            boolean representable = true;
            for (int side = 0; side < 2; side++) {
                JsonArray given = c.getAsJsonArray(side == 0 ? "p_counts" : "q_counts");
                counts[side] = new long[given.size()];
                for (int i = 0; i < given.size(); i++) {
                    BigInteger n = new BigInteger(given.get(i).getAsString());
                    counts[side][i] = n.longValue();
                    representable &= new java.math.BigDecimal(n.doubleValue()).toBigInteger().equals(n);
                }
            }
            if (!representable) {
                skipped++;
                continue;
            }
            int n = counts[0].length;
            boolean near = text(c, "name").matches("(near_equal|proportional_smoothed|large_counts).*");
            Map<String, Measure> fields = Map.of("kl", Measure.KL, "kl_reverse", Measure.REVERSE, "psi",
                Measure.JEFFREYS, "js", Measure.JENSEN_SHANNON);
            fields.forEach((field, measure) -> {
                double[] want = numbers(c.getAsJsonObject("expect").get(field));
                double got = Kldiv.reduce(Matrix.ofUnsigned(counts[0], 1, n), Matrix.ofUnsigned(counts[1], 1, n),
                    Options.builder().measure(measure).normalization(Normalization.NORMALIZE)
                        .smoothing(c.get("alpha").getAsDouble()).build());
                near(text(c, "name") + " " + field, new double[] {got}, want,
                    i -> (near ? 1e-10 : 1e-14) * Math.abs(want[0]));
            });
        }
        assertTrue(skipped <= 2);
    }

    @Test
    public void allPairsAreWithinTheirTolerance() throws IOException {
        for (JsonObject c : table("pairwise.json")) {
            int m = c.get("m").getAsInt();
            int k = c.get("k").getAsInt();
            int d = c.get("d").getAsInt();
            Matrix p = matrix(c, "p", m, d);
            Matrix q = matrix(c, "q", k, d);
            double[] got = Kldiv.pairwise(p, q, null);
            double[] mag = numbers(c.getAsJsonObject("mag").get("kl"));
            near(text(c, "name"), got, numbers(c.getAsJsonObject("expect").get("kl")),
                i -> 16 * u(c) * mag[i] + (d + 2) * tiny(c));
            Kldiv.Neighbours near = Kldiv.nearest(p, q, k, null);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < k; j++) {
                    assertTrue(near.divergence(i, j) == got[i * k + near.index(i, j)]);
                    assertTrue(j == 0 || near.divergence(i, j - 1) <= near.divergence(i, j));
                }
            }
        }
    }

    @Test
    public void lossesAndTheirGradientsAreWithinTheirTolerance() throws IOException {
        for (JsonObject c : table("kldivloss.json")) {
            int rows = c.get("rows").getAsInt();
            int cols = c.get("cols").getAsInt();
            boolean log = c.get("log_target").getAsBoolean();
            Matrix input = matrix(c, "input", rows, cols);
            Matrix target = matrix(c, "target", rows, cols);
            JsonObject expect = c.getAsJsonObject("expect");
            Options options = null;
            for (Options.Reduction reduction : Options.Reduction.values()) {
                options = Options.builder().reduction(reduction).logTarget(log).build();
                String name = reduction.toString().toLowerCase(java.util.Locale.ROOT);
                double mag = number(c.getAsJsonObject("mag").get(name));
                near(text(c, "name") + " " + name, new double[] {Kldiv.loss(input, target, options)},
                    numbers(expect.get(name)), i -> 16 * u(c) * mag + (rows * cols + 2) * tiny(c));
            }
            double[] x = numbers(c.get("target"));
            double[] y = numbers(c.get("input"));
            double[] out = new double[rows * cols];
            double[] gradInput = new double[rows * cols];
            double[] gradTarget = new double[rows * cols];
            Kldiv.lossPointwise(input, target, options, Matrix.of(out, rows, cols));
            Kldiv.lossGrad(input, target, options, null, Matrix.of(gradInput, rows, cols), // still of BATCHMEAN
                Matrix.of(gradTarget, rows, cols));
            double[] ofInput = numbers(expect.get("grad_input"));
            near(text(c, "name") + " none", out, numbers(expect.get("none")),
                i -> 16 * u(c) * elementMag(x[i], y[i], log, 0) + 3 * tiny(c));
            near(text(c, "name") + " grad_input", gradInput, ofInput,
                i -> 16 * u(c) * Math.abs(ofInput[i]) + 3 * tiny(c));
            near(text(c, "name") + " grad_target", gradTarget, numbers(expect.get("grad_target")),
                i -> 16 * u(c) * elementMag(x[i], y[i], log, 1) + 3 * tiny(c));
        }
    }

    /** What is subtracted in a single element, or in its gradient; where that is no number, nothing is. */
    private static double elementMag(double target, double input, boolean log, int gradient) {
        double mag = target * (Math.abs(Math.log(target)) + Math.abs(input));
        if (log) {
            mag = Math.exp(target) * (Math.abs(target - input) + gradient);
        } else if (gradient > 0) {
            mag = Math.abs(Math.log(target)) + Math.abs(input) + 1;
        }
        return Double.isFinite(mag) ? mag : 0;
    }

    @Test
    public void softmaxesAndTheirGradientsAreWithinTheirTolerance() throws IOException {
        for (JsonObject c : table("logits.json")) {
            int rows = c.get("rows").getAsInt();
            int cols = c.get("cols").getAsInt();
            Matrix a = matrix(c, "a", rows, cols);
            Matrix b = matrix(c, "b", rows, cols);
            Options options = Options.builder().temperature(c.get("T").getAsDouble()).build();
            double[] gradA = new double[rows * cols];
            double[] gradB = new double[rows * cols];
            Map<String, double[]> got = new LinkedHashMap<>();
            got.put("kl", Kldiv.logitsGrad(a, b, options, null, Matrix.of(gradA, rows, cols),
                Matrix.of(gradB, rows, cols)));
            got.put("kl_reverse", Kldiv.logits(a, b, options.toBuilder().measure(Measure.REVERSE).build()));
            got.put("grad_a", gradA);
            got.put("grad_b", gradB);
            got.forEach((field, values) -> {
                double[] mag = numbers(c.getAsJsonObject("mag").get(field));
                int each = field.startsWith("grad") ? cols : 1;
                near(text(c, "name") + " " + field, values, numbers(c.getAsJsonObject("expect").get(field)),
                    i -> 16 * u(c) * mag[i / each] + (cols + 2) * tiny(c));
            });
        }
    }

    @Test
    public void posteriorsAndTheirGradientsAreWithinTheirTolerance() throws IOException {
        String[] names = {"mu", "logvar", "prior_mu", "prior_logvar"};
        for (JsonObject c : table("vae.json")) {
            int rows = c.get("rows").getAsInt();
            int dims = c.get("dims").getAsInt();
            Matrix[] inputs = new Matrix[4];
            double[][] grads = new double[4][rows * dims];
            for (int i = 0; i < 4; i++) {
                inputs[i] = c.has(names[i]) ? matrix(c, names[i], rows, dims) : null;
            }
            double relative = inputs[2] != null && text(c, "name").contains("near") ? 1e-12 : 4e-15;
            double[] got = Kldiv.vaeGrad(inputs[0], inputs[1], inputs[2], inputs[3], null, null,
                Matrix.of(grads[0], rows, dims), Matrix.of(grads[1], rows, dims), Matrix.of(grads[2], rows, dims),
                Matrix.of(grads[3], rows, dims));
            JsonObject expect = c.getAsJsonObject("expect");
            double[] want = numbers(expect.get("kl_rows"));
            near(text(c, "name"), got, want, i -> relative * Math.abs(want[i]) + (dims + 2) * Double.MIN_VALUE);
            for (int j = 0; j < 4; j++) {
                JsonElement given = expect.getAsJsonObject("grad_sum").get(names[j]);
                if (given != null) {
                    double[] wanted = numbers(given);
                    near(text(c, "name") + " " + names[j], grads[j], wanted,
                        i -> relative * Math.abs(wanted[i]) + (dims + 2) * Double.MIN_VALUE);
                }
            }
        }
    }

    /** Calls the family's own function, with its parameters in the table's order. */
    private static Distribution distribution(JsonObject side) throws ReflectiveOperationException {
        JsonObject params = side.getAsJsonObject("params");
        String name = text(side, "family");
        Map<String, String> forms = Map.of("logits", "logits", "scale_tril", "tril", "precision_matrix", "precision",
            "scale_diag", "diag", "cov_factor", "lowrank");
        List<Object> all = new ArrayList<>();
        for (Map.Entry<String, JsonElement> param : params.entrySet()) {
            name += forms.getOrDefault(param.getKey(), "");
            JsonElement value = param.getValue();
            all.add(value.isJsonArray() ? (Object) numbers(value) : (Object) number(value));
        }
        if (params.has("cov_factor")) {
            all = List.of(numbers(params.get("loc")), numbers(params.get("cov_diag")),
                numbers(params.get("cov_factor")));
        }
        for (Method method : Distribution.class.getMethods()) {
            if (method.getName().equalsIgnoreCase(name)) {
                return (Distribution) method.invoke(null, all.toArray());
            }
        }
        throw new AssertionError("a family without a function: " + name);
    }

    @Test
    public void familiesAreWithinTheirTolerance() throws IOException, ReflectiveOperationException {
        for (JsonObject c : table("continuous.json")) {
            double relative = text(c, "tag").equals("near") ? 1e-12
                : text(c, "source").startsWith("quadrature") ? 1e-9 : 1e-13;
            double got = distribution(c.getAsJsonObject("p")).kl(distribution(c.getAsJsonObject("q")));
            double[] want = numbers(c.getAsJsonObject("expect").get("kl"));
            near(text(c, "name"), new double[] {got}, want, i -> relative * want[0]);
            assertTrue(got >= 0);
        }
    }

    @Test
    public void estimatesAreThoseOfTheTable() throws IOException {
        Map<String, JsonObject> data = new LinkedHashMap<>();
        for (JsonObject c : table("samples.json")) {
            data.put(text(c, "name"), c);
        }
        int seen = 0;
        for (JsonObject c : table("samples.json")) {
            JsonElement kl = c.has("expect") ? c.getAsJsonObject("expect").get("kl") : null;
            if (text(c, "kind").equals("knn") && kl != null) {
                JsonObject from = data.get(text(c, "x_ref"));
                int d = from.get("d").getAsInt();
                double got = Kldiv.knn(matrix(from, "x", from.get("n").getAsInt(), d),
                    matrix(from, "y", from.get("m").getAsInt(), d), c.get("k").getAsInt(), null);
                near(text(c, "name"), new double[] {got}, numbers(kl), i -> 1e-12);
                seen++;
            } else if (text(c, "kind").equals("k123")) {
                double[] logP = numbers(c.get("logp"));
                double[] logQ = numbers(c.get("logq"));
                double largest = 0;
                for (int i = 0; i < logP.length; i++) {
                    largest = Math.max(largest, Double.isInfinite(logQ[i]) ? 0 : Math.abs(logP[i] - logQ[i]));
                }
                for (Options.Estimator estimator : Options.Estimator.values()) {
                    JsonObject want = c.getAsJsonObject("expect")
                        .getAsJsonObject(estimator.toString().toLowerCase(java.util.Locale.ROOT));
                    Kldiv.Estimate got = Kldiv.monteCarlo(logP, logQ, Options.builder().estimator(estimator).build());
                    double mean = number(want.get("mean"));
                    double error = want.has("standard_error") ? number(want.get("standard_error")) : Double.NaN;
                    double absolute = estimator == Options.Estimator.K1 ? 1e-15 * largest : 0;
                    near(text(c, "name"), new double[] {got.value(), got.error()}, new double[] {mean, error},
                        i -> i == 0 ? Math.max(1e-13 * Math.abs(mean), absolute) : 1e-13 * Math.abs(error));
                    seen++;
                }
            }
        }
        assertTrue(seen > 30);
    }
}
