//! Bad files: one line that names file, line and value, exit status 2, and never a backtrace.

mod common;

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray};
use common::{Folder, npy, number, numbers, stored, table};
use parquet::basic::Compression;

/// What `rows` says of a file of these bytes beside a coin.
fn said(folder: &Folder, name: &str, bytes: impl AsRef<[u8]>) -> String {
    folder.write(name, bytes);
    let complaint = folder.run(&["rows", name, "0.5,0.5"]).complaint();
    // Whatever reads a file says the same of it.
    for command in [&["explain", name, "0.5,0.5"][..], &["pairwise", name], &["pairwise", "0.5,0.5", name]] {
        folder.run(command).complaint();
    }
    complaint
}

#[test]
fn ragged_csv() {
    let folder = Folder::new("ragged");
    assert_eq!(
        said(&folder, "p.csv", "a,b\n0.5,0.5\n0.5,0.25,0.25\n"),
        "p.csv, line 3 has 3 fields where the first line has 2"
    );
    assert_eq!(
        said(&folder, "p.csv", "0.5,0.5\n\n0.5\n"),
        "p.csv, line 3 has 1 fields where the first line has 2"
    );
    assert!(
        said(&folder, "q.csv", "0.5,0.5\r\n\r\n0.5,0.5\r\n0.5\r\n").starts_with("q.csv, line 4 has 1 fields")
    );
    let quoted = "\"he\nads\",b\n\n0.5,\"0.5\"\n0.5";
    assert!(said(&folder, "q.csv", quoted).starts_with("q.csv, line 5 has 1 fields"));
    let compared = folder.run(&["compare", "p.csv", "p.csv"]).complaint();
    assert_eq!(compared, "p.csv, line 3 has 1 fields where the first line has 2");
}

#[test]
fn a_string_in_a_number_column() {
    let folder = Folder::new("string");
    let text = "heads,tails\n0.5,0.5\n0.25,lots\n";
    assert_eq!(said(&folder, "p.csv", text), "p.csv, line 3, column tails is \"lots\", which is no number");
    assert_eq!(
        said(&folder, "q.csv", "a,b\n0.5,0.5\n0.5,\n"),
        "q.csv, line 3, column b is empty; a number is wanted"
    );
    let compared = folder.run(&["compare", "p.csv", "p.csv", "--column", "tails"]).complaint();
    assert_eq!(
        compared,
        "p.csv, line 3, column tails is \"lots\", which is no number as those of old are; \
         --categorical tails takes all as text"
    );
    folder.run(&["compare", "p.csv", "p.csv", "--column", "tails", "--categorical", "tails"]).good();
    // A column that is not asked for is not looked at.
    folder.run(&["explain", "p.csv:heads", "1,1", "--normalize"]).good();
    let words = Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef;
    folder.parquet("p.parquet", vec![("word".into(), words)], Compression::SNAPPY);
    let complaint = folder.run(&["rows", "p.parquet", "1"]).complaint();
    assert_eq!(complaint, "p.parquet, column word holds Utf8, which is no number");
}

#[test]
fn npy_of_the_wrong_type() {
    let folder = Folder::new("type");
    let types = [("<c16", 16), ("|O", 8), ("<U4", 16), ("|S3", 3), ("<M8[s]", 8), ("<f16", 16)];
    for (dtype, bytes) in types {
        let complaint = said(&folder, "p.npy", npy(dtype, "(1, 2)", false, &vec![0; 2 * bytes]));
        assert!(complaint.starts_with("p.npy "), "{complaint}");
    }
    let records = npy("X", "(1,)", false, &[0; 8]).to_vec();
    let records = String::from_utf8_lossy(&records).replace("'X'", "[('a', '<f8')]");
    // What is lost in the conversion is the first byte of the magic; the rest is text.
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let header = &records[records.find('{').unwrap()..records.rfind('\n').unwrap() + 1];
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend([0; 8]);
    assert_eq!(
        said(&folder, "p.npy", bytes),
        "p.npy holds records; an array of floats or of integers is wanted"
    );
}

#[test]
fn npy_that_is_cut_off_or_damaged() {
    let folder = Folder::new("npy");
    let whole = npy("<f8", "(3, 2)", false, &stored(&[0.5; 6], "<f8"));
    folder.write("p.npy", &whole);
    folder.run(&["rows", "p.npy", "0.5,0.5"]).good();
    assert_eq!(
        said(&folder, "p.npy", &whole[..whole.len() - 9]),
        "p.npy is cut off: 4 of its 6 numbers are there"
    );
    // At every length, and with every header byte another.
    for length in 0..whole.len() {
        folder.write("p.npy", &whole[..length]);
        folder.run(&["rows", "p.npy", "0.5,0.5"]).complaint();
    }
    for place in 0..10 {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x41;
        folder.write("p.npy", damaged);
        let ended = folder.run(&["rows", "p.npy", "0.5,0.5"]);
        assert!(ended.status == 2 && ended.err.lines().count() == 1, "{place}: {}", ended.err);
    }
    // More numbers than there can be.
    for shape in ["(4611686018427387904, 2)", "(1099511627776, 1099511627776)", "(2, 18446744073709551615)"] {
        said(&folder, "p.npy", npy("<f8", shape, false, &[0; 16]));
    }
    for shape in ["(0, 2)", "(2, 0)", "(0,)"] {
        let complaint = said(&folder, "p.npy", npy("<f8", shape, false, &[]));
        assert!(complaint.starts_with("p.npy is empty"), "{complaint}");
    }
}

#[test]
fn negative_nan_and_infinite_entries() {
    let folder = Folder::new("entries");
    assert_eq!(
        said(&folder, "p.csv", "heads,tails\n0.5,0.5\n1.1,-0.1\n"),
        "p.csv, line 3, column tails is -0.1; probabilities and counts are finite and at least 0"
    );
    assert_eq!(
        said(&folder, "p.npy", npy("<i8", "(2, 2)", false, &stored(&[1.0, 2.0, -3.0, 4.0], "<i8"))),
        "p.npy[1, 0] is -3; probabilities and counts are finite and at least 0"
    );
    assert!(said(&folder, "p.csv", "0.5,0.5\nnan,1\n").starts_with("p.csv, line 2, column 0 is nan;"));
    assert!(said(&folder, "p.csv", "0.5,0.5\n1,inf\n").starts_with("p.csv, line 2, column 1 is inf;"));
    let values = Arc::new(Float64Array::from(vec![0.5, -0.5])) as ArrayRef;
    folder.parquet(
        "p.parquet",
        vec![("a".into(), values.clone()), ("b".into(), values)],
        Compression::SNAPPY,
    );
    let complaint = folder.run(&["rows", "p.parquet", "0.5,0.5"]).complaint();
    assert!(complaint.starts_with("p.parquet, row 1, column a is -0.5;"), "{complaint}");
    let complaint = folder.run(&["explain", "0.5,0.5", "-0.1,1.1"]).complaint();
    assert!(complaint.starts_with("q[0] is -0.1;"), "{complaint}");
}

#[test]
fn everything_that_the_table_of_invalid_inputs_has() {
    let folder = Folder::new("invalid");
    let cases = table("invalid");
    for case in cases.iter().filter(|case| case["n"].as_u64() <= Some(100)) {
        let side = |key: &str| numbers(&case[key]);
        let (p, q) = (side("p"), side("q"));
        let file = |name: &str, values: &[f64]| {
            let shape = format!("({},)", values.len());
            folder.write(name, npy("<f8", &shape, false, &stored(values, "<f8")))
        };
        let (p_file, q_file) = (file("p.npy", &p), file("q.npy", &q));
        let complaint = folder.run(&["explain", &p_file, &q_file]).complaint();
        if let (Some(argument), Some(index)) =
            (case["expect"]["argument"].as_str(), case["expect"]["index"].as_u64())
        {
            let value = number(&case[argument][index as usize]).to_string().to_lowercase();
            let start = format!("{argument}.npy[{index}] is {value};");
            assert!(complaint.starts_with(&start), "{}: {complaint}, not {start}", case["name"]);
        }
    }
}

#[test]
fn empty_and_missing_files() {
    let folder = Folder::new("empty");
    assert_eq!(said(&folder, "p.csv", ""), "p.csv is empty");
    assert_eq!(said(&folder, "p.csv", "\n\n"), "p.csv is empty");
    assert_eq!(said(&folder, "p.csv", "heads,tails\n"), "p.csv has a line of names and no rows");
    assert_eq!(folder.run(&["rows", "gone.npy", "1,1"]).complaint(), "gone.npy: there is no such file");
    assert_eq!(folder.run(&["rows", ".", "1,1"]).complaint(), ". is a directory");
    assert_eq!(folder.fed(&["rows", "-", "1,1"], b"").complaint(), "stdin is empty");
    assert_eq!(folder.run(&["rows", "", "1,1"]).complaint(), "\"\": there is no such file");
    assert_eq!(folder.run(&["rows", "0.5,x", "1,1"]).complaint(), "p = 0.5,x: \"x\" is no number");
    let none: ArrayRef = Arc::new(Float64Array::from(Vec::<f64>::new()));
    folder.parquet("p.parquet", vec![("a".into(), none)], Compression::SNAPPY);
    assert_eq!(folder.run(&["rows", "p.parquet", "1"]).complaint(), "p.parquet is empty: it has no rows");
    folder.write("old.csv", "");
    assert_eq!(folder.run(&["compare", "old.csv", "old.csv"]).complaint(), "old.csv is empty");
}

#[test]
fn parquet_and_npz_that_cannot_be_read() {
    let folder = Folder::new("parquet");
    folder.parquet_matrix("p.parquet", &vec![vec![0.5, 0.5]; 20]);
    folder.npz("p.npz", &[vec![0.5, 0.5]]);
    for name in ["p.parquet", "p.npz"] {
        let whole = folder.read(name);
        for length in (4..whole.len()).step_by(7) {
            folder.write(name, &whole[..length]);
            let complaint = folder.run(&["rows", name, "0.5,0.5"]).complaint();
            assert!(complaint.starts_with(name), "{complaint}");
        }
        // Wherever a byte is another it may go unnoticed, but never with a backtrace.
        for place in (4..whole.len()).step_by(3) {
            let mut damaged = whole.clone();
            damaged[place] ^= 0xFF;
            folder.write(name, damaged);
            let ended = folder.run(&["rows", name, "0.5,0.5"]);
            assert!(ended.status == 0 || ended.status == 2, "{name} {place}: {}", ended.err);
            assert!(ended.err.lines().count() <= 1, "{name} {place}: {}", ended.err);
        }
        folder.write(name, &whole);
        let piped = folder.fed(&["rows", "-", "0.5,0.5"], &whole).complaint();
        assert!(piped.contains("not from a pipe"), "{piped}");
    }
    let complaint = folder.run(&["rows", "p.npz", "1,1"]).complaint();
    assert_eq!(complaint, "p.npz has the arrays p, other; say which, as in p.npz:p");
    let complaint = folder.run(&["rows", "p.npz:q", "1,1"]).complaint();
    assert_eq!(complaint, "p.npz has no array q; its arrays are p, other");
}

#[test]
fn what_does_not_fit_together() {
    let folder = Folder::new("shapes");
    folder.write("p.csv", "a,b\n0.5,0.5\n0.5,0.5\n0.5,0.5\n");
    folder.write("q.csv", "a,b\n0.5,0.5\n0.5,0.5\n");
    let complain = |arguments: &[&str]| folder.run(arguments).complaint();
    assert_eq!(complain(&["explain", "1,2", "1,2,3"]), "p has 2 outcomes where q has 3");
    assert_eq!(complain(&["rows", "p.csv", "1,2,3"]), "p.csv has 2 outcomes a row where q has 3");
    assert_eq!(
        complain(&["rows", "p.csv", "q.csv"]),
        "q.csv has 2 rows and p.csv more; each row needs its own, or one for all"
    );
    assert!(
        complain(&["explain", "p.csv", "1,2"])
            .starts_with("p.csv has 3 rows of 2; one distribution is wanted")
    );
    assert_eq!(complain(&["explain", "p.csv:c", "1,2"]), "p.csv has no column c; the columns are a, b");
    assert_eq!(
        complain(&["rows", "-", "-"]),
        "standard input can be read once; save it to a file, or name the other one"
    );
    assert_eq!(
        complain(&["explain", "1,2", "1,2", "--names", "a"]),
        "--names has 1 name where there are 2 outcomes"
    );
    assert_eq!(
        complain(&["rows", "0,0", "1,1", "--normalize"]),
        "p has no mass and cannot be normalized; no outcome in it is possible"
    );
    assert_eq!(
        complain(&["rows", "1,1", "1,1", "--require-normalized"]),
        "p sums to 2, further from 1 than 0.000001"
    );
    assert_eq!(
        complain(&["explain", "1", "1", "--base", "1"]),
        "--base 1: the base of a logarithm is finite and above 1 here"
    );
    assert!(
        complain(&["explain", "1", "1", "--measure", "renyi", "--alpha", "2"])
            .starts_with("--measure: RENYI")
    );
    assert_eq!(
        complain(&["pairwise", "p.csv", "--nearest", "4"]),
        "--nearest 4: p.csv has no more than 3 rows"
    );
    assert_eq!(
        complain(&["family", "normal:0,1,2", "normal:0,1"]),
        "p has 3 numbers where normal takes 2: loc, scale"
    );
    assert_eq!(
        complain(&["family", "normal:0,-1", "normal:0,1"]),
        "scale in p[1] is -1; it is finite and above 0"
    );
    assert_eq!(
        complain(&["family", "normal:0,1", "poisson:1"]),
        "there is no answer for normal against poisson"
    );
    assert_eq!(
        complain(&["family", "norml:0,1", "normal:0,1"]),
        "there is no family norml; kldiv family --list has all of them"
    );
    assert_eq!(
        complain(&["explain", "1,1", "1,1", "--plot", "x.png"]),
        "--plot x.png: pictures are SVG; the name has to end in .svg"
    );
    assert!(complain(&["explain", "1,1", "1,1", "--plot", "none/x.svg"]).starts_with("--plot none/x.svg: "));
    assert_eq!(
        complain(&["compare", "p.csv", "q.csv", "--column", "c"]),
        "p.csv has no column c; the columns are a, b"
    );
}

#[test]
fn a_bad_row_costs_no_other_row_its_answer_where_that_is_asked_for() {
    let folder = Folder::new("skip");
    let out =
        folder.run(&["rows", "0.5,0.5;-1,2;0.7,0.3", "0.7,0.3", "--skip-bad", "--format", "csv"]).good();
    let coin = kldiv::kl(&[0.5, 0.5], &[0.7, 0.3]).unwrap();
    assert_eq!(out, format!("row,kl\n0,{coin}\n1,nan\n2,0\n"));
}
