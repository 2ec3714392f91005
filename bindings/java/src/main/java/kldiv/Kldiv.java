package kldiv;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import kldiv.Distribution.Family;

/**
 * The Kullback-Leibler divergence and its relatives, by libkldiv.
 *
 * <pre>{@code double nats = Kldiv.kl(new double[] {0.5, 0.5}, new double[] {0.7, 0.3}); // 0.0872}</pre>
 *
 * <p>P comes first, Q second. 0 ln(0 / q) is 0; where q is 0 and p is not, the divergence is infinite: that is an
 * answer, not an error. Results are in nats unless a base is chosen. Negative, NaN and infinite probabilities are
 * errors, which name the operand, row and column: {@link KldivException}. All functions may be called from any thread.
 * Options may be null, for the defaults; what is said not to be wanted is null.
 */
public final class Kldiv {
    private Kldiv() {}

    /** The version of the library that runs: major * 10000 + minor * 100 + patch. */
    public static int version() {
        return Library.kldiv_version();
    }

    /** The instruction set whose kernels run on this machine. Results do not depend on it. */
    public static String activeIsa() {
        return Library.kldiv_active_isa();
    }

    /** The divergence of two vectors of probabilities, in nats: sum p ln(p / q). */
    public static double kl(double[] p, double[] q) {
        checkVectors(p.length, q.length);
        double[] out = new double[1];
        return answer(Library.kldiv_kl_f64(p, q, new Library.Size(p.length), out), out);
    }

    /** The divergence of two vectors of probabilities, in nats: sum p ln(p / q). */
    public static double kl(float[] p, float[] q) {
        checkVectors(p.length, q.length);
        double[] out = new double[1];
        return answer(Library.kldiv_kl_f32(p, q, new Library.Size(p.length), out), out);
    }

    private static void checkVectors(int p, int q) {
        if (p != q) {
            throw KldivException.shapeMismatch(0, "p has " + p + " outcomes and q has " + q);
        }
    }

    private static double answer(int status, double[] out) {
        if (status != 0) {
            throw Library.failure(status, out);
        }
        return out[0];
    }

    /** The divergence of two vectors, or whatever the measure asks for. Of an entropy q may be null. */
    public static double divergence(double[] p, double[] q, Options options) {
        return reduce(Matrix.row(p), q == null ? null : Matrix.row(q), options);
    }

    /** The divergences of all rows as one number: their sum, or the mean of the rows that are kept. */
    public static double reduce(Matrix p, Matrix q, Options options) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_kl(call.in(p), call.in(q), call.options(options, p.rows()),
                call.doubles(1)))[0];
        }
    }

    /** The divergence of each row of p from the same row of q, in nats. */
    public static double[] rows(Matrix p, Matrix q) {
        return rows(p, q, null);
    }

    /** The divergence of each row of p from the same row of q, or whatever the measure asks for. */
    public static double[] rows(Matrix p, Matrix q, Options options) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_rows(call.in(p), call.in(q), call.options(options, p.rows()),
                call.doubles(p.rows())));
        }
    }

    /** Writes the terms of the sum, element by element, to out, which has the shape of p. */
    public static void terms(Matrix p, Matrix q, Options options, Matrix out) {
        try (Call call = new Call()) {
            call.results(Library.kldiv_terms(call.in(p), call.in(q), call.options(options, p.rows()), call.out(out)));
        }
    }

    /** How the divergence of two vectors comes about, outcome by outcome. */
    public static List<Term> explain(double[] p, double[] q) {
        return explain(Matrix.row(p), Matrix.row(q), null);
    }

    /** How the divergence of two matrices of one row comes about, outcome by outcome. */
    public static List<Term> explain(Matrix p, Matrix q, Options options) {
        try (Call call = new Call()) {
            Memory all = call.memory((p.cols() + 1L) * new Library.RawTerm().size());
            call.results(Library.kldiv_explain(call.in(p), call.in(q), call.options(options, p.rows()), all));
            List<Term> terms = new ArrayList<>(p.cols());
            for (int i = 0; i < p.cols(); i++) {
                terms.add(new Term(new Library.RawTerm(all, i)));
            }
            return terms;
        }
    }

    /** Every row of p against every row of q: row i against row j at [i * q.rows() + j]. */
    public static double[] pairwise(Matrix p, Matrix q, Options options) {
        try (Call call = new Call()) {
            long cells = q == null ? 0 : (long) p.rows() * q.rows();
            return call.results(Library.kldiv_pairwise(call.in(p), call.in(q), call.options(options, p.rows()),
                call.doubles(cells)));
        }
    }

    /** The nearest rows of q to each row of p, and their divergences, the smallest first. */
    public static final class Neighbours {
        private final int k;
        private final long[] index;
        private final double[] divergences;

        Neighbours(int k, long[] index, double[] divergences) {
            this.k = k;
            this.index = index;
            this.divergences = divergences;
        }

        /** The row of q that is the neighbour of a row of p, from 0, or -1 where there is none. */
        public int index(int row, int neighbour) {
            return (int) index[at(row, neighbour)];
        }

        /** Its divergence. */
        public double divergence(int row, int neighbour) {
            return divergences[at(row, neighbour)];
        }

        private int at(int row, int neighbour) {
            return row * k + java.util.Objects.checkIndex(neighbour, k);
        }
    }

    /** The k rows of q with the smallest divergences from each row of p. */
    public static Neighbours nearest(Matrix p, Matrix q, int k, Options options) {
        if (k < 0 || k > q.rows()) {
            throw new KldivException(Status.OPTIONS, 0, 0, 0, k, "k is " + k + "; q has " + q.rows() + " rows", null);
        }
        try (Call call = new Call()) {
            int count = Math.multiplyExact(p.rows(), k);
            Memory index = call.memory(8L * count);
            double[] out = call.results(Library.kldiv_nearest(call.in(p), call.in(q), call.options(options, p.rows()),
                new Library.Size(k), index, call.doubles(count)));
            return new Neighbours(k, index.getLongArray(0, count), out);
        }
    }

    /**
     * PyTorch's KLDivLoss, reduced: first the input, ln q, then the target, p, or ln p with logTarget. The mean
     * divergence is BATCHMEAN.
     */
    public static double loss(Matrix input, Matrix target, Options options) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_loss(call.in(input), call.in(target),
                call.options(options, input.rows()), call.doubles(1)))[0];
        }
    }

    /** Writes the elements of the loss to out, not reduced. */
    public static void lossPointwise(Matrix input, Matrix target, Options options, Matrix out) {
        try (Call call = new Call()) {
            call.results(Library.kldiv_loss_pointwise(call.in(input), call.in(target),
                call.options(options, input.rows()), call.out(out)));
        }
    }

    /**
     * Writes the gradients of the loss, if they are wanted. upstream is null for 1; 1 x 1, the gradient of the reduced
     * loss; or of the input's shape, that of its elements.
     */
    public static void lossGrad(Matrix input, Matrix target, Options options, Matrix upstream, Matrix gradInput,
        Matrix gradTarget) {
        try (Call call = new Call()) {
            call.results(Library.kldiv_loss_grad(call.in(input), call.in(target), call.options(options, input.rows()),
                call.in(upstream), call.out(gradInput), call.out(gradTarget)));
        }
    }

    /** D(softmax(a / T) || softmax(b / T)), row by row. */
    public static double[] logits(Matrix a, Matrix b, Options options) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_logits(call.in(a), call.in(b), call.options(options, a.rows()),
                call.doubles(a.rows())));
        }
    }

    /** The same, and writes the gradients that are wanted, whose rows upstream multiplies (null: 1). */
    public static double[] logitsGrad(Matrix a, Matrix b, Options options, double[] upstream, Matrix gradA,
        Matrix gradB) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_logits_grad(call.in(a), call.in(b), call.options(options, a.rows()),
                call.perRow(upstream, a.rows(), "upstream"), call.doubles(a.rows()), call.out(gradA),
                call.out(gradB)));
        }
    }

    /**
     * A teacher of which only the likeliest classes were kept, values with their indices row by row, against
     * softmax(b / T). Writes the gradient by b, if it is wanted.
     */
    public static double[] logitsTopK(Matrix values, long[] indices, Matrix b, Options options, double[] upstream,
        Matrix gradB) {
        Call.checkLength("indices", indices.length, (long) values.rows() * values.cols());
        try (Call call = new Call()) {
            return call.results(Library.kldiv_logits_topk(call.in(values), call.in(indices), call.in(b),
                call.options(options, values.rows()), call.perRow(upstream, values.rows(), "upstream"),
                call.doubles(values.rows()), call.out(gradB)));
        }
    }

    /** A VAE's posterior against its prior, row by row; a prior of null is the standard normal's. */
    public static double[] vae(Matrix mu, Matrix logvar, Matrix priorMu, Matrix priorLogvar, Options options) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_vae(call.in(mu), call.in(logvar), call.in(priorMu),
                call.in(priorLogvar), call.options(options, mu.rows()), call.doubles(mu.rows())));
        }
    }

    /** The same, and writes the gradients that are wanted, whose rows upstream multiplies (null: 1). */
    public static double[] vaeGrad(Matrix mu, Matrix logvar, Matrix priorMu, Matrix priorLogvar, Options options,
        double[] upstream, Matrix gradMu, Matrix gradLogvar, Matrix gradPriorMu, Matrix gradPriorLogvar) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_vae_grad(call.in(mu), call.in(logvar), call.in(priorMu),
                call.in(priorLogvar), call.options(options, mu.rows()), call.perRow(upstream, mu.rows(), "upstream"),
                call.doubles(mu.rows()), call.out(gradMu), call.out(gradLogvar), call.out(gradPriorMu),
                call.out(gradPriorLogvar)));
        }
    }

    /** The divergence of each pair of distributions, whose parameters are the rows of p and q. */
    public static double[] family(Family pFamily, Matrix p, Family qFamily, Matrix q, Options options) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_family(pFamily.number, call.in(p), qFamily.number, call.in(q),
                call.options(options, p.rows()), call.doubles(p.rows())));
        }
    }

    /** The same for KL, and writes the gradients that are wanted, whose rows upstream multiplies (null: 1). */
    public static double[] familyGrad(Family pFamily, Matrix p, Family qFamily, Matrix q, Options options,
        double[] upstream, Matrix gradP, Matrix gradQ) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_family_grad(pFamily.number, call.in(p), qFamily.number, call.in(q),
                call.options(options, p.rows()), call.perRow(upstream, p.rows(), "upstream"),
                call.doubles(p.rows()), call.out(gradP), call.out(gradQ)));
        }
    }

    /** A value, and how far off it may be: the bound of an integral's error, or a standard error. */
    public static final class Estimate {
        private final double value;
        private final double error;

        Estimate(double[] parts) {
            value = parts[0];
            error = parts[1];
        }

        /** The value. */
        public double value() {
            return value;
        }

        /** How far off it may be. */
        public double error() {
            return error;
        }
    }

    /** An exception may not go through C: it is kept, and what C sees in its place ends the integration. */
    private static final class Guarded {
        private Throwable thrown;

        Library.Density density(DoubleUnaryOperator density) {
            return (x, user) -> {
                if (thrown != null) {
                    return Double.NaN;
                }
                try {
                    return density.applyAsDouble(x);
                } catch (Throwable t) {
                    thrown = t;
                    return Double.NaN;
                }
            };
        }

        void rethrow() {
            if (thrown != null) {
                Guarded.<RuntimeException>rethrow(thrown);
            }
        }

        // Whatever it is: other languages of the JVM throw checked exceptions where they like.
        @SuppressWarnings("unchecked")
        private static <T extends Throwable> void rethrow(Throwable thrown) throws T {
            throw (T) thrown;
        }
    }

    /**
     * The divergence of two densities on a line by integration, with a bound of its error. lower and upper enclose the
     * support of P; breaks are points where a density or its slope jumps. The densities run on the calling thread.
     */
    public static Estimate quadrature(DoubleUnaryOperator p, DoubleUnaryOperator q, double lower, double upper,
        double[] breaks, Options options) {
        double[] at = breaks == null ? new double[0] : breaks;
        Guarded guarded = new Guarded();
        Library.Density pCallback = guarded.density(p);
        Library.Density qCallback = guarded.density(q);
        try (Call call = new Call()) {
            Pointer out = call.doubles(2);
            int status = Library.kldiv_quadrature(pCallback, qCallback, null, lower, upper, call.in(at),
                new Library.Size(at.length), call.options(options, 0), out, out.share(8));
            guarded.rethrow();
            return new Estimate(call.results(status));
        }
    }

    /** The k-nearest-neighbour estimate from points of P and points of Q, one a row. */
    public static double knn(Matrix x, Matrix y, int k, Options options) {
        if (k < 0) {
            throw new KldivException(Status.OPTIONS, 0, 0, 0, k, "k is " + k, null);
        }
        try (Call call = new Call()) {
            return call.results(Library.kldiv_estimate_knn(call.in(x), call.in(y), new Library.Size(k),
                call.options(options, x.rows()), call.doubles(1)))[0];
        }
    }

    /** The estimate from ln p and ln q at samples of P, with its standard error. */
    public static Estimate monteCarlo(double[] logP, double[] logQ, Options options) {
        Call.checkLength("logQ", logQ.length, logP.length);
        try (Call call = new Call()) {
            Pointer out = call.doubles(2);
            return new Estimate(call.results(Library.kldiv_estimate_mc(call.in(logP), call.in(logQ),
                new Library.Size(logP.length), call.options(options, logP.length), out, out.share(8))));
        }
    }
}
