package kldiv;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.LongConsumer;
import kldiv.Distribution.Family;
import kldiv.Options.Measure;

/** Prints the lines of bindings/bits.c. */
final class Bits {
    private static final int ROWS = 7;
    private static final int COLS = 37;
    private static final int COUNT = ROWS * COLS;
    private static final StringBuilder LINES = new StringBuilder();

    private Bits() {}

    // ---- inputs ----

    private static void draw(long seed, int n, LongConsumer to) {
        long state = seed;
        for (int i = 0; i < n; i++) {
            state += 0x9E3779B97F4A7C15L;
            long z = state;
            z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
            to.accept(z ^ (z >>> 31));
        }
    }

    private static double[] units(long seed, int n) {
        double[] x = new double[n];
        int[] i = {0};
        draw(seed, n, z -> x[i[0]++] = ((z >>> 11) + 1) * 0x1p-53);
        return x;
    }

    private static float[] floats(long seed, int n) {
        float[] x = new float[n];
        int[] i = {0};
        draw(seed, n, z -> x[i[0]++] = ((z >>> 40) + 1) * 0x1p-24f);
        return x;
    }

    private static double[] reals(long seed, int n) {
        double[] x = units(seed, n);
        for (int i = 0; i < n; i++) {
            x[i] = 16 * x[i] - 8;
        }
        return x;
    }

    private static long[] counts(long seed, int n) {
        long[] x = new long[n];
        int[] i = {0};
        draw(seed, n, z -> x[i[0]++] = z >>> 44);
        return x;
    }

    private static short[] halves(long seed, int n) {
        short[] x = new short[n];
        int[] i = {0};
        draw(seed, n, z -> x[i[0]++] = (short) ((z >>> 48) & 0x3bff));
        return x;
    }

    private static Matrix matrix(double[] data) {
        return Matrix.of(data, data.length / COLS, COLS);
    }

    private static Matrix matrix(float[] data) {
        return Matrix.of(data, data.length / COLS, COLS);
    }

    // ---- output ----

    private static void line(String label, double... numbers) {
        LINES.append(label);
        more(numbers);
        LINES.append('\n');
    }

    private static void more(double... numbers) {
        for (double x : numbers) {
            LINES.append(String.format(" %016x", Double.doubleToRawLongBits(x)));
        }
    }

    // ---- the rooms ----

    private static void vectorsAndRows() {
        Matrix p = matrix(units(5, COUNT));
        Matrix q = matrix(units(6, COUNT));
        double[] vector = units(2, COLS);
        line("kl", Kldiv.kl(units(1, COLS), vector));
        line("kl_f32", Kldiv.kl(floats(3, COLS), floats(4, COLS)));
        for (Measure measure : Measure.values()) {
            line("rows_measure_" + measure.ordinal(),
                Kldiv.rows(p, q, Options.builder().measure(measure).alpha(0.5).build()));
        }
        line("rows_f32", Kldiv.rows(matrix(floats(7, COUNT)), matrix(floats(8, COUNT))));
        line("rows_mixed_f32", Kldiv.rows(p, matrix(floats(8, COUNT))));
        for (Matrix.Type type : new Matrix.Type[] {Matrix.Type.F16, Matrix.Type.BF16}) {
            line("rows_" + type.toString().toLowerCase(java.util.Locale.ROOT),
                Kldiv.rows(Matrix.of(halves(9, COUNT), type, ROWS, COLS),
                    Matrix.of(halves(10, COUNT), type, ROWS, COLS)));
        }
        line("rows_counts", Kldiv.rows(Matrix.of(counts(11, COUNT), ROWS, COLS),
            Matrix.ofUnsigned(counts(12, COUNT), ROWS, COLS),
            Options.builder().normalization(Options.Normalization.NORMALIZE).smoothing(0.5).build()));
        line("rows_strided", Kldiv.rows(Matrix.of(units(5, COUNT), COLS, ROWS).transposed(),
            Matrix.row(vector).strided(ROWS, COLS, 0, -1, COLS - 1)));
        line("mean", Kldiv.reduce(p, q, Options.builder().reduction(Options.Reduction.MEAN).base(2)
            .mask(new boolean[] {true, false, true, true, false, true, true}).weights(units(13, ROWS)).build()));

        Options jeffreys = Options.builder().measure(Measure.JEFFREYS).build();
        double[] terms = new double[COUNT];
        Kldiv.terms(p, q, jeffreys, matrix(terms));
        line("terms", terms);
        float[] narrow = new float[COUNT];
        Kldiv.terms(p, q, jeffreys, matrix(narrow));
        LINES.append("terms_to_f32");
        for (float x : narrow) {
            LINES.append(String.format(" %08x", Float.floatToRawIntBits(x)));
        }
        LINES.append("\nexplain");
        for (Term t : Kldiv.explain(Matrix.row(units(1, COLS)), Matrix.row(vector),
            Options.builder().normalization(Options.Normalization.NORMALIZE).build())) {
            more(t.p(), t.q(), t.ratio(), t.logRatio(), t.contribution(), t.share());
        }
        LINES.append('\n');
    }

    private static void allPairs() {
        Matrix p = matrix(units(5, COUNT));
        Matrix q = matrix(units(20, 5 * COLS));
        line("pairwise", Kldiv.pairwise(p, q, null));
        Kldiv.Neighbours near = Kldiv.nearest(p, q, 3, null);
        LINES.append("nearest");
        for (int i = 0; i < ROWS * 3; i++) {
            LINES.append(String.format(" %016x", near.index(i / 3, i % 3)));
        }
        for (int i = 0; i < ROWS * 3; i++) {
            more(near.divergence(i / 3, i % 3));
        }
        LINES.append('\n');
    }

    private static void losses() {
        Matrix input = matrix(reals(14, COUNT));
        Matrix target = matrix(units(15, COUNT));
        Matrix logTarget = matrix(reals(16, COUNT));
        for (Options.Reduction reduction : Options.Reduction.values()) {
            line("loss_" + reduction.toString().toLowerCase(java.util.Locale.ROOT),
                Kldiv.loss(input, target, Options.builder().reduction(reduction).build()));
        }
        Options mean = Options.builder().reduction(Options.Reduction.BATCHMEAN).build();
        double[] out = new double[COUNT];
        double[] gradInput = new double[COUNT];
        double[] gradTarget = new double[COUNT];
        Kldiv.lossPointwise(input, target, mean, matrix(out));
        line("loss_pointwise", out);
        Kldiv.lossGrad(input, target, mean, null, matrix(gradInput), matrix(gradTarget));
        line("loss_grad_input", gradInput);
        line("loss_grad_target", gradTarget);
        Options log = mean.toBuilder().logTarget(true).build();
        line("loss_log_target", Kldiv.loss(input, logTarget, log));
        Kldiv.lossGrad(input, logTarget, log, Matrix.row(0.5), null, matrix(gradTarget));
        line("loss_log_target_grad", gradTarget);
    }

    private static void softmaxes() {
        int kept = 4;
        double[] upstream = units(13, ROWS);
        double[] gradA = new double[COUNT];
        double[] gradB = new double[COUNT];
        Matrix a = matrix(reals(17, COUNT));
        Matrix b = matrix(reals(18, COUNT));
        Options warm = Options.builder().temperature(2).build();
        line("logits", Kldiv.logits(a, b, warm));
        line("logits_grad", Kldiv.logitsGrad(a, b, warm, upstream, matrix(gradA), matrix(gradB)));
        line("logits_grad_a", gradA);
        line("logits_grad_b", gradB);
        line("logits_jensen_shannon",
            Kldiv.logits(a, b, warm.toBuilder().measure(Measure.JENSEN_SHANNON).jsWeight(0.25).build()));
        long[] indices = new long[ROWS * kept];
        for (int i = 0; i < indices.length; i++) {
            indices[i] = 9L * (i % kept) + i / kept;
        }
        line("logits_topk", Kldiv.logitsTopK(Matrix.of(reals(19, ROWS * kept), ROWS, kept), indices, b, warm, upstream,
            matrix(gradB)));
        line("logits_topk_grad_b", gradB);
    }

    private static void families(String label, Family p, Family q, int cols, Options options) {
        line(label, Kldiv.family(p, Matrix.of(units(21, ROWS * cols), ROWS, cols), q,
            Matrix.of(units(22, ROWS * cols), ROWS, cols), options));
    }

    private static void families() {
        families("family_normal", Family.NORMAL, Family.NORMAL, 2, null);
        families("family_normal_jeffreys", Family.NORMAL, Family.NORMAL, 2,
            Options.builder().measure(Measure.JEFFREYS).base(2).build());
        families("family_normal_laplace", Family.NORMAL, Family.LAPLACE, 2, null);
        families("family_dirichlet", Family.DIRICHLET, Family.DIRICHLET, 5, null);
        families("family_mvnormal_lowrank", Family.MVNORMAL_LOWRANK, Family.MVNORMAL_LOWRANK, 6,
            Options.builder().dim(2).build());
        double[] gradP = new double[ROWS * 2];
        double[] gradQ = new double[ROWS * 2];
        line("family_grad", Kldiv.familyGrad(Family.GAMMA, Matrix.of(units(21, ROWS * 2), ROWS, 2), Family.GAMMA,
            Matrix.of(units(22, ROWS * 2), ROWS, 2), null, units(13, ROWS), Matrix.of(gradP, ROWS, 2),
            Matrix.of(gradQ, ROWS, 2)));
        line("family_grad_p", gradP);
        line("family_grad_q", gradQ);
    }

    private static void posteriors() {
        Matrix mu = matrix(reals(25, COUNT));
        Matrix logvar = matrix(reals(26, COUNT));
        line("vae", Kldiv.vae(mu, logvar, null, null, null));
        double[][] grads = new double[4][COUNT];
        line("vae_prior", Kldiv.vaeGrad(mu, logvar, Matrix.repeat(reals(27, COLS), ROWS),
            Matrix.repeat(reals(28, COLS), ROWS), null, units(13, ROWS), matrix(grads[0]), matrix(grads[1]),
            matrix(grads[2]), matrix(grads[3])));
        String[] names = {"mu", "logvar", "prior_mu", "prior_logvar"};
        for (int i = 0; i < 4; i++) {
            line("vae_grad_" + names[i], grads[i]);
        }
    }

    private static void densitiesAndSamples() {
        Kldiv.Estimate integral = Kldiv.quadrature(x -> 2 * x, x -> 3 * x * x, 0, 1, new double[] {0.5}, null);
        line("quadrature", integral.value(), integral.error());
        line("knn", Kldiv.knn(Matrix.of(reals(29, 40 * 3), 40, 3), Matrix.of(reals(30, 50 * 3), 50, 3), 2, null));
        Kldiv.Estimate estimate = Kldiv.monteCarlo(reals(31, 100), reals(32, 100),
            Options.builder().estimator(Options.Estimator.K3).build());
        line("monte_carlo", estimate.value(), estimate.error());
    }

    private static Partial part(int from, int to) {
        Matrix p = matrix(units(5, COUNT)).strided(to - from, COLS, COLS, 1, from * COLS);
        Matrix q = matrix(units(6, COUNT)).strided(to - from, COLS, COLS, 1, from * COLS);
        return new Partial(Options.builder().measure(Measure.JEFFREYS).build()).update(p, q);
    }

    private static void parts() {
        Partial state = part(0, 3).merge(part(3, ROWS));
        line("partial",
            state.value(Options.builder().normalization(Options.Normalization.NORMALIZE).build()));
        LINES.append("partial_state");
        ByteBuffer words = ByteBuffer.wrap(state.toBytes()).order(ByteOrder.LITTLE_ENDIAN);
        while (words.hasRemaining()) {
            LINES.append(String.format(" %016x", words.getLong()));
        }
        LINES.append('\n');
    }

    public static void main(String[] arguments) {
        vectorsAndRows();
        allPairs();
        losses();
        softmaxes();
        families();
        posteriors();
        densitiesAndSamples();
        parts();
        System.out.print(LINES);
    }
}
