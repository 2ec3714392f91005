package kldiv;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.ArrayList;
import java.util.List;

/** What one call hands to C, and the memory that it takes, which is given back at the end. */
final class Call implements AutoCloseable {
    private final List<Memory> memories = new ArrayList<>();
    private final List<Library.View> views = new ArrayList<>(); // so that they live as long as the call
    private final List<Runnable> takeBacks = new ArrayList<>();
    private Library.RawOptions options;
    private Memory out;
    private int outs;

    Memory memory(long bytes) {
        Memory memory = new Memory(Math.max(bytes, 8));
        memories.add(memory);
        return memory;
    }

    /** A matrix to read; null is NULL. */
    Pointer in(Matrix matrix) {
        return matrix == null ? null : view(matrix, false).getPointer();
    }

    /** A matrix to write to; null is NULL, for what is not wanted. */
    Pointer out(Matrix matrix) {
        if (matrix == null) {
            return null;
        }
        Library.View view = view(matrix, true);
        takeBacks.add(() -> matrix.takeBack(view.data));
        return view.getPointer();
    }

    private Library.View view(Matrix matrix, boolean output) {
        Library.View view = matrix.view(this, output);
        views.add(view);
        return view;
    }

    /** Numbers of which there has to be one a row; null is NULL. */
    Pointer perRow(double[] numbers, int rows, String what) {
        if (numbers == null) {
            return null;
        }
        checkLength(what, numbers.length, rows);
        return in(numbers);
    }

    static void checkLength(String what, int length, long wanted) {
        if (length != wanted) {
            throw KldivException.shapeMismatch(0, what + " has " + length + " elements; it needs " + wanted);
        }
    }

    Pointer in(double[] numbers) {
        Memory memory = memory(8L * numbers.length);
        memory.write(0, numbers, 0, numbers.length);
        return numbers.length == 0 ? null : memory;
    }

    Pointer in(long[] numbers) {
        Memory memory = memory(8L * numbers.length);
        memory.write(0, numbers, 0, numbers.length);
        return numbers.length == 0 ? null : memory;
    }

    /** Options, whose mask and weights are of so many rows; null is NULL. */
    Pointer options(Options given, int rows) {
        if (given == null) {
            return null;
        }
        options = given.raw();
        if (given.mask != null) {
            checkLength("mask", given.mask.length, rows);
            Memory mask = memory(rows);
            for (int i = 0; i < rows; i++) {
                mask.setByte(i, (byte) (given.mask[i] ? 1 : 0));
            }
            options.mask = mask;
        }
        options.weights = perRow(given.weights, rows, "weights");
        options.write();
        return options.getPointer();
    }

    /** Room for so many doubles, which are what the call returns. */
    Pointer doubles(long count) {
        if (count > Integer.MAX_VALUE - 8) {
            throw new KldivException(Status.SIZE_OVERFLOW, 0, 0, 0, 0, count + " results are more than an array holds",
                null);
        }
        outs = (int) count;
        out = memory(8L * outs);
        return out;
    }

    /** The results of the call, unless the status says that it failed. */
    double[] results(int status) {
        takeBacks.forEach(Runnable::run);
        double[] results = out == null ? null : out.getDoubleArray(0, outs);
        if (status != 0) {
            throw Library.failure(status, results);
        }
        return results;
    }

    @Override
    public void close() {
        memories.forEach(Memory::close);
    }
}
