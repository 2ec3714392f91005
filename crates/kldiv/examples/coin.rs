//! A fair coin taken for one that falls heads seven times in ten: the divergence, outcome by outcome.
//!
//!     cargo run -p kldiv --example coin

use kldiv::explain::explain;
use kldiv::{Options, kl};

fn main() -> Result<(), kldiv::Error> {
    let (p, q) = ([0.5, 0.5], [0.7, 0.3]);
    let walk = explain(&p[..], &q[..], &Options::default())?;
    println!("            p      q    p/q  ln(p/q)  p*ln(p/q)");
    for (side, term) in ["heads", "tails"].into_iter().zip(&walk) {
        let kldiv::explain::Term { p, q, ratio, log_ratio, contribution, .. } = term;
        println!("{side}   {p:.3}  {q:.3}  {ratio:.3}  {log_ratio:7.3}  {contribution:9.3}");
    }
    let nats = kl(&p, &q)?;
    println!("\nD(P || Q) = {nats:.4} nats\n          = {:.4} bits", nats / std::f64::consts::LN_2);
    Ok(())
}
