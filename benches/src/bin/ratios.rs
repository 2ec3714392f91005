//! kldiv and its peers, interleaved, as Markdown: `ratios [part of a case's name]`.

use kldiv_benches::{Case, Table, batch, discrete, machine, partial, training};

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let mut table = Table::default();
    let mut visit = |mut case: Case| {
        if case.title().contains(&wanted) {
            eprintln!("{}", case.title());
            case.check();
            table.race(&mut case);
        }
    };
    discrete::cases(&mut visit);
    batch::cases(&mut visit);
    partial::cases(&mut visit);
    training::cases(&mut visit);
    println!("{}\n{table}", machine::description());
}
