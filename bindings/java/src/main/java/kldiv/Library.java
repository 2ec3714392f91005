package kldiv;

import com.sun.jna.Callback;
import com.sun.jna.IntegerType;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;

/** libkldiv as JNA sees it. What C takes views, options and arrays for are pointers here; {@link Call} makes them. */
final class Library {
    static {
        Native.register(Library.class, "kldiv");
    }

    private Library() {}

    /** size_t. */
    public static final class Size extends IntegerType {
        private static final long serialVersionUID = 1;

        public Size() {
            this(0);
        }

        Size(long value) {
            super(Native.SIZE_T_SIZE, value, true);
        }
    }

    /** ptrdiff_t. */
    public static final class Stride extends IntegerType {
        private static final long serialVersionUID = 1;

        public Stride() {
            this(0);
        }

        Stride(long value) {
            super(Native.SIZE_T_SIZE, value, false);
        }
    }

    @FieldOrder({"data", "rows", "cols", "rowStride", "colStride", "dtype"})
    public static final class View extends Structure {
        public Pointer data;
        public Size rows;
        public Size cols;
        public Stride rowStride;
        public Stride colStride;
        public int dtype;
    }

    @FieldOrder({"structSize", "measure", "normalization", "reduction", "invalid", "logTarget", "threads", "estimator",
        "topk", "logDensity", "dim", "base", "alpha", "temperature", "jsWeight", "smoothing", "massTolerance",
        "relTolerance", "mask", "weights"})
    public static final class RawOptions extends Structure {
        public Size structSize;
        public int measure;
        public int normalization;
        public int reduction;
        public int invalid;
        public int logTarget;
        public int threads;
        public int estimator;
        public int topk;
        public int logDensity;
        public int dim;
        public double base;
        public double alpha;
        public double temperature;
        public double jsWeight;
        public double smoothing;
        public double massTolerance;
        public double relTolerance;
        public Pointer mask;
        public Pointer weights;
    }

    @FieldOrder({"index", "p", "q", "ratio", "logRatio", "contribution", "share"})
    public static final class RawTerm extends Structure {
        public Size index;
        public double p;
        public double q;
        public double ratio;
        public double logRatio;
        public double contribution;
        public double share;

        public RawTerm() {}

        RawTerm(Pointer terms, int index) {
            useMemory(terms, index * size());
            read();
        }
    }

    @FieldOrder({"structSize", "status", "operand", "row", "col", "value", "message"})
    public static final class RawError extends Structure {
        public Size structSize;
        public int status;
        public int operand;
        public Size row;
        public Size col;
        public double value;
        public byte[] message = new byte[256];
    }

    /** kldiv_density. */
    public interface Density extends Callback {
        double at(double x, Pointer user);
    }

    static native int kldiv_version();

    static native String kldiv_active_isa();

    static native String kldiv_status_message(int status);

    static native void kldiv_last_error(Pointer error);

    static native int kldiv_kl_f64(double[] p, double[] q, Size n, double[] out);

    static native int kldiv_kl_f32(float[] p, float[] q, Size n, double[] out);

    static native int kldiv_kl(Pointer p, Pointer q, Pointer options, Pointer out);

    static native int kldiv_rows(Pointer p, Pointer q, Pointer options, Pointer out);

    static native int kldiv_terms(Pointer p, Pointer q, Pointer options, Pointer out);

    static native int kldiv_explain(Pointer p, Pointer q, Pointer options, Pointer out);

    static native int kldiv_pairwise(Pointer p, Pointer q, Pointer options, Pointer out);

    static native int kldiv_nearest(Pointer p, Pointer q, Pointer options, Size k, Pointer index, Pointer out);

    static native int kldiv_loss(Pointer input, Pointer target, Pointer options, Pointer out);

    static native int kldiv_loss_pointwise(Pointer input, Pointer target, Pointer options, Pointer out);

    static native int kldiv_loss_grad(Pointer input, Pointer target, Pointer options, Pointer upstream,
        Pointer gradInput, Pointer gradTarget);

    static native int kldiv_logits(Pointer a, Pointer b, Pointer options, Pointer out);

    static native int kldiv_logits_grad(Pointer a, Pointer b, Pointer options, Pointer upstream, Pointer out,
        Pointer gradA, Pointer gradB);

    static native int kldiv_logits_topk(Pointer values, Pointer indices, Pointer b, Pointer options, Pointer upstream,
        Pointer out, Pointer gradB);

    static native int kldiv_vae(Pointer mu, Pointer logvar, Pointer priorMu, Pointer priorLogvar, Pointer options,
        Pointer out);

    static native int kldiv_vae_grad(Pointer mu, Pointer logvar, Pointer priorMu, Pointer priorLogvar, Pointer options,
        Pointer upstream, Pointer out, Pointer gradMu, Pointer gradLogvar, Pointer gradPriorMu,
        Pointer gradPriorLogvar);

    static native int kldiv_family(int pFamily, Pointer p, int qFamily, Pointer q, Pointer options, Pointer out);

    static native int kldiv_family_grad(int pFamily, Pointer p, int qFamily, Pointer q, Pointer options,
        Pointer upstream, Pointer out, Pointer gradP, Pointer gradQ);

    static native int kldiv_quadrature(Density p, Density q, Pointer user, double lower, double upper, Pointer breaks,
        Size count, Pointer options, Pointer out, Pointer error);

    static native int kldiv_estimate_knn(Pointer x, Pointer y, Size k, Pointer options, Pointer out);

    static native int kldiv_estimate_mc(Pointer logP, Pointer logQ, Size n, Pointer options, Pointer out,
        Pointer standardError);

    /** The bytes of a kldiv_partial. */
    static final int PARTIAL = 178 * 8;

    static native int kldiv_partial_init(Pointer state, Pointer options);

    static native int kldiv_partial_update(Pointer state, Pointer p, Pointer q);

    static native int kldiv_partial_merge(Pointer into, Pointer from);

    static native int kldiv_partial_value(Pointer state, Pointer options, Pointer out);

    /** The exception for a status, with what is known of the calling thread's last failure. */
    static KldivException failure(int status, double[] results) {
        RawError error = new RawError();
        error.structSize = new Size(error.size());
        error.write();
        kldiv_last_error(error.getPointer());
        error.read();
        if (error.status != status) { // another call's: a virtual thread may have moved on to another carrier
            return new KldivException(Status.of(status), 0, 0, 0, 0, kldiv_status_message(status), results);
        }
        return new KldivException(Status.of(status), error.operand, error.row.longValue(), error.col.longValue(),
            error.value, Native.toString(error.message, "US-ASCII"), results);
    }
}
