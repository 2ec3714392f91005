//! What the tests share: the command, a folder of their own, files of every format, the reference tables.

// Each test uses a part of it.
#![allow(dead_code, unreachable_pub)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;

/// What a command ended with.
pub struct Ended {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    fn of(output: Output) -> Ended {
        let text = |bytes| String::from_utf8(bytes).expect("all output is UTF-8");
        let status = output.status.code().expect("no signal ends it");
        Ended { status, out: text(output.stdout), err: text(output.stderr) }
    }

    /// What was printed, if all went well and nothing was said beside it.
    pub fn good(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    pub fn json(self) -> Value {
        let out = self.good();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// The one line of complaint, if it ended as bad input has to.
    pub fn complaint(self) -> String {
        assert_eq!(self.status, 2, "{}{}", self.out, self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        assert!(!self.err.contains("panicked") && !self.err.contains("RUST_BACKTRACE"), "{}", self.err);
        let line = self.err.trim_end().strip_prefix("kldiv: ");
        line.unwrap_or_else(|| panic!("whose is {}", self.err)).to_string()
    }
}

/// A folder that is removed afterwards; commands run in it.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("kldiv-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kldiv"));
        command.args(arguments).current_dir(&self.0).env("LC_ALL", "C.UTF-8").env("COLUMNS", "120");
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// With standard input.
    pub fn fed(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ended::of(child.wait_with_output().unwrap())
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.join(name), bytes).unwrap();
        name.to_string()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// A matrix as CSV, with a line of names.
    pub fn csv(&self, name: &str, rows: &[Vec<f64>]) -> String {
        let mut text = (0..rows[0].len()).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",") + "\n";
        for row in rows {
            text += &(row.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + "\n");
        }
        self.write(name, text)
    }

    pub fn npy(&self, name: &str, rows: &[Vec<f64>], dtype: &str) -> String {
        let shape = format!("({}, {})", rows.len(), rows[0].len());
        self.write(name, npy(dtype, &shape, false, &stored(&rows.concat(), dtype)))
    }

    /// The array "p" of an archive, and another one.
    pub fn npz(&self, name: &str, rows: &[Vec<f64>]) -> String {
        let shape = format!("({}, {})", rows.len(), rows[0].len());
        let mut archive = zip::ZipWriter::new(std::fs::File::create(self.0.join(name)).unwrap());
        let deflated =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for entry in ["p.npy", "other.npy"] {
            archive.start_file(entry, deflated).unwrap();
            archive.write_all(&npy("<f8", &shape, false, &stored(&rows.concat(), "<f8"))).unwrap();
        }
        archive.finish().unwrap();
        format!("{name}:p")
    }

    pub fn parquet(&self, name: &str, columns: Vec<(String, ArrayRef)>, compression: Compression) -> String {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = std::fs::File::create(self.0.join(name)).unwrap();
        // Groups of rows that do not end where blocks do.
        let properties =
            WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(7));
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        name.to_string()
    }

    /// A matrix as Parquet, a column each.
    pub fn parquet_matrix(&self, name: &str, rows: &[Vec<f64>]) -> String {
        let column = |i: usize| {
            let values = arrow_array::Float64Array::from_iter_values(rows.iter().map(|row| row[i]));
            (format!("c{i}"), Arc::new(values) as ArrayRef)
        };
        let zstd = Compression::ZSTD(ZstdLevel::default());
        self.parquet(name, (0..rows[0].len()).map(column).collect(), zstd)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Numbers in an element type, little-endian or, for `>f8`, big-endian.
pub fn stored(numbers: &[f64], dtype: &str) -> Vec<u8> {
    let each = |x: &f64| match dtype {
        "<f8" => x.to_le_bytes().to_vec(),
        ">f8" => x.to_be_bytes().to_vec(),
        "<f4" => (*x as f32).to_le_bytes().to_vec(),
        "<f2" => half::f16::from_f64(*x).to_le_bytes().to_vec(),
        "<i8" => (*x as i64).to_le_bytes().to_vec(),
        "<u4" => (*x as u32).to_le_bytes().to_vec(),
        "|u1" => vec![*x as u8],
        other => panic!("{other}"),
    };
    numbers.iter().flat_map(each).collect()
}

/// A file as numpy's format description has it: magic, version, the header's length, a Python dictionary, the data.
pub fn npy(dtype: &str, shape: &str, fortran: bool, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The tree's root.
pub fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A table of testdata.
pub fn table(name: &str) -> Vec<Value> {
    let path = tree().join("testdata").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// A number of a table or of the command's output; the ones that JSON lacks are strings.
pub fn number(x: &Value) -> f64 {
    match x {
        Value::String(text) => text.parse().unwrap(),
        x => x.as_f64().unwrap_or_else(|| panic!("{x} is no number")),
    }
}

pub fn numbers(x: &Value) -> Vec<f64> {
    x.as_array().unwrap().iter().map(number).collect()
}

/// Within `16 u mag` of a table's answer, and a few units for the answer's own rounding to f64.
pub fn assert_near(what: &str, got: f64, case: &Value, key: &str, unit: f64) {
    let want = number(&case["expect"][key]);
    if !want.is_finite() {
        assert_eq!(got, want, "{what}");
        return;
    }
    let mag = number(&case["mag"][key]);
    let allowed = 16.0 * unit * mag + want.abs() * f64::EPSILON + 1e-320;
    assert!((got - want).abs() <= allowed, "{what}: {got}, want {want}, mag {mag}");
}
