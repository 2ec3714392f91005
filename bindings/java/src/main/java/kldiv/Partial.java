package kldiv;

import com.sun.jna.Memory;

/**
 * The sums of the terms of a part of the outcomes of two distributions: what is merged with those of other parts.
 * Neither the split into parts nor the order of updates and merges changes a bit of it. One thread uses it at a time.
 */
public final class Partial {
    private final Memory state = new Memory(Library.PARTIAL);

    /**
     * Nothing added. The measure is what it will answer: KL, GENERALIZED, REVERSE, JEFFREYS, ENTROPY or CROSS_ENTROPY;
     * invalid says whether a bad entry fails its update, which then changes nothing, or makes the value NaN.
     */
    public Partial(Options options) {
        try (Call call = new Call()) {
            call.results(Library.kldiv_partial_init(state, call.options(options, 0)));
        }
    }

    /** A state from bytes; whether they are one is seen when it is used. */
    public static Partial of(byte[] bytes) {
        if (bytes.length != Library.PARTIAL) {
            throw new KldivException(Status.STATE, 0, 0, 0, 0,
                "a state has " + Library.PARTIAL + " bytes, not " + bytes.length, null);
        }
        Partial partial = new Partial(null);
        partial.state.write(0, bytes, 0, bytes.length);
        return partial;
    }

    /** The state as bytes, the same on every machine and in every language. */
    public byte[] toBytes() {
        return state.getByteArray(0, Library.PARTIAL);
    }

    /** Adds pairs of elements: all of p, and those of q in the same places. Of an entropy q may be null. */
    public Partial update(Matrix p, Matrix q) {
        try (Call call = new Call()) {
            call.results(Library.kldiv_partial_update(state, call.in(p), call.in(q)));
        }
        return this;
    }

    /** Adds what another state holds. */
    public Partial merge(Partial from) {
        try (Call call = new Call()) {
            call.results(Library.kldiv_partial_merge(state, from.state));
        }
        return this;
    }

    /** The measure of all that was added; with NORMALIZE that of the distributions that elements are counts of. */
    public double value(Options options) {
        try (Call call = new Call()) {
            return call.results(Library.kldiv_partial_value(state, call.options(options, 0), call.doubles(1)))[0];
        }
    }
}
