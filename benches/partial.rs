//! Sums in parts, by group, beside a plain loop.

fn main() {
    kldiv_benches::bench(kldiv_benches::partial::cases);
}
