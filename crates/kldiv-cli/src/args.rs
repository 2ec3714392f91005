//! What can be asked for.

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use kldiv::{Measure, Normalization, Options};

use crate::failure::{Result, fail};
use crate::output::Format;

/// How data is named; at the end of every help.
const DATA: &str = "\
DATA is one of
  0.5,0.5       numbers, one row; 0.5,0.5;0.9,0.1 is two rows
  p.npy         a file: .npy, .npz, Parquet or text (CSV, tabs, semicolons, spaces)
  p.csv:heads   a column of it, or a row that begins with this text; an array of an .npz
  p.csv:a,b     some columns; by number, from 0, where they have no names
  -             standard input, text or .npy; -:heads a column of it
  @0.5          a file, whatever its name looks like
Rows are distributions, columns outcomes. A first line that is not all numbers names the
columns; a first column of text names the rows.";

/// The Kullback-Leibler divergence, explained, plotted, and computed from files.
///
/// D(P||Q) = sum p ln(p/q): what it costs to expect Q where P is true. P comes first, Q second, always. Numbers are taken
/// as given: --normalize divides by their sum. Where q is 0 and p is not the divergence is infinite, an answer and no
/// error; no epsilon is ever added unless --smoothing asks for one.
#[derive(Debug, Parser)]
#[command(
    name = "kldiv",
    version,
    propagate_version = true,
    after_help = "Try: kldiv explain 0.5,0.5 0.7,0.3"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Explain(Explain),
    Rows(Rows),
    Pairwise(Pairwise),
    Compare(Compare),
    Family(Family),
    Completions(Completions),
    Man(Man),
}

/// Work out one divergence term by term: p, q, their ratio, its logarithm, the contribution of each outcome.
#[derive(Debug, Args)]
#[command(after_help = DATA)]
pub(crate) struct Explain {
    /// The distribution that is true: DATA of one row or one column.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) p: String,
    /// The distribution that is expected; not needed for --measure entropy.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) q: Option<String>,
    /// Names of the outcomes, with commas between.
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    pub(crate) names: Option<Vec<String>>,
    /// Show the outcomes that contribute most, and all others in one line; 0 for all. [default: 20 in a table, else 0]
    #[arg(long, value_name = "K")]
    pub(crate) top: Option<usize>,
    /// Draw p and q side by side, and the contributions below, as SVG.
    #[arg(long, value_name = "FILE.svg", value_hint = ValueHint::FilePath)]
    pub(crate) plot: Option<String>,
    #[command(flatten)]
    pub(crate) measured: Measured,
    #[command(flatten)]
    pub(crate) written: Written,
}

/// Compute the divergence of each row of P from the same row of Q.
///
/// Rows are read, computed and written some at a time, so files may be larger than memory. One row beside many stands for
/// as many.
#[derive(Debug, Args)]
#[command(after_help = DATA)]
pub(crate) struct Rows {
    /// The distributions that are true: DATA.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) p: String,
    /// The distributions that are expected; not needed for --measure entropy.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) q: Option<String>,
    /// One number for all rows: their sum or their mean.
    #[arg(long, value_enum, value_name = "sum|mean", hide_possible_values = true)]
    pub(crate) reduce: Option<Reduce>,
    /// A row that is no distribution is nan instead of an error.
    #[arg(long)]
    pub(crate) skip_bad: bool,
    #[command(flatten)]
    pub(crate) measured: Measured,
    #[command(flatten)]
    pub(crate) written: Written,
}

/// Compute every row of P against every row of Q, or find the nearest rows.
///
/// Q is held in memory; P is read, and results are written, some rows at a time.
#[derive(Debug, Args)]
#[command(after_help = DATA)]
pub(crate) struct Pairwise {
    /// The distributions of the rows of the result: DATA.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) p: String,
    /// Those of its columns. [default: P]
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) q: Option<String>,
    /// Only the K rows of Q with the smallest divergences from each row of P, the smallest first.
    #[arg(long, value_name = "K")]
    pub(crate) nearest: Option<usize>,
    /// A row that is no distribution is nan instead of an error.
    #[arg(long)]
    pub(crate) skip_bad: bool,
    #[command(flatten)]
    pub(crate) measured: Measured,
    #[command(flatten)]
    pub(crate) written: Written,
}

/// Measure how far the columns of a file have drifted: KL, PSI and Jensen-Shannon of old and new.
///
/// P is old, Q is new. Numbers are counted between the deciles of the old column (or one by one, if there are no more
/// than ten different ones), texts one by one; missing values are a bin of their own. Where a bin is empty on one side, 0.5
/// is added to every count. With one column, a line for each bin; with several, a line for each column.
///
/// Memory is bounded: old is read twice, first for a sample of 131,072 values a column, from which its deciles come. The
/// counts are exact.
#[derive(Debug, Args)]
#[command(after_help = DATA)]
pub(crate) struct Compare {
    /// What was: DATA, a column is compared with the column of the same name.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) old: String,
    /// What is.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) new: String,
    /// The column to compare; several times for several. [default: all that old has]
    #[arg(long, value_name = "NAME")]
    pub(crate) column: Vec<String>,
    /// How many bins for a column of numbers, at most: the edges are quantiles of old.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..=10000))]
    pub(crate) bins: u16,
    /// The edges between bins, instead: below the first, from each to the next, from the last on.
    #[arg(long, value_name = "X,X,X", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) edges: Vec<f64>,
    /// Take a column of numbers as text; several times for several.
    #[arg(long, value_name = "NAME")]
    pub(crate) categorical: Vec<String>,
    /// Add ALPHA to each count. [default: 0.5 where a bin is empty on one side, else 0]
    #[arg(long, value_name = "ALPHA")]
    pub(crate) smoothing: Option<f64>,
    /// End with status 1 if the PSI of any column is above this.
    #[arg(long, value_name = "PSI")]
    pub(crate) max_psi: Option<f64>,
    /// A line for each column also where there is one only.
    #[arg(long)]
    pub(crate) summary: bool,
    /// Draw the shares of old and new side by side, and what each bin contributes to the PSI, as SVG.
    #[arg(long, value_name = "FILE.svg", value_hint = ValueHint::FilePath)]
    pub(crate) plot: Option<String>,
    #[command(flatten)]
    pub(crate) unit: Unit,
    #[command(flatten)]
    pub(crate) written: Written,
}

/// Compute divergences of distributions given by their parameters: kldiv family normal:0,1 normal:1,2
///
/// A distribution is the name of a family, a colon, and its parameters: DATA, whose rows are distributions. One row beside
/// many stands for as many. Families of two kinds may be compared where both are of real numbers, or both of counts.
#[derive(Debug, Args)]
#[command(after_help = DATA)]
pub(crate) struct Family {
    /// The distribution that is true: FAMILY:DATA.
    #[arg(required_unless_present = "list")]
    pub(crate) p: Option<String>,
    /// The distribution that is expected; not needed for --measure entropy.
    pub(crate) q: Option<String>,
    /// List every family and its parameters.
    #[arg(long)]
    pub(crate) list: bool,
    /// The dimension of mvnormal_lowrank, whose parameters do not tell it.
    #[arg(long, value_name = "D")]
    pub(crate) dim: Option<u32>,
    /// One number for all rows: their sum or their mean.
    #[arg(long, value_enum, value_name = "sum|mean", hide_possible_values = true)]
    pub(crate) reduce: Option<Reduce>,
    #[command(flatten)]
    pub(crate) measured: Measured,
    #[command(flatten)]
    pub(crate) written: Written,
}

/// What the results of rows may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reduce {
    Sum,
    Mean,
}

impl Reduce {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Reduce::Sum => "sum",
            Reduce::Mean => "mean",
        }
    }
}

/// What is computed.
#[derive(Debug, Args)]
pub(crate) struct Measured {
    /// The measure.
    #[arg(long, value_enum, default_value_t = Name::Kl, hide_possible_values = true, value_name = "MEASURE",
        help = "kl, generalized, reverse, jeffreys, jensen-shannon, jensen-shannon-distance, renyi, entropy or cross-entropy")]
    pub(crate) measure: Name,
    /// The order of a Renyi divergence, above 0; inf is allowed.
    #[arg(long, value_name = "ALPHA", required_if_eq("measure", "renyi"))]
    pub(crate) alpha: Option<f64>,
    /// The weight of P in the mixture of a Jensen-Shannon divergence.
    #[arg(long, value_name = "W", default_value_t = 0.5)]
    pub(crate) js_weight: f64,
    /// Divide each row by its sum.
    #[arg(long)]
    pub(crate) normalize: bool,
    /// Refuse a row whose sum is further from 1 than 1e-6.
    #[arg(long, conflicts_with_all = ["normalize", "smoothing"])]
    pub(crate) require_normalized: bool,
    /// Add ALPHA to each count, and normalize: (c + ALPHA)/(N + ALPHA K).
    #[arg(long, value_name = "ALPHA")]
    pub(crate) smoothing: Option<f64>,
    #[command(flatten)]
    pub(crate) unit: Unit,
}

/// The unit of the results.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Unit {
    /// The base of the logarithm. [default: e]
    #[arg(long)]
    pub(crate) base: Option<f64>,
    /// Bits: the same as --base 2.
    #[arg(long, conflicts_with = "base")]
    pub(crate) bits: bool,
}

/// How it is written.
#[derive(Debug, Args)]
pub(crate) struct Written {
    /// How to write the results.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true,
        help = "table, csv or json"
    )]
    pub(crate) format: Format,
    /// Decimals in a table; CSV and JSON have every digit.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(0..=17))]
    pub(crate) digits: u8,
    /// No characters beyond ASCII in a table; so it is too where the locale is not UTF-8.
    #[arg(long)]
    pub(crate) ascii: bool,
}

/// The measures by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    Kl,
    Generalized,
    Reverse,
    Jeffreys,
    JensenShannon,
    JensenShannonDistance,
    Renyi,
    Entropy,
    CrossEntropy,
}

impl Name {
    /// As it is written in an argument.
    pub(crate) fn text(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
    }
}

impl Unit {
    pub(crate) fn base(self) -> Option<f64> {
        if self.bits { Some(2.0) } else { self.base }
    }

    /// What a result is counted in.
    pub(crate) fn name(self) -> String {
        match self.base() {
            None => "nats".to_string(),
            Some(2.0) => "bits".to_string(),
            Some(10.0) => "bans".to_string(),
            Some(base) => format!("in base {base}"),
        }
    }
}

impl Measured {
    /// The library's options.
    pub(crate) fn options(&self) -> Result<Options<'static>> {
        let mut options = Options::from(match self.measure {
            Name::Kl => Measure::Kl,
            Name::Generalized => Measure::Generalized,
            Name::Reverse => Measure::Reverse,
            Name::Jeffreys => Measure::Jeffreys,
            Name::JensenShannon => Measure::JensenShannon { weight: self.js_weight },
            Name::JensenShannonDistance => Measure::JensenShannonDistance { weight: self.js_weight },
            Name::Renyi => match self.alpha {
                Some(alpha) => Measure::Renyi { alpha },
                None => return fail("--measure renyi needs --alpha, its order"),
            },
            Name::Entropy => Measure::Entropy,
            Name::CrossEntropy => Measure::CrossEntropy,
        });
        options.base = self.unit.base();
        options.smoothing = self.smoothing.unwrap_or(0.0);
        options.normalization = if self.normalize || self.smoothing.is_some() {
            Normalization::Normalize
        } else if self.require_normalized {
            Normalization::Require
        } else {
            Normalization::AsGiven
        };
        Ok(options)
    }
}

/// Print completions for a shell.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// bash, zsh, fish, elvish or powershell.
    pub(crate) shell: Shell,
}

/// Print the manual page, for man to read: `kldiv man | man -l -`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// A subcommand, for its own page.
    pub(crate) command: Option<String>,
}
