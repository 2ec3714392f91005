//! The one way in: what an argument names, and its rows, a block at a time.
//!
//! Every argument that stands for data is one of
//!
//! | written | is |
//! | --- | --- |
//! | `0.5,0.5` | the numbers of one row; `0.5,0.5;0.9,0.1` is two rows |
//! | `p.npy` | a file: .npy, .npz, Parquet, or text (CSV, tabs, semicolons); its first bytes tell which |
//! | `p.csv:heads` | one column of it, or the row of text that begins so; an array of an .npz |
//! | `p.csv:heads,tails` | some columns |
//! | `-` | standard input, `-:heads` a column of it |
//! | `@0.5` | a file, whatever its name looks like |

mod block;
mod npy;
mod parquet;
mod text;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

pub(crate) use self::block::{Block, Cells, Given, Kind, Origin, blame};
use crate::failure::{Result, fail, wrong};
use crate::progress::Progress;

/// How many numbers are read at a time, about.
const AT_A_TIME: usize = 1 << 19;

/// One cell of a table.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    Missing,
    Number(f64),
    Text(&'a str),
}

/// What is called for each cell of a scan: its row's line or number, its column, the cell.
pub(crate) type Visit<'a> = dyn FnMut(u64, usize, Cell) -> Result + 'a;

/// An open input.
pub(crate) trait Source {
    fn origin(&self) -> &Rc<Origin>;

    /// The next rows, as numbers; none at the end.
    fn next(&mut self) -> Result<Option<Block>>;

    /// All that is left, cell by cell, numbers or not.
    fn scan(&mut self, visit: &mut Visit) -> Result {
        while let Some(block) = self.next()? {
            for row in 0..block.rows {
                for col in 0..block.cols {
                    let x = block.get(row, col);
                    let cell = if x.is_nan() { Cell::Missing } else { Cell::Number(x) };
                    visit(block.first + row as u64, col, cell)?;
                }
            }
        }
        Ok(())
    }

    /// What the columns are called, once the source is open; by number where they have no names.
    fn columns(&self) -> Vec<String>;

    /// Whether it is one vector rather than a column of rows of one.
    fn is_vector(&self) -> bool {
        false
    }

    /// All that is left; an error if there is nothing.
    fn all(&mut self) -> Result<Block> {
        let Some(mut all) = self.next()? else {
            return fail(format!("{} has no rows", self.origin().name));
        };
        while let Some(block) = self.next()? {
            all.append(block)?;
        }
        Ok(all)
    }
}

/// A source of rows of a matrix: a vector is one row.
pub(crate) fn open_rows(argument: &str, role: &str, progress: &Progress) -> Result<Box<dyn Source>> {
    let mut source = open(argument, role, progress)?;
    if !source.is_vector() {
        return Ok(source);
    }
    let mut block = source.all()?;
    (block.rows, block.cols) = (1, block.rows * block.cols);
    Ok(Box::new(Once {
        origin: block.origin.clone(),
        cols: block.cols,
        is_vector: false,
        block: Some(block),
    }))
}

/// All rows of a matrix.
pub(crate) fn read_rows(argument: &str, role: &str, progress: &Progress) -> Result<Block> {
    open_rows(argument, role, progress)?.all()
}

/// One distribution: a row, or a column.
pub(crate) struct Vector {
    pub(crate) block: Block,
    down: bool,
}

impl Vector {
    pub(crate) fn read(argument: &str, role: &str, progress: &Progress) -> Result<Vector> {
        let block = read_rows(argument, role, progress)?;
        let down = block.cols == 1 && block.rows > 1;
        if block.rows > 1 && !down {
            let (name, rows, cols) = (&block.origin.name, block.rows, block.cols);
            return fail(format!(
                "{name} has {rows} rows of {cols}; one distribution is wanted: a row, or a column as in {name}:NAME"
            ));
        }
        Ok(Vector { block, down })
    }

    pub(crate) fn given(&self) -> Given<'_> {
        Given { down: self.down, ..Given::all(&self.block) }
    }

    pub(crate) fn len(&self) -> usize {
        self.block.rows * self.block.cols
    }

    pub(crate) fn name(&self) -> &str {
        &self.block.origin.name
    }

    /// What it is called, where it is a row that its file gives a name.
    pub(crate) fn label(&self) -> Option<&str> {
        let labels = self.block.labels.as_ref().filter(|_| !self.down)?;
        labels.first().map(String::as_str)
    }

    /// What its outcomes are called, where its file says so.
    pub(crate) fn outcomes(&self) -> Option<&[String]> {
        if self.down { None } else { self.block.origin.columns.as_deref() }
    }
}

/// Which columns of a file are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pick<'a> {
    All,
    /// As it stands behind the file's name: one column by its whole name, or several with commas between.
    Written(&'a str),
    /// By name, or by number from 0.
    Names(&'a [String]),
}

impl<'a> Pick<'a> {
    fn new(written: Option<&'a str>, columns: &'a [String]) -> Pick<'a> {
        match written {
            Some(written) => Pick::Written(written),
            None if columns.is_empty() => Pick::All,
            None => Pick::Names(columns),
        }
    }
}

/// Opens what an argument names. `role` is what messages call numbers that stand in the argument itself.
pub(crate) fn open(argument: &str, role: &str, progress: &Progress) -> Result<Box<dyn Source>> {
    open_columns(argument, role, &[], progress)
}

/// As [`open`]; of a file with named columns only those, if any are named.
pub(crate) fn open_columns(
    argument: &str,
    role: &str,
    columns: &[String],
    progress: &Progress,
) -> Result<Box<dyn Source>> {
    let argument = argument.trim();
    if let Some(rows) = numbers(argument) {
        return given_inline(rows, argument, role);
    }
    if let Some(written) = argument.strip_prefix('-').and_then(|rest| match rest {
        "" => Some(None),
        _ => rest.strip_prefix(':').map(Some),
    }) {
        return stream(Box::new(io::stdin()), "stdin".to_string(), Pick::new(written, columns));
    }
    let path = argument.strip_prefix('@').unwrap_or(argument);
    let (path, written) = split(path);
    let pick = Pick::new(written, columns);
    let file = File::open(path).map_err(|error| missing(argument, path, role, &error))?;
    let metadata = file.metadata().map_err(|error| wrong(format!("{path}: {error}")))?;
    if metadata.is_dir() {
        return fail(format!("{path} is a directory"));
    }
    let mut magic = [0; 4];
    let magic = match File::open(path).and_then(|mut file| file.read(&mut magic)) {
        Ok(n) => &magic[..n],
        Err(error) => return fail(format!("{path}: {error}")),
    };
    match magic {
        b"PAR1" => Ok(Box::new(parquet::Parquet::open(file, path, pick, progress)?)),
        b"PK\x03\x04" => npy::open_npz(file, path, pick, progress),
        _ => {
            progress.expect(metadata.len());
            stream(Box::new(progress.reading(file)), path.to_string(), pick)
        }
    }
}

/// Whether an argument names standard input.
pub(crate) fn is_stdin(argument: &str) -> bool {
    argument.trim() == "-" || argument.trim().starts_with("-:")
}

/// Says so if two arguments are standard input, which can be read once.
pub(crate) fn one_stdin(arguments: &[Option<&str>]) -> Result {
    match arguments.iter().flatten().filter(|argument| is_stdin(argument)).count() {
        0 | 1 => Ok(()),
        _ => fail("standard input can be read once; save it to a file, or name the other one"),
    }
}

/// A file that is read from its first byte to its last.
fn stream(mut reader: Box<dyn Read>, name: String, pick: Pick) -> Result<Box<dyn Source>> {
    let mut head = Vec::new();
    let reading = |error| wrong(format!("{name}: {error}"));
    (&mut reader).take(6).read_to_end(&mut head).map_err(reading)?;
    if head.is_empty() {
        return fail(format!("{name} is empty"));
    }
    let is_npy = head == b"\x93NUMPY";
    if head.starts_with(b"PAR1") || head.starts_with(b"PK\x03\x04") {
        return fail(format!(
            "{name}: Parquet and .npz are read from files, not from a pipe: they begin at the end"
        ));
    }
    let reader: Box<dyn Read> = Box::new(Cursor::new(head).chain(reader));
    if is_npy {
        return Ok(Box::new(npy::Npy::new(reader, name, pick)?));
    }
    Ok(Box::new(text::Text::new(reader, name, pick)?))
}

/// The rows of numbers that an argument is, if it is numbers throughout.
fn numbers(argument: &str) -> Option<Vec<Vec<f64>>> {
    let row = |row: &str| row.split(',').map(|x| x.trim().parse().ok()).collect::<Option<Vec<f64>>>();
    argument.split(';').map(row).collect()
}

fn given_inline(rows: Vec<Vec<f64>>, argument: &str, role: &str) -> Result<Box<dyn Source>> {
    let cols = rows[0].len();
    if let Some(odd) = rows.iter().position(|row| row.len() != cols) {
        let found = rows[odd].len();
        return fail(format!("{role} = {argument}: row {odd} has {found} numbers, row 0 has {cols}"));
    }
    let is_vector = rows.len() == 1;
    let kind = if is_vector { Kind::Vector } else { Kind::Array };
    let origin = Rc::new(Origin { name: role.to_string(), kind, columns: None });
    let cells = Cells::F64(rows.concat());
    let (rows, cols) = if is_vector { (cols, 1) } else { (rows.len(), cols) };
    let block = Block { origin: origin.clone(), first: 0, rows, cols, cells, lines: None, labels: None };
    Ok(Box::new(Once { origin, cols, is_vector, block: Some(block) }))
}

/// What is in memory already.
struct Once {
    origin: Rc<Origin>,
    cols: usize,
    is_vector: bool,
    block: Option<Block>,
}

impl Source for Once {
    fn origin(&self) -> &Rc<Origin> {
        &self.origin
    }

    fn next(&mut self) -> Result<Option<Block>> {
        Ok(self.block.take())
    }

    fn columns(&self) -> Vec<String> {
        by_number(self.cols)
    }

    fn is_vector(&self) -> bool {
        self.is_vector
    }
}

fn by_number(cols: usize) -> Vec<String> {
    (0..cols).map(|col| col.to_string()).collect()
}

/// A path and what is picked from the file: at the first colon before which there is a file.
fn split(argument: &str) -> (&str, Option<&str>) {
    if Path::new(argument).exists() {
        return (argument, None);
    }
    let colons = argument.char_indices().filter(|(_, c)| *c == ':');
    let mut parts = colons.map(|(i, _)| (&argument[..i], &argument[i + 1..]));
    match parts.find(|(path, _)| Path::new(path).is_file()) {
        Some((path, pick)) => (path, Some(pick)),
        None => (argument, None),
    }
}

/// Why there is no file, for those who meant numbers too.
fn missing(argument: &str, path: &str, role: &str, error: &io::Error) -> crate::failure::Failure {
    let piece = argument.split([',', ';']).map(str::trim).find(|piece| piece.parse::<f64>().is_err());
    let numbers = argument.split([',', ';']).any(|piece| piece.trim().parse::<f64>().is_ok());
    match piece {
        Some(piece) if numbers => wrong(format!("{role} = {argument}: \"{piece}\" is no number")),
        _ if error.kind() == io::ErrorKind::NotFound => {
            let file = path.split(':').next().unwrap_or(path);
            let name = if file.is_empty() { "\"\"" } else { file };
            wrong(format!("{name}: there is no such file"))
        }
        _ => wrong(format!("{path}: {error}")),
    }
}

/// Which of a file's columns are picked.
fn picked(pick: Pick, names: &[String], has_names: bool, file: &str) -> Result<Vec<usize>> {
    let find = |wanted: &str| {
        let by_name = names.iter().position(|name| name == wanted);
        by_name.or_else(|| wanted.parse().ok().filter(|i| *i < names.len()))
    };
    let column = |wanted: &str| find(wanted).ok_or_else(|| no_column(wanted, names, has_names, file));
    match pick {
        Pick::All => Ok((0..names.len()).collect()),
        Pick::Names(wanted) => wanted.iter().map(|wanted| column(wanted)).collect(),
        Pick::Written(wanted) => match find(wanted) {
            Some(one) => Ok(vec![one]),
            None => wanted.split(',').map(|wanted| column(wanted.trim())).collect(),
        },
    }
}

/// That there is no such column, and which there are.
pub(crate) fn no_column(
    wanted: &str,
    names: &[String],
    has_names: bool,
    file: &str,
) -> crate::failure::Failure {
    let shown = names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if names.len() > 8 { format!(", ... ({} in all)", names.len()) } else { String::new() };
    let what = if has_names { "the columns are" } else { "the columns have no names; by number they are" };
    wrong(format!("{file} has no column {wanted}; {what} {shown}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numbers_throughout() {
        assert_eq!(numbers("0.5, 0.5"), Some(vec![vec![0.5, 0.5]]));
        assert_eq!(numbers("1,2;3,4"), Some(vec![vec![1.0, 2.0], vec![3.0, 4.0]]));
        assert_eq!(numbers("0.5,x"), None);
        assert_eq!(numbers("p.npy"), None);
        assert_eq!(numbers(""), None);
    }

    #[test]
    fn columns_are_found_by_name_and_then_by_number() {
        let names = ["1", "a,b", "a", "b"].map(String::from);
        let of = |pick| picked(Pick::Written(pick), &names, true, "f").unwrap();
        assert_eq!(of("1"), [0]);
        assert_eq!(of("a,b"), [1]);
        assert_eq!(of("b, a"), [3, 2]);
        assert_eq!(of("3"), [3]);
        assert!(picked(Pick::Written("c"), &names, true, "f").is_err());
    }
}
