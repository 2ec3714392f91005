package kldiv;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;

public final class KldivTest {
    private static final double[] P = {0.5, 0.5};
    private static final double[] Q = {0.7, 0.3};

    private static KldivException refused(Status status, ThrowingRunnable call) {
        KldivException e = assertThrows(KldivException.class, call);
        assertEquals(e.getMessage(), status, e.status());
        assertTrue(!e.getMessage().isEmpty());
        return e;
    }

    @Test
    public void aCoin() {
        assertEquals("0.0872", String.format("%.4f", Kldiv.kl(P, Q)));
        assertEquals("0.1258", String.format("%.4f", Kldiv.divergence(P, Q, Options.builder().base(2).build())));
        Term heads = Kldiv.explain(P, Q).get(0);
        assertEquals("0.714 -0.336 -0.168",
            String.format("%.3f %.3f %.3f", heads.ratio(), heads.logRatio(), heads.contribution()));
        assertEquals(Double.POSITIVE_INFINITY, Kldiv.kl(new double[] {1, 0}, new double[] {0, 1}), 0);
    }

    @Test
    public void aBadEntryIsNamedAndABadRowCostsNoOther() {
        Matrix p = Matrix.of(new double[] {0.5, 0.5, -1, 2, 0.5, 0.5}, 3, 2);
        KldivException e = refused(Status.NEGATIVE, () -> Kldiv.rows(p, Matrix.repeat(Q, 3)));
        assertEquals(0, e.operand());
        assertEquals(1, e.row());
        assertEquals(0, e.col());
        assertEquals(-1, e.value(), 0);
        assertTrue(e.getMessage().startsWith("p[1, 0] is -1"));
        double coin = Kldiv.kl(P, Q);
        assertArrayEquals(new double[] {coin, Double.NaN, coin}, e.results(), 0);
        assertArrayEquals(e.results(), Kldiv.rows(p, Matrix.repeat(Q, 3),
            Options.builder().invalid(Options.Invalid.NAN).build()), 0);
    }

    @Test
    public void anArrayThatIsTooShortIsNotRead() {
        Matrix good = Matrix.of(new double[6], 2, 3);
        refused(Status.SHAPE_MISMATCH, () -> Matrix.of(new double[5], 2, 3));
        refused(Status.SHAPE_MISMATCH, () -> Matrix.of(new float[6], -1, 3));
        refused(Status.SHAPE_MISMATCH, () -> good.strided(2, 3, 3, 1, 1));
        refused(Status.SHAPE_MISMATCH, () -> good.strided(2, 3, 3, -1, 0));
        refused(Status.SHAPE_MISMATCH, () -> good.strided(2, 3, Long.MIN_VALUE, 1, 0));
        refused(Status.SHAPE_MISMATCH, () -> good.strided(Integer.MAX_VALUE, 3, Long.MAX_VALUE, 1, 0));
        refused(Status.SHAPE_MISMATCH, () -> Matrix.of(DoubleBuffer.wrap(new double[6], 1, 5), 2, 3));
        refused(Status.SHAPE_MISMATCH,
            () -> Kldiv.rows(good, good, Options.builder().mask(new boolean[1]).build()));
        refused(Status.SHAPE_MISMATCH,
            () -> Kldiv.rows(good, good, Options.builder().weights(new double[3]).build()));
        refused(Status.SHAPE_MISMATCH, () -> Kldiv.logitsGrad(good, good, null, new double[1], null, null));
        refused(Status.SHAPE_MISMATCH, () -> Kldiv.logitsTopK(good, new long[2], good, null, null, null));
        refused(Status.SHAPE_MISMATCH, () -> Kldiv.monteCarlo(new double[2], new double[1], null));
    }

    @Test
    public void whatMakesNoSenseIsRefused() {
        Matrix p = Matrix.row(P);
        assertNull(refused(Status.NULL_POINTER, () -> Kldiv.rows(p, null)).results());
        refused(Status.SHAPE_MISMATCH, () -> Kldiv.rows(p, Matrix.row(1.0)));
        refused(Status.EMPTY, () -> Kldiv.reduce(Matrix.row(new double[0]), Matrix.row(new double[0]), null));
        refused(Status.DTYPE, () -> Kldiv.terms(p, p, null, Matrix.row(1L, 2L)));
        refused(Status.OPTIONS, () -> Kldiv.rows(p, p, Options.builder().base(-1).build()));
        refused(Status.OPTIONS, () -> Kldiv.rows(p, p, Options.builder().measure(Options.Measure.RENYI).build()));
        refused(Status.OPTIONS, () -> Kldiv.nearest(p, p, 2, null));
        refused(Status.UNSUPPORTED_PAIR,
            () -> Distribution.normal(0, 1).kl(Distribution.dirichlet(new double[] {1, 2})));
        refused(Status.NOT_POSITIVE_DEFINITE, () -> Distribution.mvNormal(new double[2], new double[] {1, 2, 2, 1})
            .kl(Distribution.mvNormal(new double[2], new double[] {1, 0, 0, 1})));
    }

    @Test
    public void directBuffersAreReadAndWrittenInPlace() {
        DoubleBuffer p = Matrix.direct(5 * 8).asDoubleBuffer().put(9).put(P).put(9).put(9);
        p.position(1);
        Matrix there = Matrix.of(p, 1, 2);
        FloatBuffer terms = Matrix.direct(3 * 4).asFloatBuffer();
        terms.position(1);
        Kldiv.terms(there, Matrix.row(Q), null, Matrix.of(terms, 1, 2));
        assertEquals(0, terms.get(0), 0);
        assertEquals(-0.168, terms.get(1), 1e-3);
        assertEquals(0.255, terms.get(2), 1e-3);
        p.put(1, 0.7).put(2, 0.3); // a matrix is of the elements as they are when it is used
        assertEquals(0, Kldiv.rows(there, Matrix.row(Q))[0], 0);
        refused(Status.OVERLAP, () -> Kldiv.terms(there, Matrix.row(Q), null, there));
        assertThrows(IllegalArgumentException.class,
            () -> Kldiv.terms(there, there, null, Matrix.of(p.asReadOnlyBuffer(), 1, 2)));
    }

    @Test
    public void onlyTheElementsOfAnOutputAreWritten() {
        float[] all = new float[7];
        java.util.Arrays.fill(all, 9);
        Matrix square = Matrix.of(new double[] {1, 0, 0, 1}, 2, 2);
        Matrix zeros = Matrix.of(new double[4], 2, 2);
        Kldiv.logitsGrad(square, zeros, null, null, null, Matrix.of(all, 1, 7).strided(2, 2, 3, 1, 1));
        assertEquals(9, all[0], 0);
        assertEquals(9, all[3], 0);
        assertEquals(9, all[6], 0);
        assertTrue(all[1] < 0 && all[2] == -all[1] && all[4] > 0 && all[5] == -all[4]);
    }

    @Test
    public void nothingNeedsNoRoom() {
        Matrix none = Matrix.of(new double[0], 0, 3);
        assertEquals(0, Kldiv.rows(none, none).length);
        assertEquals(0, Kldiv.reduce(none, none, null), 0);
    }

    @Test
    public void aDensityMayCallTheLibraryAndWhatItThrowsGoesOn() {
        java.util.function.BiFunction<Double, Double, java.util.function.DoubleUnaryOperator> normal =
            (loc, scale) -> x -> {
                assertEquals(0, Kldiv.kl(new double[] {1}, new double[] {1}), 0);
                return -Math.pow((x - loc) / scale, 2) / 2 - Math.log(scale) - Math.log(2 * Math.PI) / 2;
            };
        Kldiv.Estimate got = Kldiv.quadrature(normal.apply(0.0, 1.0), normal.apply(1.0, 2.0), Double.NEGATIVE_INFINITY,
            Double.POSITIVE_INFINITY, null, Options.builder().logDensity(true).build());
        assertEquals(Distribution.normal(0, 1).kl(Distribution.normal(1, 2)), got.value(), got.error());
        assertTrue(got.error() < 1e-9);
        IllegalStateException enough = new IllegalStateException("enough");
        assertSame(enough, assertThrows(IllegalStateException.class, () -> Kldiv.quadrature(x -> {
            throw enough;
        }, x -> 1, 0, 1, null, null)));
        refused(Status.NEGATIVE, () -> Kldiv.quadrature(x -> -1, x -> 1, 0, 1, null, null));
    }

    @Test
    public void anErrorIsThatOfItsOwnThread() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Callable<Void>> tasks = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            int column = t;
            tasks.add(() -> {
                double[] q = new double[8];
                q[column] = -1;
                for (int i = 0; i < 500; i++) {
                    assertEquals(column, refused(Status.NEGATIVE, () -> Kldiv.kl(new double[8], q)).col());
                }
                return null;
            });
        }
        for (Future<Void> done : threads.invokeAll(tasks)) {
            done.get();
        }
        threads.shutdown();
    }

    private static Partial part(int from, int to) {
        Matrix p = Matrix.row(0.5, 0.2, 0.3).strided(1, to - from, 0, 1, from);
        Matrix q = Matrix.row(0.7, 0.2, 0.1).strided(1, to - from, 0, 1, from);
        return new Partial(null).update(p, q);
    }

    @Test
    public void partsHaveOneSumHoweverTheyAreSplit() {
        byte[] bytes = part(1, 3).toBytes();
        Partial sent = Partial.of(bytes).merge(part(0, 1));
        assertEquals(part(0, 3).value(null), sent.value(null), 0);
        assertEquals(Kldiv.kl(new double[] {0.5, 0.2, 0.3}, new double[] {0.7, 0.2, 0.1}), sent.value(null), 1e-16);
        refused(Status.NEGATIVE, () -> sent.update(Matrix.row(-1.0), Matrix.row(1.0)));
        assertArrayEquals(part(0, 3).toBytes(), sent.toBytes());
        bytes[100] ^= 1;
        refused(Status.STATE, () -> Partial.of(bytes).value(null));
        refused(Status.STATE, () -> Partial.of(new byte[8]));
        refused(Status.OVERLAP, () -> sent.merge(sent));
        refused(Status.OPTIONS,
            () -> new Partial(Options.builder().measure(Options.Measure.RENYI).alpha(2).build()));
    }

    @Test
    public void theLibraryKnowsItsVersion() {
        assertTrue(Kldiv.version() > 0 && !Kldiv.activeIsa().isEmpty());
    }
}
