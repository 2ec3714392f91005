//! Matrices, row by row: one call of kldiv against a peer's call for each row.

use half::{bf16, f16};
use kldiv::{Element, Options, View, batch, threads};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::peers::{self, kl_term};
use crate::{Case, Contender, EXACT_F32, EXACT_F64, Pairs};

const TABLE: &str = "KL of each row, one thread";

/// Hands each case to `visit`.
pub fn cases(visit: &mut dyn FnMut(Case)) {
    let pairs = Pairs::<f64>::random(65_536, 16);
    let mut contenders = vec![kldiv("kldiv", EXACT_F64, pairs.views(), None)];
    contenders.extend(peers::kl_f64(&pairs));
    visit(case(TABLE, "65,536 x 16 f64", &pairs, contenders));

    let pairs = Pairs::<f32>::random(4096, 1024);
    let mut contenders = vec![kldiv("kldiv", EXACT_F32, pairs.views(), None)];
    contenders.extend(peers::kl_f32(&pairs));
    visit(case(TABLE, "4096 x 1024 f32", &pairs, contenders));

    let many = Pairs { p: pairs.p[..1024].repeat(4096), ..pairs };
    let (p, q) = many.views();
    let one = View::from(&many.p[..1024]).repeated(p.rows());
    let mut contenders = vec![kldiv("kldiv", EXACT_F32, (one, q), None)];
    contenders.extend(peers::kl_f32(&many));
    visit(case(TABLE, "1 against 4096 x 1024 f32", &many, contenders));

    let pairs = Pairs::<f32>::random(4096, 1024);
    let (p, q) = pairs.matrices();
    let (p, q) = (p.t().as_standard_layout().into_owned(), q.t().as_standard_layout().into_owned());
    let mut contenders = vec![kldiv("kldiv", EXACT_F32, (p.t().into(), q.t().into()), None)];
    contenders.extend(peers::kl_strided(p.t(), q.t()));
    visit(case(TABLE, "4096 x 1024 f32, transposed", &pairs, contenders));

    let pairs = Pairs::<f16>::random(4096, 1024);
    let mut contenders = vec![kldiv("kldiv", EXACT_F32, pairs.views(), None)];
    contenders.extend(peers::kl_f16(&pairs));
    visit(case(TABLE, "4096 x 1024 f16", &pairs, contenders));

    let pairs = Pairs::<bf16>::random(4096, 1024);
    let mut contenders = vec![kldiv("kldiv", EXACT_F32, pairs.views(), None)];
    contenders.extend(peers::kl_bf16(&pairs));
    visit(case(TABLE, "4096 x 1024 bf16", &pairs, contenders));

    let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    // The calling thread is one of kldiv's two.
    let (other, both) = (pool(1), pool(2));
    for (rows, where_from) in [(512, "in cache"), (16_384, "from memory")] {
        let pairs = Pairs::<f64>::random(rows, 1024);
        let contenders = one_and_two(&pairs, EXACT_F64, &other);
        #[cfg(c_peers)]
        let contenders =
            contenders.into_iter().chain(reads(&pairs, &both, peers::c::libmvec::read_f64)).collect();
        visit(case(THREADS, &format!("{rows} x 1024 f64, {where_from}"), &pairs, contenders));

        let pairs = Pairs::<f32>::random(rows, 1024);
        let contenders = one_and_two(&pairs, EXACT_F32, &other);
        #[cfg(c_peers)]
        let contenders =
            contenders.into_iter().chain(reads(&pairs, &both, peers::c::libmvec::read_f32)).collect();
        visit(case(THREADS, &format!("{rows} x 1024 f32, {where_from}"), &pairs, contenders));
    }
}

const THREADS: &str = "KL of each row, two threads";

fn one_and_two<'a, T: Element>(
    pairs: &'a Pairs<T>,
    tolerance: f64,
    pool: &'a ThreadPool,
) -> Vec<Contender<'a>> {
    vec![
        kldiv("kldiv", tolerance, pairs.views(), None),
        kldiv("kldiv, 2 threads", tolerance, pairs.views(), Some(pool)),
    ]
}

#[cfg(c_peers)]
fn reads<'a, T: Sync>(
    pairs: &'a Pairs<T>,
    pool: &'a ThreadPool,
    read: impl Fn(&[T], &[T]) -> f64 + Sync + Copy + 'a,
) -> [Contender<'a>; 2] {
    [
        peers::read("only reading", pairs, None, read),
        peers::read("only reading, 2 threads", pairs, Some(pool), read),
    ]
}

fn kldiv<'a>(
    name: &'static str,
    tolerance: f64,
    (p, q): (View<'a>, View<'a>),
    pool: Option<&'a ThreadPool>,
) -> Contender<'a> {
    let mut options = Options::default();
    options.parallel = pool.is_some();
    Contender::new(name, tolerance, move |out| {
        let mut rows = || batch::rows_into(p, q, &options, out).expect("probabilities");
        match pool {
            Some(pool) => threads::with_pool(pool, rows),
            None => rows(),
        }
    })
}

fn case<'a, T: Element>(
    table: &'static str,
    name: &str,
    pairs: &Pairs<T>,
    contenders: Vec<Contender<'a>>,
) -> Case<'a> {
    let truth = pairs.truth(kl_term);
    Case { table, name: name.to_owned(), elements: pairs.p.len(), calls: 1, truth, contenders }
}
