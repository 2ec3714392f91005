package kldiv;

/** One outcome's part of a divergence. */
public final class Term {
    private final double[] parts;
    private final long index;

    Term(Library.RawTerm raw) {
        index = raw.index.longValue();
        parts = new double[] {raw.p, raw.q, raw.ratio, raw.logRatio, raw.contribution, raw.share};
    }

    /** Which outcome, from 0. */
    public long index() {
        return index;
    }

    /** Its probability under P. */
    public double p() {
        return parts[0];
    }

    /** Its probability under Q. */
    public double q() {
        return parts[1];
    }

    /** p / q. */
    public double ratio() {
        return parts[2];
    }

    /** The logarithm of that. */
    public double logRatio() {
        return parts[3];
    }

    /** What it adds to the measure. */
    public double contribution() {
        return parts[4];
    }

    /** The contribution as a part of the measure. */
    public double share() {
        return parts[5];
    }
}
