//! `kldiv explain`: a divergence, term by term.

use kldiv::explain::{Term, explain};
use kldiv::{Normalization, Options, batch};

use crate::args::{Explain, Name, Unit};
use crate::bars::Bars;
use crate::failure::{Result, fail};
use crate::input::{Vector, blame, one_stdin};
use crate::number::{Sum, counted, grouped, plain, short};
use crate::output::{Column, Format, Item, Writer};
use crate::plot::{self, Outcome, Picture};
use crate::progress::Progress;
use crate::rest::Rest;
use crate::words::{Charset, facts, logarithm, words};

/// How many outcomes a table shows unless it is told.
const SHOWN: usize = 20;

pub(crate) fn run(args: &Explain) -> Result {
    let progress = Progress::new();
    let options = args.measured.options()?;
    let entropy = args.measured.measure == Name::Entropy;
    one_stdin(&[Some(args.p.as_str()), args.q.as_deref()])?;
    let p = Vector::read(&args.p, "p", &progress)?;
    let q = match &args.q {
        Some(q) => Some(Vector::read(q, "q", &progress)?),
        None if entropy => None,
        None => return fail("explain needs a q, unless --measure is entropy"),
    };
    let q = q.as_ref().unwrap_or(&p);
    if p.len() != q.len() {
        let (p_name, q_name) = (p.name(), q.name());
        return fail(format!(
            "{p_name} has {} where {q_name} has {}",
            counted(p.len() as u64, "outcome"),
            q.len()
        ));
    }
    let walk = explain(p.block.flat(), q.block.flat(), &options);
    let walk = walk.map_err(|error| blame(&error, p.given(), q.given()))?;
    let value = value_of(&p, q, &options)?;
    progress.done();

    let names = names(args, &p, q)?;
    let side = |letter: &str, side: &Vector| {
        side.label().map_or(letter.to_string(), |label| format!("{letter} ({label})"))
    };
    let sides = [side("p", &p), side("q", q)];
    let walk = Walk { args, options: &options, terms: &walk, names: &names, value, entropy, sides };
    if let Some(path) = &args.plot {
        walk.plot(path)?;
    }
    walk.write(&p, q)
}

/// The measure itself, which the library sums more exactly than a table can be added up.
fn value_of(p: &Vector, q: &Vector, options: &Options) -> Result<f64> {
    let value = batch::rows(p.block.flat(), q.block.flat(), options);
    Ok(value.map_err(|error| blame(&error, p.given(), q.given()))?[0])
}

/// What the outcomes are called: as asked for, as a file has it, or by number from 0.
fn names(args: &Explain, p: &Vector, q: &Vector) -> Result<Vec<String>> {
    let count = p.len();
    if let Some(names) = &args.names {
        if names.len() != count {
            let outcomes = counted(count as u64, "outcome");
            return fail(format!(
                "--names has {} where there are {outcomes}",
                counted(names.len() as u64, "name")
            ));
        }
        return Ok(names.clone());
    }
    let from_file = [p, q].into_iter().filter_map(Vector::outcomes).find(|names| names.len() == count);
    Ok(from_file.map_or_else(|| (0..count).map(|i| i.to_string()).collect(), <[String]>::to_vec))
}

struct Walk<'a> {
    args: &'a Explain,
    options: &'a Options<'a>,
    terms: &'a [Term],
    names: &'a [String],
    value: f64,
    entropy: bool,
    /// What P and Q are called in a picture.
    sides: [String; 2],
}

impl Walk<'_> {
    /// Which outcomes are shown, in which order: all as they come, or those that contribute most.
    fn shown(&self) -> Vec<usize> {
        let of_table = if self.args.written.format == Format::Table { SHOWN } else { 0 };
        let top = self.args.top.unwrap_or(of_table);
        let mut shown: Vec<usize> = (0..self.terms.len()).collect();
        if top > 0 && top < shown.len() {
            let size = |i: &usize| self.terms[*i].contribution.abs();
            shown.sort_by(|a, b| size(b).total_cmp(&size(a)));
            shown.truncate(top);
        }
        shown
    }

    fn write(&self, p: &Vector, q: &Vector) -> Result {
        let (measured, charset) = (&self.args.measured, Charset::new(self.args.written.ascii));
        let words = words(measured.measure, measured.unit);
        let ln = logarithm(measured.unit);
        let q_head = |head: &str| if self.entropy { String::new() } else { head.to_string() };
        let columns = vec![
            Column::new("outcome", "outcome").left(),
            Column::new("p", "p"),
            Column::new("q", &q_head("q")),
            Column::new("ratio", &q_head("p/q")),
            Column::new("log_ratio", &q_head(&format!("{ln}(p/q)"))),
            Column::new("contribution", &charset.text(&words.term)),
            Column::new("share", "share"),
            Column::new("running_sum", "sum so far"),
            Column::new("", " ").left(),
        ];
        let mut out = Writer::new(self.args.written.format, usize::from(self.args.written.digits), columns);
        for (key, text) in facts(measured) {
            out.fact(key, &Item::Text(text))?;
        }
        out.fact("value", &Item::Number(self.value))?;

        let shown = self.shown();
        let rest = Rest::new(self.terms, &shown);
        let drawn = shown.iter().map(|i| self.terms[*i].contribution);
        let bars = Bars::new(drawn.chain(rest.as_ref().map(|rest| rest.contribution)), charset);
        let is_whole = |x: f64| x.fract() == 0.0 && x < 1e15;
        let counts = self.options.normalization == Normalization::AsGiven
            && self.terms.iter().all(|term| is_whole(term.p) && is_whole(term.q));
        let probability = |x: f64| if counts { Item::Count(x as u64) } else { Item::Number(x) };
        let mut sum = Sum::default();
        for i in shown {
            let term = &self.terms[i];
            sum.add(term.contribution);
            out.row(&[
                Item::Text(self.names[i].clone()),
                probability(term.p),
                probability(term.q),
                Item::Number(term.ratio),
                Item::Number(term.log_ratio),
                Item::Number(term.contribution),
                Item::Share(term.share),
                Item::Number(sum.value()),
                Item::Text(bars.draw(term.contribution)),
            ])?;
        }
        if let Some(rest) = rest {
            out.row(&[
                Item::Text(counted(rest.outcomes, "other")),
                probability(rest.p),
                probability(rest.q),
                Item::None,
                Item::None,
                Item::Number(rest.contribution),
                Item::Share(rest.share),
                Item::Number(self.value),
                Item::Text(bars.draw(rest.contribution)),
            ])?;
        }
        if out.is_table() {
            for line in self.conclusion(p, q, charset, words.symbol)? {
                out.say(&charset.text(&line))?;
            }
        }
        out.finish()
    }

    /// What it comes to, in words.
    fn conclusion(&self, p: &Vector, q: &Vector, charset: Charset, symbol: &str) -> Result<Vec<String>> {
        let measured = &self.args.measured;
        let decimals = usize::from(self.args.written.digits);
        let unit = measured.unit;
        let mut value = format!("{} {}", short(self.value, decimals), unit.name());
        // The other of nats and bits.
        let other = match unit.base() {
            None => Unit { base: None, bits: true },
            Some(_) => Unit { base: None, bits: false },
        };
        if self.value.is_finite() && self.value != 0.0 {
            let mut options = self.options.clone();
            options.base = other.base();
            value.push_str(&format!(" = {} {}", short(value_of(p, q, &options)?, decimals), other.name()));
        } else if self.value.is_infinite() {
            value = short(self.value, decimals);
        }
        let mut lines = vec![String::new(), format!("{} = {value}", charset.text(symbol))];
        let ruled_out = self.terms.iter().position(|term| term.contribution.is_infinite());
        if let Some(i) = ruled_out {
            let (term, name) = (&self.terms[i], &self.names[i]);
            let (p, q) = (short(term.p, decimals), short(term.q, decimals));
            let count = self.terms.iter().filter(|term| term.contribution.is_infinite()).count();
            let more = if count > 1 { format!(" ({count} such outcomes)") } else { String::new() };
            let who = if term.q == 0.0 {
                "Q rules out what P lets happen"
            } else {
                "P rules out what Q lets happen"
            };
            lines.push(format!("Infinite, because outcome {name} has p = {p} and q = {q}: {who}{more}."));
            lines.push("No epsilon was added; --smoothing ALPHA adds ALPHA to every count.".to_string());
        }
        let (mut p_sum, mut q_sum) = (Sum::default(), Sum::default());
        for term in self.terms {
            p_sum.add(term.p);
            q_sum.add(term.q);
        }
        let (p_sum, q_sum) = (p_sum.value(), q_sum.value());
        let is_one = |sum: f64| (sum - 1.0).abs() <= Options::MASS_TOLERANCE;
        if !(is_one(p_sum) && is_one(q_sum)) {
            let (p_sum, q_sum) = (plain(p_sum, decimals), plain(q_sum, decimals));
            lines.push(format!(
                "P sums to {p_sum} and Q to {q_sum}, taken as given; --normalize divides by the sums."
            ));
        } else if measured.measure == Name::Kl && ruled_out.is_none() {
            let value = short(self.value, decimals);
            lines.push(format!(
                "Expecting Q where P is true costs {value} {} an outcome, on average.",
                unit.name()
            ));
        }
        Ok(lines)
    }

    fn plot(&self, path: &str) -> Result {
        let measured = &self.args.measured;
        let words = words(measured.measure, measured.unit);
        let decimals = usize::from(self.args.written.digits);
        let mut drawn: Vec<usize> = (0..self.terms.len()).collect();
        let mut title =
            format!("{} = {} {}", words.symbol, short(self.value, decimals), measured.unit.name());
        if drawn.len() > plot::MOST {
            let size = |i: &usize| self.terms[*i].contribution.abs();
            drawn.sort_by(|a, b| size(b).total_cmp(&size(a)));
            drawn.truncate(plot::MOST);
            drawn.sort_unstable();
            let (most, all) = (plot::MOST, grouped(self.terms.len() as u64));
            title.push_str(&format!(" (the {most} largest of {all} contributions)"));
        }
        let outcome = |i: &usize| {
            let Term { p, q, contribution, .. } = self.terms[*i];
            Outcome { name: self.names[*i].clone(), p, q, term: contribution }
        };
        let picture = Picture {
            title,
            sides: self.sides.clone(),
            values_title: "p and q".to_string(),
            terms_title: format!("contributions: {}", words.term),
            outcomes: drawn.iter().map(outcome).collect(),
        };
        plot::draw(path, &picture)
    }
}
