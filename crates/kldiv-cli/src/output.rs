//! The one way out: rows and facts, as a table for people, as CSV or as JSON.
//!
//! A table keeps back its first rows to learn how wide the columns are; everything else goes out as it comes, so that
//! there may be more rows than memory holds.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::failure::{Result, writing};
use crate::number::{exact, grouped, percent, short};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people.
    #[default]
    Table,
    /// Comma-separated values, every digit.
    Csv,
    /// One JSON object, every digit; infinity is the string "inf".
    Json,
}

/// How many rows the width of a table's columns is learnt from.
const KEPT_BACK: usize = 512;

/// What stands in one place.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Text(String),
    Number(f64),
    Count(u64),
    /// A part of a whole; a table shows percent.
    Share(f64),
    /// Nothing there.
    None,
}

/// A column of the rows.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Its name in CSV and JSON; a column without one is in tables alone.
    key: String,
    /// Its head in a table; a column without one is not.
    head: String,
    left: bool,
}

impl Column {
    pub(crate) fn new(key: &str, head: &str) -> Column {
        Column { key: key.to_string(), head: head.to_string(), left: false }
    }

    /// Text, which begins at the left.
    pub(crate) fn left(self) -> Column {
        Column { left: true, ..self }
    }
}

/// Where rows and facts go.
pub(crate) struct Writer {
    out: BufWriter<Box<dyn Write>>,
    format: Format,
    columns: Vec<Column>,
    decimals: usize,
    kept: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
    stage: Stage,
    facts: usize,
    /// JSON's rows are arrays of the numbers rather than objects.
    bare: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Before,
    Rows { first: bool },
    After,
}

impl Writer {
    pub(crate) fn new(format: Format, decimals: usize, columns: Vec<Column>) -> Writer {
        let out: Box<dyn Write> = Box::new(io::stdout().lock());
        let (out, kept) = (BufWriter::with_capacity(1 << 16, out), Vec::new());
        Writer {
            out,
            format,
            columns,
            decimals,
            kept,
            widths: None,
            stage: Stage::Before,
            facts: 0,
            bare: false,
        }
    }

    /// JSON's rows as arrays without keys: a matrix.
    pub(crate) fn bare(mut self) -> Writer {
        self.bare = true;
        self
    }

    pub(crate) fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// A line for people, before the rows or after them.
    pub(crate) fn say(&mut self, line: &str) -> Result {
        if self.format != Format::Table {
            return Ok(());
        }
        self.end_rows()?;
        self.put(line.trim_end())?;
        self.put("\n")
    }

    /// A fact for programs, before the rows or after them: JSON alone has it.
    pub(crate) fn fact(&mut self, key: &str, item: &Item) -> Result {
        if self.format != Format::Json {
            return Ok(());
        }
        self.end_rows()?;
        let (open, value) = (if self.facts == 0 { "{" } else { "," }, json(item));
        self.facts += 1;
        self.put(&format!("{open}\n  {}: {value}", Value::from(key)))
    }

    /// One row: an item for each column.
    pub(crate) fn row(&mut self, items: &[Item]) -> Result {
        debug_assert_eq!(items.len(), self.columns.len());
        let begins = !matches!(self.stage, Stage::Rows { .. });
        if begins {
            self.stage = Stage::Rows { first: true };
        }
        match self.format {
            Format::Table => self.table_row(items),
            Format::Csv => self.csv_row(items, begins),
            Format::Json => self.json_row(items, begins),
        }
    }

    fn table_row(&mut self, items: &[Item]) -> Result {
        let decimals = self.decimals;
        let shown = self.columns.iter().zip(items).filter(|(column, _)| !column.head.is_empty());
        let cells: Vec<String> = shown
            .map(|(_, item)| match item {
                Item::Text(text) => text.clone(),
                Item::Number(x) => short(*x, decimals),
                Item::Count(n) => grouped(*n),
                Item::Share(x) => percent(*x),
                Item::None => String::new(),
            })
            .collect();
        match self.widths.take() {
            Some(widths) => {
                self.put_cells(&cells, &widths)?;
                self.widths = Some(widths);
            }
            None => {
                self.kept.push(cells);
                if self.kept.len() == KEPT_BACK {
                    self.let_go()?;
                }
            }
        }
        Ok(())
    }

    /// Writes a table's head and the rows kept back.
    fn let_go(&mut self) -> Result {
        let kept = std::mem::take(&mut self.kept);
        let heads: Vec<String> = self
            .columns
            .iter()
            .filter(|column| !column.head.is_empty())
            .map(|column| column.head.clone())
            .collect();
        let mut widths: Vec<usize> = heads.iter().map(|head| head.width()).collect();
        for row in &kept {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        self.put_cells(&heads, &widths)?;
        for row in &kept {
            self.put_cells(row, &widths)?;
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn put_cells(&mut self, cells: &[String], widths: &[usize]) -> Result {
        let mut line = String::new();
        let columns = self.columns.iter().filter(|column| !column.head.is_empty());
        for ((column, cell), width) in columns.zip(cells).zip(widths) {
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            if !line.is_empty() {
                line.push_str("  ");
            }
            let (before, after) = if column.left { ("", &*pad) } else { (&*pad, "") };
            line.extend([before, cell, after]);
        }
        self.put(line.trim_end())?;
        self.put("\n")
    }

    fn csv_row(&mut self, items: &[Item], begins: bool) -> Result {
        let with_key = |columns: &[Column], i: usize| !columns[i].key.is_empty();
        let chosen: Vec<usize> = (0..items.len()).filter(|i| with_key(&self.columns, *i)).collect();
        let mut line = String::new();
        if begins {
            let keys: Vec<String> = chosen.iter().map(|i| quoted(&self.columns[*i].key)).collect();
            line.push_str(&keys.join(","));
            line.push('\n');
        }
        for (place, i) in chosen.into_iter().enumerate() {
            if place > 0 {
                line.push(',');
            }
            match &items[i] {
                Item::Text(text) => line.push_str(&quoted(text)),
                Item::Number(x) | Item::Share(x) => line.push_str(&exact(*x)),
                Item::Count(n) => line.push_str(&n.to_string()),
                Item::None => {}
            }
        }
        line.push('\n');
        self.put(&line)
    }

    fn json_row(&mut self, items: &[Item], begins: bool) -> Result {
        let mut line = String::new();
        if begins {
            line.push_str(if self.facts == 0 { "{" } else { "," });
            line.push_str("\n  \"rows\": [");
            self.facts += 1;
        }
        let Stage::Rows { first } = &mut self.stage else { return Ok(()) };
        line.push_str(if std::mem::take(first) { "\n    " } else { ",\n    " });
        let keyed = self.columns.iter().zip(items).filter(|(column, _)| !column.key.is_empty());
        let parts: Vec<String> = if self.bare {
            keyed
                .filter(|(_, item)| matches!(item, Item::Number(_)))
                .map(|(_, item)| json(item).to_string())
                .collect()
        } else {
            keyed
                .map(|(column, item)| format!("{}: {}", Value::from(column.key.as_str()), json(item)))
                .collect()
        };
        let (open, close) = if self.bare { ('[', ']') } else { ('{', '}') };
        line.push(open);
        line.push_str(&parts.join(", "));
        line.push(close);
        self.put(&line)
    }

    /// After this no row comes.
    fn end_rows(&mut self) -> Result {
        if !matches!(self.stage, Stage::Rows { .. }) {
            return Ok(());
        }
        self.stage = Stage::After;
        match self.format {
            Format::Table if self.widths.is_none() => self.let_go(),
            Format::Table | Format::Csv => Ok(()),
            Format::Json => self.put("\n  ]"),
        }
    }

    /// Ends the output.
    pub(crate) fn finish(mut self) -> Result {
        self.end_rows()?;
        if self.format == Format::Json {
            self.put(if self.facts == 0 { "{}\n" } else { "\n}\n" })?;
        }
        self.out.flush().map_err(writing)
    }

    fn put(&mut self, text: &str) -> Result {
        self.out.write_all(text.as_bytes()).map_err(writing)
    }
}

fn json(item: &Item) -> Value {
    match item {
        Item::Text(text) => Value::from(text.as_str()),
        Item::Number(x) | Item::Share(x) if x.is_finite() => Value::from(*x),
        Item::Number(x) | Item::Share(x) => Value::from(exact(*x)),
        Item::Count(n) => Value::from(*n),
        Item::None => Value::Null,
    }
}

/// A field of CSV.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}
