//! Two vectors to one number, beside the peers.

fn main() {
    kldiv_benches::bench(kldiv_benches::discrete::cases);
}
