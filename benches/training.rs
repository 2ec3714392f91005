//! What models are trained with, beside fused C loops.

fn main() {
    kldiv_benches::bench(kldiv_benches::training::cases);
}
