//! `kldiv pairwise`: every row of P against every row of Q, or the nearest rows.

use kldiv::pairwise::{NONE, blocks, nearest};
use kldiv::{Invalid, Options};

use crate::args::Pairwise;
use crate::failure::{Result, fail};
use crate::input::{Block, Given, blame, one_stdin, open_rows, read_rows};
use crate::output::{Column, Item, Writer};
use crate::progress::Progress;
use crate::words::{Charset, facts, words};

/// How many results are held at a time, about.
const CELLS: usize = 1 << 20;

pub(crate) fn run(args: &Pairwise) -> Result {
    let progress = Progress::new();
    let mut options = args.measured.options()?;
    if args.skip_bad {
        options.invalid = Invalid::Nan;
    }
    one_stdin(&[Some(args.p.as_str()), args.q.as_deref()])?;
    let q =
        read_rows(args.q.as_ref().unwrap_or(&args.p), if args.q.is_some() { "q" } else { "p" }, &progress)?;
    let mut out = writer(args, &q);
    for (key, text) in facts(&args.measured) {
        out.fact(key, &Item::Text(text))?;
    }
    let mut part = |p: &Block| {
        if p.cols != q.cols {
            let (p_name, q_name) = (&p.origin.name, &q.origin.name);
            return fail(format!("{p_name} has {} outcomes a row where {q_name} has {}", p.cols, q.cols));
        }
        match args.nearest {
            None => matrix(p, &q, &options, &mut out),
            Some(k) => neighbours(p, &q, &options, k, &mut out),
        }
    };
    if args.q.is_none() {
        part(&q)?;
    } else {
        let mut source = open_rows(&args.p, "p", &progress)?;
        while let Some(block) = source.next()? {
            part(&block)?;
        }
    }
    progress.done();
    out.finish()
}

fn writer(args: &Pairwise, q: &Block) -> Writer {
    let decimals = usize::from(args.written.digits);
    let charset = Charset::new(args.written.ascii);
    let symbol = charset.text(words(args.measured.measure, args.measured.unit).symbol);
    let head = format!("{symbol} in {}", args.measured.unit.name().trim_start_matches("in "));
    let label = |column: Column| if q.labels.is_some() { column.left() } else { column };
    let mut columns = vec![label(Column::new("row", "row"))];
    if args.nearest.is_some() {
        let [(_, measure), _] = facts(&args.measured);
        columns.extend([
            Column::new("rank", "rank"),
            label(Column::new("nearest", "nearest")),
            Column::new(&measure, &head),
        ]);
        return Writer::new(args.written.format, decimals, columns);
    }
    columns.extend((0..q.rows).map(|row| match q.row_name(row) {
        Item::Text(label) => Column::new(&label, &label),
        _ => Column::new(&row.to_string(), &row.to_string()),
    }));
    Writer::new(args.written.format, decimals, columns).bare()
}

fn matrix(p: &Block, q: &Block, options: &Options, out: &mut Writer) -> Result {
    let at_a_time = (CELLS / q.rows.max(1)).max(1);
    let wrong = |error| blame(&error, Given::all(p), Given::all(q));
    for block in blocks(p.view(), q.view(), options, at_a_time).map_err(wrong)? {
        let block = block.map_err(wrong)?;
        for (i, values) in block.values.rows().into_iter().enumerate() {
            let mut items = vec![p.row_name(block.first + i)];
            items.extend(values.iter().map(|value| Item::Number(*value)));
            out.row(&items)?;
        }
    }
    Ok(())
}

fn neighbours(p: &Block, q: &Block, options: &Options, k: usize, out: &mut Writer) -> Result {
    if k > q.rows {
        return fail(format!("--nearest {k}: {} has no more than {} rows", q.origin.name, q.rows));
    }
    let found = nearest(p.view(), q.view(), options, k);
    let found = found.map_err(|error| blame(&error, Given::all(p), Given::all(q)))?;
    for row in 0..p.rows {
        for rank in 0..k {
            let place = match found.index[[row, rank]] {
                NONE => Item::None,
                place => q.row_name(place),
            };
            let value = Item::Number(found.value[[row, rank]]);
            out.row(&[p.row_name(row), Item::Count(rank as u64 + 1), place, value])?;
        }
    }
    Ok(())
}
