//! numpy's files: .npy read from front to back, and the arrays of an .npz.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::rc::Rc;

use half::f16;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};
use zip::ZipArchive;

use super::{AT_A_TIME, Block, Cells, Kind, Origin, Pick, Source, by_number};
use crate::failure::{Result, fail, guarded, wrong};
use crate::progress::Progress;

/// An open array. The last axis is outcomes, all others are rows.
pub(crate) struct Npy {
    origin: Rc<Origin>,
    reader: Box<dyn Read>,
    stored: Stored,
    big_endian: bool,
    rows: u64,
    cols: usize,
    next: u64,
    is_vector: bool,
    by_columns: bool,
}

/// The element types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    F64,
    F32,
    F16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
}

impl Stored {
    fn of(kind: TypeChar, bytes: Option<usize>) -> Option<Stored> {
        Some(match (kind, bytes?) {
            (TypeChar::Float, 8) => Stored::F64,
            (TypeChar::Float, 4) => Stored::F32,
            (TypeChar::Float, 2) => Stored::F16,
            (TypeChar::Int, 8) => Stored::I64,
            (TypeChar::Int, 4) => Stored::I32,
            (TypeChar::Int, 2) => Stored::I16,
            (TypeChar::Int, 1) => Stored::I8,
            (TypeChar::Uint, 8) => Stored::U64,
            (TypeChar::Uint, 4) => Stored::U32,
            (TypeChar::Uint, 2) => Stored::U16,
            (TypeChar::Uint | TypeChar::Bool, 1) => Stored::U8,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Stored::F64 | Stored::I64 | Stored::U64 => 8,
            Stored::F32 | Stored::I32 | Stored::U32 => 4,
            Stored::F16 | Stored::I16 | Stored::U16 => 2,
            Stored::I8 | Stored::U8 => 1,
        }
    }

    /// The numbers that bytes in the machine-independent order of the file are.
    fn read(self, bytes: &[u8], big_endian: bool) -> Cells {
        macro_rules! cells {
            ($stored:ty => $variant:ident as $cell:ty) => {{
                let one = |chunk: &[u8]| {
                    let mut own = [0; size_of::<$stored>()];
                    own.copy_from_slice(chunk);
                    let x = if big_endian {
                        <$stored>::from_be_bytes(own)
                    } else {
                        <$stored>::from_le_bytes(own)
                    };
                    <$cell>::from(x)
                };
                Cells::$variant(bytes.chunks_exact(size_of::<$stored>()).map(one).collect())
            }};
        }
        match self {
            Stored::F64 => cells!(f64 => F64 as f64),
            Stored::F32 => cells!(f32 => F32 as f32),
            Stored::F16 => cells!(f16 => F16 as f16),
            Stored::I64 => cells!(i64 => I64 as i64),
            Stored::I32 => cells!(i32 => I64 as i64),
            Stored::I16 => cells!(i16 => I64 as i64),
            Stored::I8 => cells!(i8 => I64 as i64),
            Stored::U64 => cells!(u64 => U64 as u64),
            Stored::U32 => cells!(u32 => U64 as u64),
            Stored::U16 => cells!(u16 => U64 as u64),
            Stored::U8 => cells!(u8 => U64 as u64),
        }
    }
}

impl Npy {
    pub(crate) fn new(mut reader: Box<dyn Read>, name: String, pick: Pick) -> Result<Npy> {
        if let Pick::Written(pick) = pick {
            return fail(format!(
                "{name}: an .npy file has no columns with names, so there is no {pick} to pick"
            ));
        }
        let header = guarded(&name, || {
            let header = NpyHeader::from_reader(&mut reader);
            header.map_err(|error| wrong(format!("{name} is no whole .npy file: {error}")))
        })?;
        let DType::Plain(element) = header.dtype() else {
            return fail(format!("{name} holds records; an array of floats or of integers is wanted"));
        };
        let bytes = if element.uses_pickled_array() { None } else { element.num_bytes() };
        let Some(stored) = Stored::of(element.type_char(), bytes) else {
            return fail(format!(
                "{name} has element type {element}; floats (f8, f4, f2) or integers are wanted"
            ));
        };
        let shape = header.shape();
        let (rows, cols) = match shape {
            [] => (1, 1),
            [len] => (*len, 1),
            [leading @ .., last] => match leading.iter().try_fold(1u64, |all, axis| all.checked_mul(*axis)) {
                Some(rows) => (rows, *last),
                None => return fail(format!("{name} is damaged: nothing has so many rows")),
            },
        };
        if rows == 0 || cols == 0 {
            let shape = shape.iter().map(u64::to_string).collect::<Vec<_>>().join(" x ");
            return fail(format!("{name} is empty: its shape is {shape}"));
        }
        let by_columns = header.order() == Order::Fortran && shape.len() > 1;
        if by_columns && shape.len() > 2 {
            return fail(format!("{name} is in Fortran order with {} axes; save it in C order", shape.len()));
        }
        let is_vector = shape.len() < 2;
        let kind = if is_vector { Kind::Vector } else { Kind::Array };
        let origin = Rc::new(Origin { name, kind, columns: None });
        let big_endian = element.endianness() == Endianness::Big;
        let cols = cols as usize;
        Ok(Npy { origin, reader, stored, big_endian, rows, cols, next: 0, is_vector, by_columns })
    }

    /// The next numbers of the file.
    fn read(&mut self, count: u64) -> Result<Cells> {
        let name = &self.origin.name;
        let bytes = count.checked_mul(self.stored.size() as u64);
        let Some(bytes) = bytes.and_then(|bytes| usize::try_from(bytes).ok()) else {
            return fail(format!("{name}: its header promises {count} numbers, more than memory can hold"));
        };
        // Grows with what is there: a header may promise what no file holds.
        let mut raw = Vec::new();
        let read = (&mut self.reader).take(bytes as u64).read_to_end(&mut raw);
        match read {
            Ok(found) if found == bytes => Ok(self.stored.read(&raw, self.big_endian)),
            Ok(found) => {
                let expected = u128::from(self.rows) * self.cols as u128;
                let before = u128::from(self.next) * self.cols as u128;
                let found = before + (found / self.stored.size()) as u128;
                fail(format!("{name} is cut off: {found} of its {expected} numbers are there"))
            }
            Err(error) if error.kind() == ErrorKind::OutOfMemory => fail(format!("{name}: out of memory")),
            Err(error) => fail(format!("{name}: {error}")),
        }
    }

    /// A whole matrix that lies column after column, row after row.
    fn transposed(&mut self) -> Result<Cells> {
        let (rows, cols) = (self.rows as usize, self.cols);
        let turned = |i: usize| (i % cols) * rows + i / cols;
        macro_rules! turn {
            ($from:expr, $variant:ident) => {{
                let from = $from;
                Cells::$variant((0..from.len()).map(|i| from[turned(i)]).collect())
            }};
        }
        Ok(match self.read(self.rows.saturating_mul(cols as u64))? {
            Cells::F64(from) => turn!(from, F64),
            Cells::F32(from) => turn!(from, F32),
            Cells::F16(from) => turn!(from, F16),
            Cells::I64(from) => turn!(from, I64),
            Cells::U64(from) => turn!(from, U64),
        })
    }
}

impl Source for Npy {
    fn origin(&self) -> &Rc<Origin> {
        &self.origin
    }

    fn columns(&self) -> Vec<String> {
        by_number(self.cols)
    }

    fn is_vector(&self) -> bool {
        self.is_vector
    }

    fn next(&mut self) -> Result<Option<Block>> {
        let first = self.next;
        let at_a_time = if self.by_columns { self.rows } else { (AT_A_TIME / self.cols).max(1) as u64 };
        let rows = at_a_time.min(self.rows - first);
        if rows == 0 {
            return Ok(None);
        }
        let cells = if self.by_columns { self.transposed()? } else { self.read(rows * self.cols as u64)? };
        self.next += rows;
        let (origin, cols) = (self.origin.clone(), self.cols);
        Ok(Some(Block { origin, first, rows: rows as usize, cols, cells, lines: None, labels: None }))
    }
}

/// An array of an .npz; which one has to be said where there are several.
pub(crate) fn open_npz(file: File, path: &str, pick: Pick, progress: &Progress) -> Result<Box<dyn Source>> {
    let broken = |error: zip::result::ZipError| wrong(format!("{path} is no whole .npz file: {error}"));
    let archive = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    // An entry borrows its archive, and is read until the command ends.
    let archive = Box::leak(Box::new(archive));
    let stem = |name: &str| name.strip_suffix(".npy").unwrap_or(name).to_string();
    let entries: Vec<String> = archive
        .file_names()
        .map(|name| name.map(|name| name.into_owned()))
        .collect::<std::result::Result<_, _>>()
        .map_err(broken)?;
    let names: Vec<String> = entries.iter().map(|entry| stem(entry)).collect();
    let name = match (pick, &names[..]) {
        (Pick::Written(pick), _) if names.iter().any(|name| name == pick) => pick.to_string(),
        (Pick::All | Pick::Names(_), [only]) => only.clone(),
        (_, []) => return fail(format!("{path} holds no arrays")),
        (pick, _) => {
            let shown = names.join(", ");
            let first = &names.first().map_or("", String::as_str);
            return match pick {
                Pick::Written(pick) => fail(format!("{path} has no array {pick}; its arrays are {shown}")),
                _ => fail(format!("{path} has the arrays {shown}; say which, as in {path}:{first}")),
            };
        }
    };
    let index = names.iter().position(|other| *other == name).unwrap_or_default();
    let entry = archive.by_index(index).map_err(broken)?;
    progress.expect(entry.size());
    let reader = Box::new(progress.reading(entry));
    Ok(Box::new(Npy::new(reader, format!("{path}:{name}"), Pick::All)?))
}
