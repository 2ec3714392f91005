//! Rows of numbers, and where each came from.

use std::rc::Rc;

use half::f16;
use kldiv::{Error, View};
use ndarray::ArrayView2;

use crate::failure::{Failure, Result, fail, of_options, wrong};
use crate::output::Item;

/// How a place in an input is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By a row's line in a file of text.
    Text,
    /// By a row's number in a table.
    Table,
    /// By indices.
    Array,
    /// By one index.
    Vector,
}

/// What an input is called and what its columns are.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The columns' names; none where they have none.
    pub(crate) columns: Option<Vec<String>>,
}

impl Origin {
    /// What a column is called; by its number, from 0, where it has no name.
    pub(crate) fn column(&self, col: usize) -> String {
        match self.columns.as_ref().and_then(|names| names.get(col)) {
            Some(name) => format!("column {name}"),
            None => format!("column {col}"),
        }
    }

    /// Where a number is. `line` is that of its row in the file.
    pub(crate) fn place(&self, row: u64, col: usize, line: Option<u64>) -> String {
        let name = &self.name;
        match self.kind {
            Kind::Text => format!("{name}, line {}, {}", line.unwrap_or(row + 1), self.column(col)),
            Kind::Table => format!("{name}, row {row}, {}", self.column(col)),
            Kind::Array => format!("{name}[{row}, {col}]"),
            Kind::Vector => format!("{name}[{}]", row + col as u64),
        }
    }

    /// Where a row is.
    pub(crate) fn row(&self, row: u64, line: Option<u64>) -> String {
        match (self.kind, line) {
            (Kind::Text, Some(line)) => format!("{}, line {line}", self.name),
            (Kind::Vector, _) => self.name.clone(),
            _ => format!("{}, row {row}", self.name),
        }
    }
}

/// Numbers as they are stored, so that their type decides the arithmetic as it does everywhere else.
#[derive(Debug)]
pub(crate) enum Cells {
    F64(Vec<f64>),
    F32(Vec<f32>),
    F16(Vec<f16>),
    I64(Vec<i64>),
    U64(Vec<u64>),
}

/// `$body` with `$cells` as the vector, of whatever type.
macro_rules! each_type {
    ($self:expr, $cells:ident => $body:expr) => {
        match $self {
            Cells::F64($cells) => $body,
            Cells::F32($cells) => $body,
            Cells::F16($cells) => $body,
            Cells::I64($cells) => $body,
            Cells::U64($cells) => $body,
        }
    };
}

/// Successive rows of an input, one after another in memory.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) origin: Rc<Origin>,
    /// The number of the first row, from 0.
    pub(crate) first: u64,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) cells: Cells,
    /// The rows' lines in a file of text, from 1.
    pub(crate) lines: Option<Vec<u64>>,
    /// What the rows are called, where the file says so.
    pub(crate) labels: Option<Vec<String>>,
}

impl Block {
    /// The matrix.
    pub(crate) fn view(&self) -> View<'_> {
        self.part(0, self.rows)
    }

    /// The matrix of some of the rows.
    pub(crate) fn part(&self, from: usize, rows: usize) -> View<'_> {
        self.shaped(from * self.cols, rows, self.cols)
    }

    /// All numbers as one row.
    pub(crate) fn flat(&self) -> View<'_> {
        self.shaped(0, 1, self.rows * self.cols)
    }

    fn shaped(&self, start: usize, rows: usize, cols: usize) -> View<'_> {
        each_type!(&self.cells, cells => {
            let cells = &cells[start..start + rows * cols];
            ArrayView2::from_shape((rows, cols), cells).expect("as many cells as the shape has").into()
        })
    }

    /// A number, as f64.
    pub(crate) fn get(&self, row: usize, col: usize) -> f64 {
        use kldiv::Element;
        each_type!(&self.cells, cells => cells[row * self.cols + col].to_f64())
    }

    /// Puts the rows of the next block behind these.
    pub(crate) fn append(&mut self, next: Block) -> Result {
        match (&mut self.cells, next.cells) {
            (Cells::F64(mine), Cells::F64(more)) => mine.extend(more),
            (Cells::F32(mine), Cells::F32(more)) => mine.extend(more),
            (Cells::F16(mine), Cells::F16(more)) => mine.extend(more),
            (Cells::I64(mine), Cells::I64(more)) => mine.extend(more),
            (Cells::U64(mine), Cells::U64(more)) => mine.extend(more),
            _ => return fail(format!("{}: the element type changes along the file", self.origin.name)),
        }
        if let (Some(mine), Some(more)) = (&mut self.lines, next.lines) {
            mine.extend(more);
        }
        if let (Some(mine), Some(more)) = (&mut self.labels, next.labels) {
            mine.extend(more);
        }
        self.rows += next.rows;
        Ok(())
    }

    /// What a row is called: its label, or its number.
    pub(crate) fn row_name(&self, row: usize) -> Item {
        match self.labels.as_ref().and_then(|labels| labels.get(row)) {
            Some(label) => Item::Text(label.clone()),
            None => Item::Count(self.first + row as u64),
        }
    }

    fn line(&self, row: usize) -> Option<u64> {
        self.lines.as_ref().and_then(|lines| lines.get(row).copied())
    }

    /// Where a number is.
    pub(crate) fn place(&self, row: usize, col: usize) -> String {
        self.origin.place(self.first + row as u64, col, self.line(row))
    }

    /// Where a row is.
    pub(crate) fn row_place(&self, row: usize) -> String {
        self.origin.row(self.first + row as u64, self.line(row))
    }
}

/// Rows of a block that the library was given, and how it saw them.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) block: &'a Block,
    /// The row that the library calls 0.
    pub(crate) from: usize,
    /// Whether one row stood for many.
    pub(crate) repeated: bool,
    /// Whether the column was seen as a row.
    pub(crate) down: bool,
}

impl<'a> Given<'a> {
    pub(crate) fn all(block: &'a Block) -> Self {
        Given { block, from: 0, repeated: false, down: false }
    }

    fn row(&self, row: usize) -> usize {
        if self.repeated { self.from } else { self.from + row }
    }

    /// A number, as f64.
    pub(crate) fn get(&self, row: usize, col: usize) -> f64 {
        if self.down { self.block.get(col, 0) } else { self.block.get(self.row(row), col) }
    }

    pub(crate) fn place(&self, row: usize, col: usize) -> String {
        if self.down { self.block.place(col, 0) } else { self.block.place(self.row(row), col) }
    }

    /// What a row is called.
    pub(crate) fn row_name(&self, row: usize) -> Item {
        self.block.row_name(self.row(row))
    }

    pub(crate) fn row_place(&self, row: usize) -> String {
        if self.down { self.block.origin.name.clone() } else { self.block.row_place(self.row(row)) }
    }
}

/// An error of the library, with file, line and value.
pub(crate) fn blame(error: &Error, p: Given, q: Given) -> Failure {
    let side = |index: u32| if index == 0 { p } else { q };
    match *error {
        Error::InvalidEntry { operand, row, col, value, expected, .. } => {
            let value = crate::number::exact(value);
            wrong(format!("{} is {value}; {expected}", side(operand.index).place(row, col)))
        }
        Error::ZeroMass { operand, row } => wrong(format!(
            "{} has no mass and cannot be normalized; no outcome in it is possible",
            side(operand.index).row_place(row)
        )),
        Error::NotNormalized { operand, row, sum, tolerance } => wrong(format!(
            "{} sums to {sum}, further from 1 than {tolerance}",
            side(operand.index).row_place(row)
        )),
        Error::Parameter { operand, row, col, name, value, expected } => {
            wrong(format!("{name} in {} is {value}; {expected}", side(operand.index).place(row, col)))
        }
        Error::NotPositiveDefinite { operand, row, pivot, value } => wrong(format!(
            "the matrix in {} is not positive definite: pivot {pivot} is {value}",
            side(operand.index).row_place(row)
        )),
        Error::Overflow { row } => wrong(format!(
            "{} or {} holds numbers whose sum overflows; divide them by their largest",
            p.row_place(row),
            q.row_place(row)
        )),
        _ => of_options(error),
    }
}
