//! `kldiv rows`: the divergence of each row of P from the same row of Q. And what `kldiv family` shares with it.

use kldiv::{Invalid, Options, batch};

use crate::args::{Measured, Name, Reduce, Rows, Written};
use crate::failure::{Result, fail};
use crate::input::{blame, one_stdin};
use crate::number::{counted, short};
use crate::output::{Column, Item, Writer};
use crate::pairs::{Compute, Pairs, Summary};
use crate::progress::Progress;
use crate::words::{Charset, facts, words};

pub(crate) fn run(args: &Rows) -> Result {
    let progress = Progress::new();
    let mut options = args.measured.options()?;
    if args.skip_bad {
        options.invalid = Invalid::Nan;
    }
    let q = match (&args.q, args.measured.measure) {
        (_, Name::Entropy) => None,
        (Some(q), _) => Some(q.as_str()),
        (None, _) => return fail("rows needs a q, unless --measure is entropy"),
    };
    one_stdin(&[Some(args.p.as_str()), q])?;
    let mut pairs = Pairs::open(&args.p, q, &progress)?;
    pairs.need_same_columns()?;
    let compute: &Compute = &|p, q, options, out| {
        let result = batch::rows_into(p.view, q.view, options, out);
        result.map_err(|error| blame(&error, p.given, q.given))
    };
    write(
        &mut pairs,
        &options,
        compute,
        &Asked { measured: &args.measured, written: &args.written, reduce: args.reduce },
    )
    .inspect(|()| progress.done())
}

/// What the results of rows are made and written by.
pub(crate) struct Asked<'a> {
    pub(crate) measured: &'a Measured,
    pub(crate) written: &'a Written,
    pub(crate) reduce: Option<Reduce>,
}

/// Writes the results of all rows, or what they are reduced to.
pub(crate) fn write(pairs: &mut Pairs, options: &Options, compute: &Compute, asked: &Asked) -> Result {
    let charset = Charset::new(asked.written.ascii);
    let symbol = charset.text(words(asked.measured.measure, asked.measured.unit).symbol);
    let [(_, measure), (_, unit)] = facts(asked.measured);
    let decimals = usize::from(asked.written.digits);
    let head = format!("{symbol} in {}", asked.measured.unit.name().trim_start_matches("in "));
    let columns = match asked.reduce {
        None => vec![Column::new("row", "row"), Column::new(&measure, &head)],
        Some(reduce) => {
            let (key, head) = (reduce.text(), format!("{} of {head}", reduce.text()));
            vec![Column::new("rows", "rows"), Column::new(key, &head)]
        }
    };
    let mut out = Writer::new(asked.written.format, decimals, columns);
    for (key, text) in facts(asked.measured) {
        out.fact(key, &Item::Text(text))?;
    }
    let alone = pairs.is_one() && out.is_table() && asked.reduce.is_none();
    let mut summary = Summary::default();
    pairs.each(options, compute, &mut |results| {
        summary.take(&results);
        if asked.reduce.is_some() || alone {
            return Ok(());
        }
        for (i, value) in results.values.iter().enumerate() {
            out.row(&[results.name(i), Item::Number(*value)])?;
        }
        Ok(())
    })?;
    if alone && summary.infinite > 0 {
        out.say(&format!("{symbol} = {}", short(summary.sum(), decimals)))?;
        let default = "Q has no mass, or too thin a tail, where P has some";
        out.say(&format!("Infinite: {}.", summary.why.as_deref().unwrap_or(default)))?;
        return out.finish();
    }
    let (mean, sum) = (short(summary.mean(), decimals), short(summary.sum(), decimals));
    match asked.reduce {
        Some(Reduce::Sum) => out.row(&[Item::Count(summary.rows), Item::Number(summary.sum())])?,
        Some(Reduce::Mean) => out.row(&[Item::Count(summary.rows), Item::Number(summary.mean())])?,
        None if alone => out.say(&format!("{symbol} = {sum} {unit}"))?,
        None => out.say(&format!("\n{}: mean {mean}, sum {sum} {unit}", counted(summary.rows, "row")))?,
    }
    if let Some(row) = &summary.first_infinite {
        let row = match row {
            Item::Text(label) => label.clone(),
            Item::Count(row) => format!("row {row}"),
            _ => String::new(),
        };
        let others =
            if summary.infinite > 1 { format!(", {} in all", summary.infinite) } else { String::new() };
        let why = summary.why.as_ref().map(|place| format!(": {place}")).unwrap_or_default();
        out.say(&format!("{row} is infinite{others}{why}"))?;
    }
    for (key, item) in summary.items() {
        out.fact(key, &item)?;
    }
    out.finish()
}
