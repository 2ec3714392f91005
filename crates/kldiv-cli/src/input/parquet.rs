//! Parquet files, a batch of rows at a time.

use std::fs::File;
use std::rc::Rc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{DataType, Field};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::{AT_A_TIME, Block, Cell, Cells, Kind, Origin, Pick, Source, Visit, picked};
use crate::failure::{Failure, Result, fail, guarded, wrong};
use crate::progress::Progress;

/// An open file.
pub(crate) struct Parquet {
    origin: Rc<Origin>,
    columns: Vec<String>,
    types: Vec<DataType>,
    /// The place in a batch of each picked column: batches have the file's order.
    order: Vec<usize>,
    reader: ParquetRecordBatchReader,
    progress: Progress,
    bytes_a_row: f64,
    rows: u64,
}

impl Parquet {
    pub(crate) fn open(file: File, path: &str, pick: Pick, progress: &Progress) -> Result<Parquet> {
        guarded(path, || Parquet::open_unguarded(file, path, pick, progress))
    }

    fn open_unguarded(file: File, path: &str, pick: Pick, progress: &Progress) -> Result<Parquet> {
        let name = path.to_string();
        let broken =
            |error: &dyn std::fmt::Display| wrong(format!("{name} is no whole Parquet file: {error}"));
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| broken(&error))?;
        let fields = builder.schema().fields().clone();
        let all: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        let picked = picked(pick, &all, true, &name)?;
        let rows = builder.metadata().file_metadata().num_rows().max(0) as u64;
        if rows == 0 || picked.is_empty() {
            return fail(format!("{name} is empty: it has no rows"));
        }
        let mut sorted = picked.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let place = |col| sorted.binary_search(col).unwrap_or_default();
        let order = picked.iter().map(place).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), sorted.iter().copied());
        let batch = (AT_A_TIME / picked.len()).clamp(1, 1 << 16);
        let reader = builder.with_projection(mask).with_batch_size(batch).build();
        let reader = reader.map_err(|error| broken(&error))?;
        let columns: Vec<String> = picked.iter().map(|col| all[*col].clone()).collect();
        let types = picked.iter().map(|col| fields[*col].data_type().clone()).collect();
        let origin = Rc::new(Origin { name, kind: Kind::Table, columns: Some(columns.clone()) });
        progress.expect(bytes);
        let bytes_a_row = bytes as f64 / rows as f64;
        let progress = progress.clone();
        Ok(Parquet { origin, columns, types, order, reader, progress, bytes_a_row, rows: 0 })
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        let name = &self.origin.name;
        let batch = guarded(name, || {
            self.reader.next().transpose().map_err(|error| wrong(format!("{name}: {error}")))
        })?;
        let Some(batch) = batch else { return Ok(None) };
        self.progress.advance((batch.num_rows() as f64 * self.bytes_a_row) as u64);
        Ok(Some(batch))
    }

    /// One column of lists of numbers: each list is a row.
    fn lists(&self, column: &ArrayRef, item: &Field) -> Result<Block> {
        let as_large = DataType::LargeList(Field::new("item", item.data_type().clone(), true).into());
        let column = cast(column, &as_large).map_err(|error| self.uncast(0, &error))?;
        let lists = column.as_list::<i64>();
        let offsets = lists.value_offsets();
        let cols = (offsets[1] - offsets[0]).max(0) as usize;
        let wrong_length =
            (0..lists.len()).find(|i| lists.is_null(*i) || lists.value_length(*i) != cols as i64);
        if let Some(row) = wrong_length {
            let place = self.origin.place(self.rows + row as u64, 0, None);
            let length = if lists.is_null(row) { 0 } else { lists.value_length(row) };
            return fail(format!("{place} is a list of {length} numbers where the first has {cols}"));
        }
        if cols == 0 {
            return fail(format!("{}: its lists are empty", self.origin.name));
        }
        let values = lists.values().slice(offsets[0] as usize, cols * lists.len());
        let missing = |i: usize| (i / cols, 0);
        let cells = self.cells(&[values], &[item.data_type().clone()], missing)?;
        let mut origin = Origin { name: self.origin.name.clone(), kind: Kind::Array, columns: None };
        origin.name.push_str(&format!(":{}", self.columns[0]));
        Ok(Block {
            origin: Rc::new(origin),
            first: self.rows,
            rows: lists.len(),
            cols,
            cells,
            lines: None,
            labels: None,
        })
    }

    /// Columns as numbers, row after row. `place` is the row and column of a column's element.
    fn cells(
        &self,
        columns: &[ArrayRef],
        types: &[DataType],
        place: impl Fn(usize) -> (usize, usize),
    ) -> Result<Cells> {
        use DataType::{Float16, Float32, Float64, Int64, UInt64};
        let all = |test: fn(&DataType) -> bool| types.iter().all(test);
        let numbers = [Float16, Float32, Float64, Int64, UInt64];
        let target = match &types[0] {
            first if numbers.contains(first) && types.iter().all(|t| t == first) => first.clone(),
            _ if all(DataType::is_unsigned_integer) => UInt64,
            _ if all(DataType::is_integer) && !types.contains(&UInt64) => Int64,
            _ => Float64,
        };
        let mut arrays = Vec::new();
        for (col, column) in columns.iter().enumerate() {
            if !types[col].is_numeric() && !types[col].is_null() {
                let name = self.origin.column(col);
                return fail(format!(
                    "{}, {name} holds {}, which is no number",
                    self.origin.name, types[col]
                ));
            }
            if let Some(i) = (0..column.len()).find(|i| column.is_null(*i)) {
                let (row, within) = place(i);
                let place = self.origin.place(self.rows + row as u64, col + within, None);
                return fail(format!("{place} is empty; a number is wanted"));
            }
            arrays.push(cast(column, &target).map_err(|error| self.uncast(col, &error))?);
        }
        Ok(match target {
            Float16 => Cells::F16(interleaved::<Float16Type>(&arrays)),
            Float32 => Cells::F32(interleaved::<Float32Type>(&arrays)),
            Int64 => Cells::I64(interleaved::<Int64Type>(&arrays)),
            UInt64 => Cells::U64(interleaved::<UInt64Type>(&arrays)),
            _ => Cells::F64(interleaved::<Float64Type>(&arrays)),
        })
    }

    fn uncast(&self, col: usize, error: &arrow_schema::ArrowError) -> Failure {
        wrong(format!("{}, {}: {error}", self.origin.name, self.origin.column(col)))
    }
}

/// The elements of columns, row after row.
fn interleaved<T: ArrowPrimitiveType>(columns: &[ArrayRef]) -> Vec<T::Native> {
    let slices: Vec<&[T::Native]> =
        columns.iter().map(|column| &column.as_primitive::<T>().values()[..]).collect();
    let rows = slices[0].len();
    (0..rows).flat_map(|row| slices.iter().map(move |slice| slice[row])).collect()
}

impl Source for Parquet {
    fn origin(&self) -> &Rc<Origin> {
        &self.origin
    }

    fn columns(&self) -> Vec<String> {
        self.columns.clone()
    }

    fn next(&mut self) -> Result<Option<Block>> {
        let Some(batch) = self.batch()? else { return Ok(None) };
        let columns: Vec<ArrayRef> = self.order.iter().map(|i| batch.column(*i).clone()).collect();
        let block = match (&self.types[0], &columns[..]) {
            (
                DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _),
                [lists],
            ) => self.lists(lists, item)?,
            _ => {
                let cells = self.cells(&columns, &self.types, |i| (i, 0))?;
                let (origin, cols) = (self.origin.clone(), columns.len());
                Block {
                    origin,
                    first: self.rows,
                    rows: batch.num_rows(),
                    cols,
                    cells,
                    lines: None,
                    labels: None,
                }
            }
        };
        self.rows += batch.num_rows() as u64;
        Ok(Some(block))
    }

    fn scan(&mut self, visit: &mut Visit) -> Result {
        while let Some(batch) = self.batch()? {
            for (col, place) in self.order.iter().enumerate() {
                let column = batch.column(*place);
                if self.types[col].is_numeric() {
                    let numbers =
                        cast(column, &DataType::Float64).map_err(|error| self.uncast(col, &error))?;
                    for (row, x) in numbers.as_primitive::<Float64Type>().iter().enumerate() {
                        let cell = match x {
                            Some(x) if !x.is_nan() => Cell::Number(x),
                            _ => Cell::Missing,
                        };
                        visit(self.rows + row as u64, col, cell)?;
                    }
                } else {
                    let texts =
                        cast(column, &DataType::LargeUtf8).map_err(|error| self.uncast(col, &error))?;
                    for (row, text) in texts.as_string::<i64>().iter().enumerate() {
                        visit(self.rows + row as u64, col, text.map_or(Cell::Missing, Cell::Text))?;
                    }
                }
            }
            self.rows += batch.num_rows() as u64;
        }
        Ok(())
    }
}
