//! Two files, column by column: a first look at the old one, then both are counted.

use super::bins::{Bins, Counts, MOST_TEXTS, Sample};
use crate::args::Compare;
use crate::failure::{Failure, Result, fail, wrong};
use crate::input::{Cell, Origin, Source, is_stdin, no_column, open_columns};
use crate::progress::Progress;

/// One column of both files.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) counts: Counts,
    /// How the bins came to be.
    pub(super) chosen: Chosen,
}

/// Where bins come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// Quantiles of old: of all its numbers, or of a sample of so many.
    Quantiles {
        of: u64,
        all: bool,
    },
    /// Old has few different numbers.
    FewNumbers,
    Given,
    Texts,
}

/// What a first look at a column of old gathers.
struct Look {
    /// Whether it holds numbers; unknown while all is missing.
    numeric: Option<bool>,
    sample: Sample,
}

/// Reads both.
pub(super) fn read(args: &Compare, progress: &Progress) -> Result<Vec<Column>> {
    if is_stdin(&args.old) {
        return fail("old is read twice, for its bins and for its counts, and cannot be standard input");
    }
    let open = |argument: &str, role| open_columns(argument, role, &args.column, progress);
    // All at once, so that what is to be read is known, and whether it is there.
    let (mut old, mut again, mut new) =
        (open(&args.old, "old")?, open(&args.old, "old")?, open(&args.new, "new")?);
    let names = if args.column.is_empty() { old.columns() } else { args.column.clone() };
    if let Some(twice) = (1..names.len()).find(|i| names[..*i].contains(&names[*i])) {
        return fail(format!(
            "{} has more than one column {}; there is no telling which",
            args.old, names[twice]
        ));
    }
    for name in &args.categorical {
        if !names.contains(name) {
            return Err(no_column(name, &names, true, &args.old));
        }
    }
    let mut columns = learn(args, &mut *old, &names)?;
    drop(old);
    count(&mut *again, &mut columns, 0)?;
    count(&mut *new, &mut columns, 1)?;
    Ok(columns)
}

/// For each column of a source its place among the columns wanted.
fn places(source: &dyn Source, names: &[String]) -> Result<Vec<Option<usize>>> {
    let found = source.columns();
    if found.len() == 1 && names.len() == 1 {
        return Ok(vec![Some(0)]);
    }
    let has_names = source.origin().columns.is_some();
    if let Some(missing) = names.iter().find(|name| !found.contains(name)) {
        return Err(no_column(missing, &found, has_names, &source.origin().name));
    }
    Ok(found.iter().map(|name| names.iter().position(|wanted| wanted == name)).collect())
}

fn learn(args: &Compare, old: &mut dyn Source, names: &[String]) -> Result<Vec<Column>> {
    let places = places(old, names)?;
    let as_text: Vec<bool> = names.iter().map(|name| args.categorical.contains(name)).collect();
    let numeric = |i: usize| if as_text[i] { Some(false) } else { None };
    let mut looks: Vec<Look> =
        (0..names.len()).map(|i| Look { numeric: numeric(i), sample: Sample::new() }).collect();
    let origin = old.origin().clone();
    old.scan(&mut |at, col, cell| {
        let Some(place) = places[col] else { return Ok(()) };
        let look = &mut looks[place];
        let numeric = *look.numeric.get_or_insert_with(|| match &cell {
            Cell::Missing | Cell::Number(_) => true,
            Cell::Text(text) => text.parse::<f64>().is_ok(),
        });
        if matches!(cell, Cell::Missing) {
            // Not yet known.
            if look.sample.seen() == 0 && numeric && !as_text[place] {
                look.numeric = None;
            }
        } else if numeric {
            look.sample.add(number(&cell, &origin, at, col)?);
        }
        Ok(())
    })?;
    let column = |(name, look): (&String, Look)| {
        let (seen, all) = (look.sample.seen(), look.sample.is_all());
        let (bins, chosen) = if look.numeric != Some(true) {
            (Bins::Texts, Chosen::Texts)
        } else if !args.edges.is_empty() {
            (Bins::Ranges(args.edges.clone()), Chosen::Given)
        } else {
            let bins = Bins::learn(look.sample, usize::from(args.bins));
            let few = matches!(bins, Bins::Values(_));
            (bins, if few { Chosen::FewNumbers } else { Chosen::Quantiles { of: seen, all } })
        };
        Column { name: name.clone(), counts: Counts::new(bins), chosen }
    };
    Ok(names.iter().zip(looks).map(column).collect())
}

/// Counts one side.
fn count(source: &mut dyn Source, columns: &mut [Column], side: usize) -> Result {
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let places = places(source, &names)?;
    let origin = source.origin().clone();
    source.scan(&mut |at, col, cell| {
        let Some(place) = places[col] else { return Ok(()) };
        let Column { name, counts, chosen } = &mut columns[place];
        match (&cell, *chosen) {
            (Cell::Missing, _) => counts.missing(side),
            (cell, Chosen::Texts) => {
                let fits = match cell {
                    Cell::Text(text) => counts.text(side, text),
                    Cell::Number(x) => counts.text(side, &crate::number::exact(*x)),
                    Cell::Missing => true,
                };
                if !fits {
                    let file = &origin.name;
                    return fail(format!(
                        "{file}, column {name} has more than {MOST_TEXTS} different texts; --column chooses others"
                    ));
                }
            }
            (cell, _) => counts.number(side, number(cell, &origin, at, col)?),
        }
        Ok(())
    })
}

/// A cell of a column of numbers.
fn number(cell: &Cell, origin: &Origin, at: u64, col: usize) -> Result<f64> {
    match cell {
        Cell::Number(x) => Ok(*x),
        Cell::Text(text) => text.parse().map_err(|_| no_number(text, origin, at, col)),
        Cell::Missing => Ok(f64::NAN),
    }
}

fn no_number(text: &str, origin: &Origin, at: u64, col: usize) -> Failure {
    let place = origin.place(at, col, Some(at));
    let name =
        origin.columns.as_ref().and_then(|names| names.get(col).cloned()).unwrap_or_else(|| col.to_string());
    let text: String = text.chars().take(40).collect();
    wrong(format!(
        "{place} is \"{text}\", which is no number as those of old are; --categorical {name} takes all as text"
    ))
}
