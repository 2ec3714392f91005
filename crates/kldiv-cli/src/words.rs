//! What measures and units are called, in Unicode or in ASCII.

use crate::args::{Measured, Name, Unit};

/// Which characters may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charset {
    unicode: bool,
}

impl Charset {
    pub(crate) const ASCII: Charset = Charset { unicode: false };

    /// Unicode, unless that is not wanted or the locale is another.
    pub(crate) fn new(ascii: bool) -> Charset {
        // The first of these that is set decides, as in C's setlocale.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
        let locale =
            locale.into_iter().find(|value| !value.is_empty()).unwrap_or_default().to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8") || cfg!(windows);
        Charset { unicode: utf8 && !ascii }
    }

    pub(crate) fn is_unicode(self) -> bool {
        self.unicode
    }

    /// A text of this project's, whose only characters beyond ASCII are these.
    pub(crate) fn text(self, text: &str) -> String {
        if self.unicode {
            return text.to_string();
        }
        let mut ascii = String::new();
        for c in text.chars() {
            match c {
                '‖' => ascii.push_str("||"),
                'Σ' => ascii.push_str("sum"),
                '·' => ascii.push('*'),
                '√' => ascii.push_str("sqrt "),
                '≥' => ascii.push_str(">="),
                '−' => ascii.push('-'),
                other => ascii.push(other),
            }
        }
        ascii
    }
}

/// A measure in formulas.
pub(crate) struct Words {
    /// As `D(P‖Q)`.
    pub(crate) symbol: &'static str,
    /// One outcome's term.
    pub(crate) term: String,
}

/// The logarithm of a unit.
pub(crate) fn logarithm(unit: Unit) -> &'static str {
    match unit.base() {
        None => "ln",
        Some(2.0) => "log2",
        Some(10.0) => "log10",
        Some(_) => "log",
    }
}

pub(crate) fn words(name: Name, unit: Unit) -> Words {
    let ln = logarithm(unit);
    let (symbol, term) = match name {
        Name::Kl => ("D(P‖Q)", format!("p·{ln}(p/q)")),
        Name::Generalized => ("Dgen(P‖Q)", format!("p·{ln}(p/q)−p+q")),
        Name::Reverse => ("D(Q‖P)", format!("q·{ln}(q/p)")),
        Name::Jeffreys => ("J(P, Q)", format!("(p−q)·{ln}(p/q)")),
        Name::JensenShannon => ("JS(P, Q)", "term".to_string()),
        Name::JensenShannonDistance => ("√JS(P, Q)", "term".to_string()),
        Name::Renyi => ("R(P‖Q)", "term".to_string()),
        Name::Entropy => ("H(P)", format!("−p·{ln}(p)")),
        Name::CrossEntropy => ("H(P, Q)", format!("−p·{ln}(q)")),
    };
    Words { symbol, term }
}

/// The measure and the unit that the output's facts name.
pub(crate) fn facts(measured: &Measured) -> [(&'static str, String); 2] {
    let unit = match measured.unit.base() {
        Some(base) if base != 2.0 && base != 10.0 => base.to_string(),
        _ => measured.unit.name(),
    };
    [("measure", measured.measure.text()), ("unit", unit)]
}
