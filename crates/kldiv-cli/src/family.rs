//! `kldiv family`: divergences of distributions that are given by their parameters.

use kldiv::{Error, Family, family};

use crate::args::{self, Written};
use crate::failure::{Result, fail, wrong};
use crate::input::{blame, one_stdin};
use crate::number::counted;
use crate::output::{Column, Item, Writer};
use crate::pairs::{Compute, Pairs};
use crate::progress::Progress;
use crate::rows::{Asked, write};

pub(crate) fn run(args: &args::Family) -> Result {
    if args.list {
        return list(&args.written);
    }
    let (Some(p), Some(q)) = (&args.p, args.q.as_ref().or(args.p.as_ref())) else {
        return fail("family needs two distributions, as normal:0,1 normal:1,2");
    };
    let (p_family, p) = named(p)?;
    let (q_family, q) = named(q)?;
    one_stdin(&[Some(p), Some(q)])?;
    let progress = Progress::new();
    let mut options = args.measured.options()?;
    options.dim = args.dim.unwrap_or(0);
    let mut pairs = Pairs::open(p, Some(q), &progress)?;
    let compute: &Compute = &|p, q, options, out| {
        let result = family::kl_into(p_family, p.view, q_family, q.view, options, out);
        result.map_err(|error| match error {
            Error::ShapeMismatch { what, expected, .. } => {
                let (family, side) = if what == "q_params" { (q_family, q) } else { (p_family, p) };
                let (name, found) =
                    (&side.given.block.origin.name, counted(side.view.cols() as u64, "number"));
                let (family, takes) = (family.name(), family.parameters().replace('`', ""));
                wrong(format!("{name} has {found} where {family} takes {}: {takes}", expected.cols))
            }
            error => blame(&error, p.given, q.given),
        })
    };
    write(
        &mut pairs,
        &options,
        compute,
        &Asked { measured: &args.measured, written: &args.written, reduce: args.reduce },
    )
    .inspect(|()| progress.done())
}

/// A family and the data of its parameters: what is before the first colon, and after it.
fn named(argument: &str) -> Result<(Family, &str)> {
    let Some((name, data)) = argument.split_once(':') else {
        return fail(format!(
            "{argument}: a distribution is a family, a colon and its parameters, as normal:0,1"
        ));
    };
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let family = Family::ALL.iter().find(|family| plain(family.name()) == plain(name));
    match family {
        Some(family) => Ok((*family, data)),
        None => Err(wrong(format!("there is no family {name}; kldiv family --list has all of them"))),
    }
}

/// Every family and its parameters.
fn list(written: &Written) -> Result {
    let columns =
        vec![Column::new("family", "family").left(), Column::new("parameters", "parameters").left()];
    let mut out = Writer::new(written.format, usize::from(written.digits), columns);
    for family in Family::ALL {
        let name = Item::Text(family.name().to_string());
        out.row(&[name, Item::Text(family.parameters().replace('`', ""))])?;
    }
    out.finish()
}
