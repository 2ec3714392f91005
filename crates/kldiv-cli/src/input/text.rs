//! Text: values with commas, tabs, semicolons or single spaces between, with or without a line of names.

use std::io::{Cursor, Read};
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder, Trim};

use super::{AT_A_TIME, Block, Cell, Cells, Kind, Origin, Pick, Source, Visit};
use crate::failure::{Failure, Result, fail, wrong};

/// How far the first line is looked for.
const LONGEST_HEAD: u64 = 1 << 20;

/// An open file of text.
pub(crate) struct Text {
    /// Of a scan, which sees every picked column.
    origin: Rc<Origin>,
    columns: Vec<String>,
    picked: Vec<usize>,
    /// Of rows of numbers, to which a column of labels does not belong.
    number_origin: Rc<Origin>,
    number_fields: Vec<usize>,
    /// Whether the first field is the label of its row.
    labelled: bool,
    /// The only rows wanted are those of this label; and what is said if there is none.
    only: Option<(String, Option<Failure>)>,
    lines: Lines,
    /// A record that was read ahead, and its line.
    ready: Option<(ByteRecord, u64)>,
    record: ByteRecord,
    fields: usize,
    rows: u64,
}

impl Text {
    pub(crate) fn new(mut reader: Box<dyn Read>, name: String, pick: Pick) -> Result<Text> {
        let mut head = Vec::new();
        while head.len() < LONGEST_HEAD as usize && !head.contains(&b'\n') {
            let before = head.len();
            let reading = |error| wrong(format!("{name}: {error}"));
            (&mut reader).take(4096).read_to_end(&mut head).map_err(reading)?;
            if head.len() == before {
                break;
            }
        }
        let mut lines = Lines::new(head, reader);
        let mut first = ByteRecord::new();
        let line = lines.read(&mut first, &name)?;
        let Some(line) = line.filter(|_| first.len() > 1 || first.iter().any(|field| !field.is_empty()))
        else {
            return fail(format!("{name} is empty"));
        };
        let fields = first.len();
        let is_header = first.iter().any(|field| !field.is_empty() && number(field).is_none());
        let all: Vec<String> = if is_header {
            first.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
        } else {
            super::by_number(fields)
        };
        let ready = if is_header {
            let mut second = ByteRecord::new();
            lines.read(&mut second, &name)?.map(|line| (second, line))
        } else {
            Some((first, line))
        };
        let begins_with = ready.as_ref().and_then(|(record, _)| record.get(0)).unwrap_or_default();
        let labelled = is_header && fields > 1 && !begins_with.is_empty() && number(begins_with).is_none();

        let (picked, only) = match (super::picked(pick, &all, is_header, &name), pick) {
            (Err(_), Pick::Written(label)) if labelled => {
                let none = super::no_column(&format!("or row {label}"), &all, is_header, &name);
                (super::picked(Pick::All, &all, is_header, &name)?, Some((label.to_string(), Some(none))))
            }
            (picked, _) => (picked?, None),
        };
        let whole_rows = only.is_some() || matches!(pick, Pick::All);
        let number_fields: Vec<usize> =
            picked.iter().copied().filter(|field| !(labelled && whole_rows && *field == 0)).collect();
        let named = |fields: &[usize]| fields.iter().map(|field| all[*field].clone()).collect::<Vec<_>>();
        let origin = |name: &str, fields: &[usize]| {
            let columns = is_header.then(|| named(fields));
            Rc::new(Origin { name: name.to_string(), kind: Kind::Text, columns })
        };
        Ok(Text {
            origin: origin(&name, &picked),
            columns: named(&picked),
            number_origin: origin(&name, &number_fields),
            number_fields,
            picked,
            labelled,
            only,
            lines,
            ready,
            record: ByteRecord::new(),
            fields,
            rows: 0,
        })
    }

    /// Reads the next record, which has as many fields as the first; says its line, or that there is none.
    fn read(&mut self) -> Result<Option<u64>> {
        loop {
            let line = match self.ready.take() {
                Some((record, line)) => {
                    self.record = record;
                    Some(line)
                }
                None => self.lines.read(&mut self.record, &self.origin.name)?,
            };
            let name = &self.origin.name;
            let Some(line) = line else {
                return match (self.rows, self.only.as_mut().and_then(|(_, none)| none.take())) {
                    (0, Some(none)) => Err(none),
                    (0, None) => fail(format!("{name} has a line of names and no rows")),
                    _ => Ok(None),
                };
            };
            let (found, fields) = (self.record.len(), self.fields);
            if found != fields {
                return fail(format!(
                    "{name}, line {line} has {found} fields where the first line has {fields}"
                ));
            }
            if self.only.as_ref().is_none_or(|(label, _)| self.record[0] == *label.as_bytes()) {
                self.rows += 1;
                return Ok(Some(line));
            }
        }
    }
}

/// The records of a file, and their lines.
struct Lines {
    reader: Reader<Box<dyn Read>>,
    /// Whether lines end with a carriage return too.
    by_crlf: bool,
}

impl Lines {
    /// `head` is the beginning of what `reader` goes on with.
    fn new(head: Vec<u8>, reader: Box<dyn Read>) -> Lines {
        let delimiter = delimiter(&head);
        let by_crlf = head.split(|byte| *byte == b'\n').next().is_some_and(|line| line.ends_with(b"\r"));
        // The last line ends as the others do; one that is empty is no record.
        let whole: Box<dyn Read> = Box::new(Cursor::new(head).chain(reader).chain(&b"\n"[..]));
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).trim(Trim::All).delimiter(delimiter);
        Lines { reader: builder.from_reader(whole), by_crlf }
    }

    /// Reads a record; says on which line it begins, or that there is none.
    ///
    /// The reader says on which line it is after a record. (Where the record began it says too, but from before the
    /// empty lines that it passes over.)
    fn read(&mut self, record: &mut ByteRecord, name: &str) -> Result<Option<u64>> {
        let found = self.reader.read_byte_record(record);
        if !found.map_err(|error| wrong(format!("{name}: {error}")))? {
            return Ok(None);
        }
        let within: usize =
            record.iter().map(|field| field.iter().filter(|byte| **byte == b'\n').count()).sum();
        // Of a carriage return and a line feed only the first belongs to the record.
        let behind = u64::from(!self.by_crlf);
        Ok(Some(self.reader.position().line().saturating_sub(within as u64 + behind).max(1)))
    }
}

impl Source for Text {
    fn origin(&self) -> &Rc<Origin> {
        &self.origin
    }

    fn columns(&self) -> Vec<String> {
        self.columns.clone()
    }

    fn next(&mut self) -> Result<Option<Block>> {
        let cols = self.number_fields.len();
        let wanted = (AT_A_TIME / cols).max(1);
        let first = self.rows;
        let (mut cells, mut lines, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        while lines.len() < wanted
            && let Some(line) = self.read()?
        {
            for (col, field) in self.number_fields.iter().enumerate() {
                let Some(x) = number(&self.record[*field]) else {
                    return Err(self.no_number(line, col, *field));
                };
                cells.push(x);
            }
            lines.push(line);
            if self.labelled {
                labels.push(String::from_utf8_lossy(&self.record[0]).into_owned());
            }
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let (origin, cells) = (self.number_origin.clone(), Cells::F64(cells));
        let labels = self.labelled.then_some(labels);
        Ok(Some(Block { origin, first, rows: lines.len(), cols, cells, lines: Some(lines), labels }))
    }

    fn scan(&mut self, visit: &mut Visit) -> Result {
        while let Some(line) = self.read()? {
            for (col, field) in self.picked.iter().enumerate() {
                let field = String::from_utf8_lossy(&self.record[*field]);
                let cell = match &*field {
                    "" | "NA" | "NaN" | "nan" | "NULL" | "null" | "N/A" => Cell::Missing,
                    text => Cell::Text(text),
                };
                visit(line, col, cell)?;
            }
        }
        Ok(())
    }
}

impl Text {
    fn no_number(&self, line: u64, col: usize, field: usize) -> Failure {
        let place = self.number_origin.place(0, col, Some(line));
        let text = String::from_utf8_lossy(&self.record[field]).chars().take(40).collect::<String>();
        match &*text {
            "" => wrong(format!("{place} is empty; a number is wanted")),
            text => wrong(format!("{place} is \"{text}\", which is no number")),
        }
    }
}

/// A field as a number.
fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// What stands between the values of the first line. Spaces do only where all of it is numbers: names may have some.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let by_spaces = |line: &[u8]| {
        let mut words = line.trim_ascii().split(|byte| *byte == b' ');
        line.trim_ascii().contains(&b' ') && words.all(|word| number(word).is_some())
    };
    match b",\t;".iter().find(|delimiter| line.contains(delimiter)) {
        Some(delimiter) => *delimiter,
        None if by_spaces(line) => b' ',
        None => b',',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells_what_stands_between() {
        let cases: [(&[u8], u8); 6] = [
            (b"a,b\n1,2", b','),
            (b"a\tb c\n", b'\t'),
            (b"1;2\n", b';'),
            (b"0.5 0.5\n", b' '),
            (b"old price\n3\n", b','),
            (b"1\n2\n", b','),
        ];
        for (head, expected) in cases {
            assert_eq!(delimiter(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }
}
