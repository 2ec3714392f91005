package kldiv;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.function.IntConsumer;

/**
 * An array or buffer seen as a matrix: each row a distribution, each column an outcome.
 *
 * <p>Element (i, j) is the one at offset + i * rowStride + j * colStride. Inputs may repeat a row or a column, by a
 * stride of 0; a negative stride walks backwards. The elements are those of the array or the buffer at the time of a
 * call. Direct buffers are read and written in place. Arrays and other buffers are copied to memory that C can see for
 * the time of a call, or back from there if they are written to.
 */
public final class Matrix {
    /** The type of the elements. */
    public enum Type {
        /** double. */
        F64(1, 8),
        /** float. */
        F32(2, 4),
        /** The bits of IEEE binary16 numbers, as short. */
        F16(3, 2),
        /** The bits of bfloat16 numbers, the upper halves of floats, as short. */
        BF16(4, 2),
        /** Signed counts, as long; inputs only. */
        I64(5, 8),
        /** Unsigned counts, as long; inputs only. */
        U64(6, 8);

        final int number;
        final int bytes;

        Type(int number, int bytes) {
            this.number = number;
            this.bytes = bytes;
        }
    }

    private final Buffer data;
    private final Type type;
    private final int rows;
    private final int cols;
    private final long rowStride;
    private final long colStride;
    private final long offset;
    private int first; // of the elements that belong to the matrix
    private int last;

    private Matrix(Buffer data, Type type, int rows, int cols, long rowStride, long colStride, long offset) {
        this.data = data;
        this.type = type;
        this.rows = rows;
        this.cols = cols;
        this.rowStride = rowStride;
        this.colStride = colStride;
        this.offset = offset;
        findReach();
    }

    private static Matrix contiguous(Buffer data, ByteOrder order, Type type, int rows, int cols) {
        if (order != ByteOrder.nativeOrder()) {
            throw new IllegalArgumentException("the buffer's order is not the machine's: " + order);
        }
        return new Matrix(data, type, rows, cols, cols, 1, 0);
    }

    /** rows x cols numbers, row after row. */
    public static Matrix of(double[] data, int rows, int cols) {
        return of(DoubleBuffer.wrap(data), rows, cols);
    }

    /** rows x cols numbers, row after row. */
    public static Matrix of(float[] data, int rows, int cols) {
        return of(FloatBuffer.wrap(data), rows, cols);
    }

    /** rows x cols signed counts, row after row. */
    public static Matrix of(long[] data, int rows, int cols) {
        return of(LongBuffer.wrap(data), rows, cols);
    }

    /** rows x cols unsigned counts, row after row. */
    public static Matrix ofUnsigned(long[] data, int rows, int cols) {
        return ofUnsigned(LongBuffer.wrap(data), rows, cols);
    }

    /** rows x cols halves by their bits, row after row; the type is F16 or BF16. */
    public static Matrix of(short[] data, Type type, int rows, int cols) {
        return of(ShortBuffer.wrap(data), type, rows, cols);
    }

    /** rows x cols numbers from the buffer's position on, row after row. */
    public static Matrix of(DoubleBuffer data, int rows, int cols) {
        return contiguous(data.slice(), data.order(), Type.F64, rows, cols);
    }

    /** rows x cols numbers from the buffer's position on, row after row. */
    public static Matrix of(FloatBuffer data, int rows, int cols) {
        return contiguous(data.slice(), data.order(), Type.F32, rows, cols);
    }

    /** rows x cols signed counts from the buffer's position on, row after row. */
    public static Matrix of(LongBuffer data, int rows, int cols) {
        return contiguous(data.slice(), data.order(), Type.I64, rows, cols);
    }

    /** rows x cols unsigned counts from the buffer's position on, row after row. */
    public static Matrix ofUnsigned(LongBuffer data, int rows, int cols) {
        return contiguous(data.slice(), data.order(), Type.U64, rows, cols);
    }

    /** rows x cols halves by their bits from the buffer's position on; the type is F16 or BF16. */
    public static Matrix of(ShortBuffer data, Type type, int rows, int cols) {
        if (type != Type.F16 && type != Type.BF16) {
            throw new IllegalArgumentException("the bits of halves are of type F16 or BF16, not " + type);
        }
        return contiguous(data.slice(), data.order(), type, rows, cols);
    }

    /** A vector as a matrix of one row. */
    public static Matrix row(double... data) {
        return of(data, 1, data.length);
    }

    /** A vector as a matrix of one row. */
    public static Matrix row(float... data) {
        return of(data, 1, data.length);
    }

    /** Counts as a matrix of one row. */
    public static Matrix row(long... data) {
        return of(data, 1, data.length);
    }

    /** One vector that stands for each of so many rows. */
    public static Matrix repeat(double[] data, int rows) {
        return row(data).strided(rows, data.length, 0, 1, 0);
    }

    /** Memory that C sees too, of zeros, for a matrix without copies: {@code of(direct(n).asFloatBuffer(), ...)}. */
    public static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    /** Other rows and columns of the same elements, with strides in elements. */
    public Matrix strided(int rows, int cols, long rowStride, long colStride, long offset) {
        return new Matrix(data, type, rows, cols, rowStride, colStride, offset);
    }

    /** The same elements with rows and columns exchanged. */
    public Matrix transposed() {
        return strided(cols, rows, colStride, rowStride, offset);
    }

    /** How many rows. */
    public int rows() {
        return rows;
    }

    /** How many columns. */
    public int cols() {
        return cols;
    }

    /** The type of the elements. */
    public Type type() {
        return type;
    }

    /** All elements have to lie within the data, which C cannot see. */
    private void findReach() {
        if (rows < 0 || cols < 0) {
            throw KldivException.shapeMismatch(0, "a matrix of " + rows + " x " + cols + " elements");
        }
        if (rows == 0 || cols == 0) {
            last = -1;
            return;
        }
        try {
            long down = Math.multiplyExact(rows - 1L, rowStride);
            long right = Math.multiplyExact(cols - 1L, colStride);
            long lowest = Math.addExact(offset, Math.addExact(Math.min(down, 0), Math.min(right, 0)));
            long highest = Math.addExact(offset, Math.addExact(Math.max(down, 0), Math.max(right, 0)));
            if (lowest >= 0 && highest < data.capacity()) {
                first = (int) lowest;
                last = (int) highest;
                return;
            }
        } catch (ArithmeticException tooFar) {
            // falls to what is said of everything that does not fit
        }
        throw KldivException.shapeMismatch(0, data.capacity() + " elements do not hold " + rows + " x " + cols
            + " with strides " + rowStride + ", " + colStride + " from " + offset + " on");
    }

    /** The matrix as C takes it: in place, or copied to memory of the call's. */
    Library.View view(Call call, boolean output) {
        if (output && data.isReadOnly()) {
            throw new IllegalArgumentException("an output is read-only");
        }
        Library.View view = new Library.View();
        view.rows = new Library.Size(rows);
        view.cols = new Library.Size(cols);
        view.rowStride = new Library.Stride(rowStride);
        view.colStride = new Library.Stride(colStride);
        view.dtype = type.number;
        if (last >= first && data.isDirect()) {
            view.data = Native.getDirectBufferPointer(data).share(offset * type.bytes);
        } else if (last >= first) {
            long bytes = (last - first + 1L) * type.bytes;
            Memory copy = call.memory(bytes);
            if (!output) {
                ByteBuffer memory = copy.getByteBuffer(0, bytes).order(ByteOrder.nativeOrder());
                put(memory, data.duplicate().position(first).limit(last + 1));
            }
            view.data = copy.share((offset - first) * type.bytes);
        }
        view.write();
        return view;
    }

    private static void put(ByteBuffer to, Buffer from) {
        if (from instanceof DoubleBuffer) {
            to.asDoubleBuffer().put((DoubleBuffer) from);
        } else if (from instanceof FloatBuffer) {
            to.asFloatBuffer().put((FloatBuffer) from);
        } else if (from instanceof LongBuffer) {
            to.asLongBuffer().put((LongBuffer) from);
        } else {
            to.asShortBuffer().put((ShortBuffer) from);
        }
    }

    /** Takes back what C wrote to a copy: the elements of the matrix, and none between them. */
    void takeBack(Pointer elements) {
        if (data.isDirect() || last < first) {
            return;
        }
        ByteBuffer copy = elements.share((first - offset) * type.bytes)
            .getByteBuffer(0, (last - first + 1L) * type.bytes).order(ByteOrder.nativeOrder());
        if (data instanceof DoubleBuffer) {
            DoubleBuffer from = copy.asDoubleBuffer();
            each(at -> ((DoubleBuffer) data).put(at, from.get(at - first)));
        } else if (data instanceof FloatBuffer) {
            FloatBuffer from = copy.asFloatBuffer();
            each(at -> ((FloatBuffer) data).put(at, from.get(at - first)));
        } else if (data instanceof ShortBuffer) {
            ShortBuffer from = copy.asShortBuffer();
            each(at -> ((ShortBuffer) data).put(at, from.get(at - first)));
        }
    }

    private void each(IntConsumer element) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < cols; j++) {
                element.accept((int) (offset + i * rowStride + j * colStride));
            }
        }
    }
}
