// Compiled, not run: the declarations say of each use what it is.
import * as kldiv from 'kldiv';

const nats: number = kldiv.kl([0.5, 0.5], new Float64Array([0.7, 0.3]), { base: 2, measure: 'jensenShannon' });
const rows: Float64Array = kldiv.rows({ data: new Uint16Array(6), rows: 2, cols: 3, dtype: 'bf16' }, [0.5, 0.2, 0.3]);
const walk: kldiv.Term[] = kldiv.explain([1], [1]);
const { out, gradA, gradB } = kldiv.logitsGrad([1, 2], [2, 1], { temperature: 2 }, { upstream: [1], gradA: null });
const one: number = kldiv.between(kldiv.families.normal(0, 1), kldiv.families.gamma(2, 3));
const neighbours: number[] = kldiv.nearest([1], [1], 1).index;
const { value, bound }: { value: number; bound: number } =
  kldiv.quadrature((x) => x, (x) => x, 0, 1, { breaks: [0.5], relTolerance: 1e-6 });
try {
  kldiv.loss([0], [1], { reduction: 'batchmean' });
} catch (error) {
  if (error instanceof kldiv.KldivError && error.code === 'NEGATIVE') {
    const where: [number, number, number, number] = [error.operand, error.row, error.col, error.value];
    void where;
  }
}
// @ts-expect-error there is no such measure
kldiv.kl([1], [1], { measure: 'manhattan' });
// @ts-expect-error bits of halves need their type
kldiv.rows({ data: new Uint16Array(6), rows: 2, cols: 3 }, [1]);
// @ts-expect-error a gamma distribution has two parameters
kldiv.families.gamma(1);
void [nats, rows, walk, out, gradA, gradB, one, neighbours, value, bound];
