//! Matrices row by row, beside the peers.

fn main() {
    kldiv_benches::bench(kldiv_benches::batch::cases);
}
