package kldiv;

/** What was wrong with a call. */
public enum Status {
    /** A matrix that must not be null is. */
    NULL_POINTER(10),
    /** A buffer is not aligned to its elements. */
    MISALIGNED(11),
    /** Sizes and strides span more than memory can hold. */
    SIZE_OVERFLOW(12),
    /** An output shares memory with an input or with itself. */
    OVERLAP(13),
    /** An element type cannot be used here. */
    DTYPE(14),
    /** An option makes no sense. */
    OPTIONS(15),
    /** Two shapes that must agree do not. */
    SHAPE_MISMATCH(20),
    /** There are no outcomes. */
    EMPTY(21),
    /** A probability or count is negative. */
    NEGATIVE(30),
    /** An entry is not a number. */
    NAN(31),
    /** An entry is infinite where that has no meaning. */
    INFINITE(32),
    /** A row that is to be normalized sums to 0. */
    ZERO_MASS(33),
    /** A row that is required to sum to 1 does not. */
    NOT_NORMALIZED(34),
    /** An index is out of range. */
    INDEX(35),
    /** A distribution's parameter is outside its domain. */
    PARAMETER(40),
    /** A matrix that must be positive definite is not. */
    NOT_POSITIVE_DEFINITE(41),
    /** There is no answer for this pair of families. */
    UNSUPPORTED_PAIR(42),
    /** The tolerance was not reached. */
    NOT_CONVERGED(50),
    /** The samples do not determine an estimate. */
    DEGENERATE(51),
    /** A state is not one that the library made. */
    STATE(60),
    /** Memory could not be had. */
    OUT_OF_MEMORY(90),
    /** A fault of the library; please report it. */
    INTERNAL(99);

    private final int number;

    Status(int number) {
        this.number = number;
    }

    /** The number of the status in C. */
    public int number() {
        return number;
    }

    /** Whether the call made no sense, so that nothing was written. */
    boolean nothingWritten() {
        return number < 30 || this == UNSUPPORTED_PAIR || number >= 60;
    }

    static Status of(int number) {
        for (Status status : values()) {
            if (status.number == number) {
                return status;
            }
        }
        return INTERNAL;
    }
}
