//! Text: values with commas, tabs, semicolons or single spaces between, with or without a line of names.

use std::io::{Cursor, Read};
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder, Trim};

use super::{AT_A_TIME, Block, Cell, Cells, Kind, Origin, Pick, Source, Visit, picked};
use crate::failure::{Failure, Result, fail, wrong};

/// How far the first line is looked for.
const LONGEST_HEAD: u64 = 1 << 20;

/// An open file of text.
pub(crate) struct Text {
    /// The picked columns.
    origin: Rc<Origin>,
    columns: Vec<String>,
    reader: Reader<Box<dyn Read>>,
    /// A record that is read and not yet taken: the first one, where it is no line of names.
    ready: Option<ByteRecord>,
    record: ByteRecord,
    picked: Vec<usize>,
    fields: usize,
    rows: u64,
    /// Whether lines end with a carriage return too.
    by_crlf: bool,
    /// That on which the record begins.
    line: u64,
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
        let delimiter = delimiter(&head);
        let by_crlf = head.split(|byte| *byte == b'\n').next().is_some_and(|line| line.ends_with(b"\r"));
        // The last line ends as the others do; one that is empty is no record.
        let whole: Box<dyn Read> = Box::new(Cursor::new(head).chain(reader).chain(&b"\n"[..]));
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).trim(Trim::All).delimiter(delimiter);
        let mut reader = builder.from_reader(whole);

        let mut first = ByteRecord::new();
        let found = reader.read_byte_record(&mut first).map_err(|error| unreadable(&name, &error))?;
        if !found || first.iter().all(<[u8]>::is_empty) && first.len() == 1 {
            return fail(format!("{name} is empty"));
        }
        let fields = first.len();
        let is_header = first.iter().any(|field| !field.is_empty() && number(field).is_none());
        let all: Vec<String> = if is_header {
            first.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
        } else {
            super::by_number(fields)
        };
        let picked = picked(pick, &all, is_header, &name)?;
        let columns: Vec<String> = picked.iter().map(|col| all[*col].clone()).collect();
        let named = is_header.then(|| columns.clone());
        let origin = Rc::new(Origin { name, kind: Kind::Text, columns: named });
        let ready = (!is_header).then_some(first);
        Ok(Text {
            origin,
            columns,
            reader,
            ready,
            record: ByteRecord::new(),
            by_crlf,
            picked,
            fields,
            rows: 0,
            line: 0,
        })
    }

    /// Reads the next record, which has as many fields as the first; says its line, or that there is none.
    fn read(&mut self) -> Result<Option<u64>> {
        if let Some(first) = self.ready.take() {
            self.record = first;
            self.find_line();
        } else {
            let found = self.reader.read_byte_record(&mut self.record);
            if !found.map_err(|error| unreadable(&self.origin.name, &error))? {
                if self.rows == 0 {
                    return fail(format!("{} has a line of names and no rows", self.origin.name));
                }
                return Ok(None);
            }
            self.find_line();
        }
        self.rows += 1;
        let line = self.line;
        if self.record.len() != self.fields {
            let (name, found, fields) = (&self.origin.name, self.record.len(), self.fields);
            return fail(format!("{name}, line {line} has {found} fields where the first line has {fields}"));
        }
        Ok(Some(line))
    }
}

impl Text {
    /// The reader says on which line it is after a record. (Where the record began it says too, but from before the
    /// empty lines that it passes over.)
    fn find_line(&mut self) {
        let within: usize =
            self.record.iter().map(|field| field.iter().filter(|byte| **byte == b'\n').count()).sum();
        // Of a carriage return and a line feed only the first belongs to the record.
        let behind = u64::from(!self.by_crlf);
        self.line = self.reader.position().line().saturating_sub(within as u64 + behind).max(1);
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
        let cols = self.picked.len();
        let wanted = (AT_A_TIME / cols).max(1);
        let first = self.rows;
        let (mut cells, mut lines) = (Vec::new(), Vec::new());
        while lines.len() < wanted
            && let Some(line) = self.read()?
        {
            for (col, field) in self.picked.iter().enumerate() {
                let Some(x) = number(&self.record[*field]) else {
                    return Err(self.no_number(line, col, *field));
                };
                cells.push(x);
            }
            lines.push(line);
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let (origin, cells) = (self.origin.clone(), Cells::F64(cells));
        Ok(Some(Block { origin, first, rows: lines.len(), cols, cells, lines: Some(lines) }))
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
        let place = self.origin.place(0, col, Some(line));
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

fn unreadable(name: &str, error: &csv::Error) -> Failure {
    wrong(format!("{name}: {error}"))
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
