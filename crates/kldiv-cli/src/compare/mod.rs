//! `kldiv compare`: how far the columns of one file have drifted from those of another.
//!
//! Memory is bounded whatever the sizes of the files. The old file is read twice: first for a sample of each column, from
//! which the bins come, then to be counted; the new one is read once. The counts are exact.

mod bins;
mod read;

use kldiv::explain::{Term, explain};
use kldiv::{Measure, Normalization, Options, batch};

use self::bins::{Bins, MISSING, SAMPLE};
use self::read::{Chosen, Column, read};
use crate::args::{Compare, Unit};
use crate::bars::Bars;
use crate::failure::{Failure, Result, fail, of_options};
use crate::input::one_stdin;
use crate::number::{counted, grouped, short};
use crate::output::{self, Item, Writer};
use crate::plot::{self, Outcome, Picture};
use crate::progress::Progress;
use crate::rest::Rest;
use crate::words::Charset;

/// What is added to every count where a bin is empty on one side.
const SMOOTHING: f64 = 0.5;
/// The kind of a column whose bins are texts.
const CATEGORICAL: &str = "categorical";
/// How many bins a table shows.
const SHOWN: usize = 25;

pub(crate) fn run(args: &Compare) -> Result {
    let sorted = args.edges.windows(2).all(|pair| pair[0] < pair[1]);
    if !sorted || args.edges.iter().any(|edge| !edge.is_finite()) {
        return fail("--edges are finite numbers, each greater than the one before");
    }
    one_stdin(&[Some(args.old.as_str()), Some(args.new.as_str())])?;
    let progress = Progress::new();
    let columns = read(args, &progress)?;
    progress.done();
    let charset = Charset::new(args.written.ascii);
    let drifts = columns.into_iter().map(|column| Drift::new(column, args)).collect::<Result<Vec<_>>>()?;
    match (&drifts[..], &args.plot) {
        ([drift], Some(path)) => drift.plot(path)?,
        (_, Some(_)) => return fail("--plot draws one column; --column says which"),
        _ => {}
    }
    match &drifts[..] {
        [drift] if !args.summary => drift.write(args, charset)?,
        drifts => summarize(drifts, args, charset)?,
    }
    let exceeds = |drift: &&Drift| args.max_psi.is_some_and(|most| !(drift.psi <= most));
    let over: Vec<&str> = drifts.iter().filter(exceeds).map(|drift| drift.name.as_str()).collect();
    match (over.is_empty(), args.max_psi) {
        (false, Some(most)) => {
            let what = if over.len() == 1 { "column" } else { "columns" };
            Err(Failure::Exceeded(format!("PSI above {most} in {what} {}", over.join(", "))))
        }
        _ => Ok(()),
    }
}

/// One column's comparison. P is old, Q is new.
struct Drift {
    name: String,
    /// What each bin is called and how many values of old and of new are in it.
    bins: Vec<(String, [u64; 2])>,
    kind: &'static str,
    chosen: String,
    smoothing: f64,
    smoothing_chosen: &'static str,
    totals: [u64; 2],
    kl: f64,
    reverse: f64,
    /// In nats whatever the unit is: thresholds for it are.
    psi: f64,
    js: f64,
    js_distance: f64,
    /// Of the population stability index.
    terms: Vec<Term>,
}

impl Drift {
    fn new(column: Column, args: &Compare) -> Result<Drift> {
        let Column { name, counts, chosen } = column;
        let kind = if chosen == Chosen::Texts { CATEGORICAL } else { "numeric" };
        let edges = match &counts.bins {
            Bins::Ranges(edges) => edges.len() + 1,
            _ => 0,
        };
        let bins = counts.finish();
        let side = |side: usize| bins.iter().map(|(_, counts)| counts[side]).collect::<Vec<u64>>();
        let (old, new) = (side(0), side(1));
        let totals = [old.iter().sum(), new.iter().sum()];
        let chosen = said(chosen, edges, bins.len(), args.bins);
        let is_empty = bins.iter().any(|(_, [old, new])| (*old == 0) != (*new == 0));
        let (smoothing, smoothing_chosen) = match (args.smoothing, is_empty) {
            (Some(alpha), _) => (alpha, "as asked for"),
            (None, true) => (SMOOTHING, "because a bin is empty on one side"),
            (None, false) => (0.0, "no bin is empty on one side alone"),
        };
        let mut options = Options::default();
        options.normalization = Normalization::Normalize;
        options.smoothing = smoothing;
        let value = |measure: Measure, base: Option<f64>| {
            let mut options = options.clone();
            (options.measure, options.base) = (measure, base);
            let rows = batch::rows(&old[..], &new[..], &options).map_err(|error| of_options(&error))?;
            Ok(rows[0])
        };
        let base = args.unit.base();
        let mut jeffreys = options.clone();
        jeffreys.measure = Measure::Jeffreys;
        let terms = explain(&old[..], &new[..], &jeffreys).map_err(|error| of_options(&error))?;
        Ok(Drift {
            kl: value(Measure::Kl, base)?,
            reverse: value(Measure::Reverse, base)?,
            psi: value(Measure::Jeffreys, None)?,
            js: value(Measure::JENSEN_SHANNON, base)?,
            js_distance: value(Measure::JENSEN_SHANNON_DISTANCE, base)?,
            name,
            kind,
            chosen,
            smoothing,
            smoothing_chosen,
            totals,
            terms,
            bins,
        })
    }

    /// One line for each bin, then what it comes to.
    fn write(&self, args: &Compare, charset: Charset) -> Result {
        let columns = vec![
            output::Column::new("bin", &self.name).left(),
            output::Column::new("old", "old"),
            output::Column::new("new", "new"),
            output::Column::new("p", "p (old)"),
            output::Column::new("q", "q (new)"),
            output::Column::new("psi", "PSI"),
            output::Column::new("", " ").left(),
        ];
        let mut out = Writer::new(args.written.format, usize::from(args.written.digits), columns);
        for (key, item) in self.facts(args.unit) {
            out.fact(key, &item)?;
        }
        let shown = if out.is_table() { SHOWN.min(self.terms.len()) } else { self.terms.len() };
        let rest = Rest::new(&self.terms, &(0..shown).collect::<Vec<_>>());
        let drawn = self.terms[..shown].iter().map(|term| term.contribution);
        let bars = Bars::new(drawn.chain(rest.as_ref().map(|rest| rest.contribution)), charset);
        // Programs read the same everywhere.
        let charset = if out.is_table() { charset } else { Charset::ASCII };
        for ((label, [old, new]), term) in self.bins.iter().zip(&self.terms).take(shown) {
            out.row(&[
                Item::Text(if self.kind == CATEGORICAL { label.clone() } else { charset.text(label) }),
                Item::Count(*old),
                Item::Count(*new),
                Item::Share(term.p),
                Item::Share(term.q),
                Item::Number(term.contribution),
                Item::Text(bars.draw(term.contribution)),
            ])?;
        }
        if let Some(rest) = rest {
            let counted_there = |side: usize| self.bins[shown..].iter().map(|(_, counts)| counts[side]).sum();
            out.row(&[
                Item::Text(counted(rest.outcomes, "other")),
                Item::Count(counted_there(0)),
                Item::Count(counted_there(1)),
                Item::Share(rest.p),
                Item::Share(rest.q),
                Item::Number(rest.contribution),
                Item::Text(bars.draw(rest.contribution)),
            ])?;
        }
        if out.is_table() {
            for line in self.conclusion(args, charset) {
                out.say(&charset.text(&line))?;
            }
        }
        out.finish()
    }

    fn conclusion(&self, args: &Compare, charset: Charset) -> Vec<String> {
        let decimals = usize::from(args.written.digits);
        let (unit, number) = (args.unit.name(), |x: f64| short(x, decimals));
        let [old, new] = self.totals.map(grouped);
        let smoothing = match self.smoothing {
            0.0 => format!("none; {}", self.smoothing_chosen),
            alpha => format!("{alpha} added to every count, {}", self.smoothing_chosen),
        };
        let mut lines = vec![
            String::new(),
            format!("PSI           {}  {}", number(self.psi), verdict(self.psi)),
            format!("D(old‖new)    {} {unit}", number(self.kl)),
            format!("D(new‖old)    {} {unit}", number(self.reverse)),
            format!("JS            {} {unit}, distance {}", number(self.js), number(self.js_distance)),
            String::new(),
            format!("values        {old} old, {new} new"),
            format!("bins          {}", self.chosen),
            format!("smoothing     {smoothing}"),
        ];
        if !charset.is_unicode() {
            // The two bars of ASCII take a place more.
            lines
                .iter_mut()
                .filter(|line| line.contains('‖'))
                .for_each(|line| *line = line.replacen("    ", "   ", 1));
        }
        lines
    }

    fn facts(&self, unit: Unit) -> Vec<(&'static str, Item)> {
        vec![
            ("column", Item::Text(self.name.clone())),
            ("kind", Item::Text(self.kind.to_string())),
            ("unit", Item::Text(unit.name())),
            ("psi", Item::Number(self.psi)),
            ("kl", Item::Number(self.kl)),
            ("reverse", Item::Number(self.reverse)),
            ("jensen_shannon", Item::Number(self.js)),
            ("jensen_shannon_distance", Item::Number(self.js_distance)),
            ("old", Item::Count(self.totals[0])),
            ("new", Item::Count(self.totals[1])),
            ("bins", Item::Text(self.chosen.clone())),
            ("smoothing", Item::Number(self.smoothing)),
        ]
    }

    fn plot(&self, path: &str) -> Result {
        let mut drawn: Vec<usize> = (0..self.terms.len()).collect();
        let mut title = format!("{}: PSI = {}", self.name, short(self.psi, 4));
        if drawn.len() > plot::MOST {
            title.push_str(&format!(" (the first {} of {} bins)", plot::MOST, grouped(drawn.len() as u64)));
            drawn.truncate(plot::MOST);
        }
        let outcome = |i: usize| {
            let Term { p, q, contribution, .. } = self.terms[i];
            Outcome { name: self.bins[i].0.clone(), p, q, term: contribution }
        };
        let picture = Picture {
            title,
            sides: ["old".to_string(), "new".to_string()],
            values_title: "share of the values".to_string(),
            terms_title: "contributions to the population stability index".to_string(),
            outcomes: drawn.into_iter().map(outcome).collect(),
        };
        plot::draw(path, &picture)
    }
}

/// How the bins came to be, in words.
fn said(chosen: Chosen, edges: usize, count: usize, wanted: u16) -> String {
    let parts = if wanted == 10 { "deciles".to_string() } else { format!("{wanted}-quantiles") };
    match chosen {
        Chosen::Quantiles { of, all } => {
            let (sample, of) = (grouped(SAMPLE as u64), grouped(of));
            let from =
                if all { "old".to_string() } else { format!("a sample of {sample} of old's {of} values") };
            format!("{edges}, between the {parts} of {from}")
        }
        Chosen::FewNumbers => format!("{count}, one for each number that old has"),
        Chosen::Given => format!("{edges}, between the edges given"),
        Chosen::Texts => format!("{count}, one for each text"),
    }
}

/// The rule of thumb of those who use the index.
fn verdict(psi: f64) -> &'static str {
    match psi {
        _ if psi < 0.1 => "(below 0.1: by the usual rule of thumb, no shift to speak of)",
        _ if psi <= 0.25 => "(0.1 to 0.25: by the usual rule of thumb, a moderate shift)",
        _ => "(above 0.25: by the usual rule of thumb, a large shift)",
    }
}

/// One line for each column.
fn summarize(drifts: &[Drift], args: &Compare, charset: Charset) -> Result {
    let heads = [
        ("column", "column"),
        ("kind", "kind"),
        ("bins", "bins"),
        ("old", "old"),
        ("new", "new"),
        ("missing_old", "missing"),
        ("missing_new", "missing"),
        ("smoothing", "smoothing"),
        ("kl", "D(old‖new)"),
        ("reverse", "D(new‖old)"),
        ("psi", "PSI"),
        ("jensen_shannon", "JS"),
        ("jensen_shannon_distance", "√JS"),
    ];
    let column = |(key, head): (&str, &str)| {
        let column = output::Column::new(key, &charset.text(head));
        if ["column", "kind"].contains(&key) { column.left() } else { column }
    };
    let columns = heads.into_iter().map(column).collect();
    let mut out = Writer::new(args.written.format, usize::from(args.written.digits), columns);
    out.fact("unit", &Item::Text(args.unit.name()))?;
    for drift in drifts {
        let missing =
            drift.bins.last().filter(|(label, _)| label == MISSING).map_or([0; 2], |(_, counts)| *counts);
        let share = |side: usize| Item::Share(missing[side] as f64 / drift.totals[side].max(1) as f64);
        out.row(&[
            Item::Text(drift.name.clone()),
            Item::Text(drift.kind.to_string()),
            Item::Count(drift.bins.len() as u64),
            Item::Count(drift.totals[0]),
            Item::Count(drift.totals[1]),
            share(0),
            share(1),
            Item::Number(drift.smoothing),
            Item::Number(drift.kl),
            Item::Number(drift.reverse),
            Item::Number(drift.psi),
            Item::Number(drift.js),
            Item::Number(drift.js_distance),
        ])?;
    }
    let most = drifts.iter().filter(|drift| drift.psi.is_finite()).max_by(|a, b| a.psi.total_cmp(&b.psi));
    if let Some(most) = most {
        let name = &most.name;
        let psi = short(most.psi, usize::from(args.written.digits));
        out.say(&format!("\nlargest PSI: {name}, {psi}  {}", verdict(most.psi)))?;
    }
    out.finish()
}
