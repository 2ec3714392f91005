package kldiv;

/** What went wrong in a call: a status, and the first bad entry. */
public final class KldivException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Status status;
    private final int operand;
    private final long row;
    private final long col;
    private final double value;
    private final double[] results;

    KldivException(Status status, int operand, long row, long col, double value, String message, double[] results) {
        super(message);
        this.status = status;
        this.operand = operand;
        this.row = row;
        this.col = col;
        this.value = value;
        this.results = status.nothingWritten() ? null : results;
    }

    static KldivException shapeMismatch(int operand, String message) {
        return new KldivException(Status.SHAPE_MISMATCH, operand, 0, 0, 0, message, null);
    }

    /** What was wrong. */
    public Status status() {
        return status;
    }

    /** Which input: 0 is the first. */
    public int operand() {
        return operand;
    }

    /** The row of the first bad entry, from 0. */
    public long row() {
        return row;
    }

    /** Its column, from 0. */
    public long col() {
        return col;
    }

    /** The bad value. */
    public double value() {
        return value;
    }

    /** Where the data are bad, what the call would have returned: bad rows are NaN, the others answered. Or null. */
    public double[] results() {
        return results == null ? null : results.clone();
    }
}
