//! The reference tables, through files of every format: the command's numbers are the tables'.

mod common;

use std::process::Command;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float64Builder};
use arrow_array::{ArrayRef, Float32Array, Int64Array, UInt64Array};
use common::{Folder, assert_near, number, numbers, table};
use kldiv::Family;
use parquet::basic::Compression;
use serde_json::Value;

const F64: f64 = f64::EPSILON / 2.0;
const F32: f64 = f32::EPSILON as f64 / 2.0;

/// Cases that files can be made of without losing anything: every number is written as the shortest that reads back.
fn cases(dtype: &str) -> Vec<Value> {
    let all = table("discrete").into_iter();
    all.filter(|case| case["dtype"] == dtype && case["p"].as_array().is_some_and(|p| p.len() <= 300))
        .collect()
}

type Rows = Vec<Vec<f64>>;

/// Runs of cases of one length: matrices with a case a row.
fn matrices(cases: &[Value]) -> Vec<(Vec<&Value>, Rows, Rows)> {
    let mut lengths: Vec<usize> = cases.iter().map(|case| case["p"].as_array().unwrap().len()).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let of_length = |n: &usize| {
        let chosen: Vec<&Value> =
            cases.iter().filter(|case| case["p"].as_array().unwrap().len() == *n).collect();
        let side = |key: &str| chosen.iter().map(|case| numbers(&case[key])).collect();
        (chosen.clone(), side("p"), side("q"))
    };
    lengths.iter().map(of_length).collect()
}

#[test]
fn every_format_gives_the_tables_numbers_and_the_same_bits() {
    let folder = Folder::new("formats");
    let (mut rows, cases) = (0, cases("f64"));
    for (cases, p, q) in matrices(&cases) {
        let files = [
            (folder.csv("p.csv", &p), folder.csv("q.csv", &q)),
            (folder.npy("p.npy", &p, "<f8"), folder.npy("q.npy", &q, ">f8")),
            (folder.npz("p.npz", &p), folder.npz("q.npz", &q)),
            (folder.parquet_matrix("p.parquet", &p), folder.parquet_matrix("q.parquet", &q)),
        ];
        let mut first: Option<Vec<f64>> = None;
        for (p, q) in &files {
            let out = folder.run(&["rows", p, q, "--format", "json"]).json();
            let values: Vec<f64> =
                out["rows"].as_array().unwrap().iter().map(|row| number(&row["kl"])).collect();
            assert_eq!(values.len(), cases.len());
            let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(first.get_or_insert_with(|| values.clone())), bits(&values), "{p}");
            for (case, value) in cases.iter().zip(values) {
                assert_near(&format!("{} from {p}", case["name"]), value, case, "kl", F64);
            }
        }
        rows += cases.len();
    }
    assert!(rows > 100, "{rows}");
}

#[test]
fn every_measure_is_the_tables() {
    let folder = Folder::new("measures");
    let measures: [(&str, &[&str]); 8] = [
        ("generalized", &["generalized"]),
        ("reverse", &["reverse"]),
        ("jensen_shannon", &["jensen-shannon"]),
        ("jeffreys", &["jeffreys"]),
        ("entropy", &["entropy"]),
        ("cross_entropy", &["cross-entropy"]),
        ("renyi_0_5", &["renyi", "--alpha", "0.5"]),
        ("renyi_2", &["renyi", "--alpha", "2"]),
    ];
    let cases = cases("f64");
    let plain: Vec<Value> =
        cases.into_iter().filter(|case| !case["tags"].to_string().contains("subnormal")).collect();
    for (cases, p, q) in matrices(&plain) {
        let (p, q) = (folder.npy("p.npy", &p, "<f8"), folder.npy("q.npy", &q, "<f8"));
        for (key, measure) in measures {
            let mut arguments = vec!["rows", &p, &q, "--format", "json", "--measure"];
            arguments.extend(measure);
            let out = folder.run(&arguments).json();
            for (case, row) in cases.iter().zip(out["rows"].as_array().unwrap()) {
                if case["expect"][key].is_null() {
                    continue;
                }
                assert_near(&format!("{} {key}", case["name"]), number(&row[measure[0]]), case, key, F64);
            }
        }
    }
}

#[test]
fn narrow_floats_are_computed_as_what_they_are() {
    let folder = Folder::new("f32");
    for (cases, p, q) in matrices(&cases("f32")) {
        let narrow = |rows: &[Vec<f64>], i: usize| {
            Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row[i] as f32))) as ArrayRef
        };
        let columns =
            |rows: &[Vec<f64>]| (0..rows[0].len()).map(|i| (format!("c{i}"), narrow(rows, i))).collect();
        let files = [
            (folder.npy("p.npy", &p, "<f4"), folder.npy("q.npy", &q, "<f4")),
            (
                folder.parquet("p.parquet", columns(&p), Compression::SNAPPY),
                folder.parquet("q.parquet", columns(&q), Compression::SNAPPY),
            ),
        ];
        for (p, q) in &files {
            let out = folder.run(&["rows", p, q, "--format", "json"]).json();
            for (case, row) in cases.iter().zip(out["rows"].as_array().unwrap()) {
                assert_near(&format!("{} from {p}", case["name"]), number(&row["kl"]), case, "kl", F32);
                // The library, given f32, gives these bits.
                let narrow = |key: &str| numbers(&case[key]).iter().map(|x| *x as f32).collect::<Vec<f32>>();
                let bits = kldiv::kl(&narrow("p"), &narrow("q")).unwrap().to_bits();
                assert_eq!(number(&row["kl"]).to_bits(), bits, "{}", case["name"]);
            }
        }
    }
}

#[test]
fn explain_adds_up_to_the_tables_numbers() {
    let folder = Folder::new("explain");
    for case in cases("f64").iter().step_by(5) {
        let side = |key: &str| numbers(&case[key]).iter().map(f64::to_string).collect::<Vec<_>>().join(",");
        let (p, q) = (side("p"), side("q"));
        let out = folder.run(&["explain", &p, &q, "--format", "json"]).json();
        assert_near(&case["name"].to_string(), number(&out["value"]), case, "kl", F64);
        assert_eq!(out["rows"].as_array().unwrap().len() as u64, case["n"].as_u64().unwrap());
    }
}

#[test]
fn counts_are_the_tables_with_every_smoothing() {
    let folder = Folder::new("counts");
    for case in table("counts") {
        let counts = |key: &str| -> Vec<u64> {
            case[key].as_array().unwrap().iter().map(|x| x.as_u64().unwrap()).collect()
        };
        let (p, q) = (counts("p_counts"), counts("q_counts"));
        let column = |counts: &[u64]| {
            let values = UInt64Array::from_iter_values(counts.iter().copied());
            vec![("n".to_string(), Arc::new(values) as ArrayRef)]
        };
        folder.parquet("p.parquet", column(&p), Compression::UNCOMPRESSED);
        folder.parquet("q.parquet", column(&q), Compression::UNCOMPRESSED);
        let alpha = case["alpha"].as_f64().unwrap().to_string();
        let measures =
            [("kl", "kl"), ("kl_reverse", "reverse"), ("psi", "jeffreys"), ("js", "jensen-shannon")];
        for (key, measure) in measures {
            let arguments = ["p.parquet", "q.parquet", "--smoothing", &alpha, "--measure", measure];
            let out = folder.run(&[&["explain", "--format", "json"][..], &arguments].concat()).json();
            let (got, want) = (number(&out["value"]), number(&case["expect"][key]));
            let good = got == want || (got / want - 1.0).abs() < 1e-14;
            assert!(good, "{} {key}: {got}, want {want}", case["name"]);
        }
    }
}

/// Values whose counts are a table's, one a line, as text that is no number.
fn spread(counts: &[u64]) -> String {
    let lines =
        counts.iter().enumerate().flat_map(|(i, n)| std::iter::repeat_n(format!("k{i}\n"), *n as usize));
    "x\n".to_string() + &lines.collect::<String>()
}

#[test]
fn compare_counts_and_gives_the_tables_indices() {
    let folder = Folder::new("compare");
    let mut compared = 0;
    for case in table("counts") {
        let counts = |key: &str| -> Vec<u64> {
            case[key].as_array().unwrap().iter().map(|x| x.as_u64().unwrap()).collect()
        };
        let (p, q) = (counts("p_counts"), counts("q_counts"));
        let (n, m) =
            (p.iter().map(|x| u128::from(*x)).sum::<u128>(), q.iter().map(|x| u128::from(*x)).sum::<u128>());
        // An outcome that neither has is not to be seen in files.
        if n.max(m) > 100_000 || n.min(m) == 0 || p.iter().zip(&q).any(|(p, q)| p + q == 0) {
            continue;
        }
        folder.write("old.csv", spread(&p));
        folder.write("new.csv", spread(&q));
        let alpha = case["alpha"].as_f64().unwrap().to_string();
        let out =
            folder.run(&["compare", "old.csv", "new.csv", "--smoothing", &alpha, "--format", "json"]).json();
        for (key, fact) in [("kl", "kl"), ("kl_reverse", "reverse"), ("psi", "psi"), ("js", "jensen_shannon")]
        {
            let (got, want) = (number(&out[fact]), number(&case["expect"][key]));
            let good = got == want || (got / want - 1.0).abs() < 1e-12;
            assert!(good, "{} {key}: {got}, want {want}", case["name"]);
        }
        compared += 1;
    }
    assert!(compared >= 8, "{compared}");
}

#[test]
fn pairwise_is_the_table() {
    let folder = Folder::new("pairwise");
    for case in table("pairwise").iter().filter(|case| case["dtype"] == "f64") {
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let (d, k) = (size("d"), size("k"));
        let rows = |key: &str| numbers(&case[key]).chunks(d).map(<[f64]>::to_vec).collect::<Vec<_>>();
        let (p, q) = (folder.npy("p.npy", &rows("p"), "<f8"), folder.csv("q.csv", &rows("q")));
        let out = folder.run(&["pairwise", &p, &q, "--format", "json"]).json();
        let expect = case["expect"]["kl"].as_array().unwrap();
        for (i, row) in out["rows"].as_array().unwrap().iter().enumerate() {
            for (j, got) in row.as_array().unwrap().iter().map(number).enumerate() {
                let want = number(&expect[i * k + j]);
                let mag = &case["mag"]["kl"][i * k + j];
                let near = || (got - want).abs() <= 16.0 * F64 * number(mag) + want.abs() * f64::EPSILON;
                assert!(got == want || near(), "{} [{i}, {j}]: {got}, want {want}", case["name"]);
            }
        }
        let out = folder.run(&["pairwise", &p, &q, "--nearest", "1", "--format", "json"]).json();
        for (i, row) in out["rows"].as_array().unwrap().iter().enumerate() {
            let values = expect[i * k..][..k].iter().map(number);
            let least = values.fold(f64::INFINITY, f64::min);
            let near = number(&expect[i * k + row["nearest"].as_u64().unwrap() as usize]);
            assert!(
                near <= least + 1e-9 * least.abs() + 1e-15,
                "{} row {i}: {near}, least {least}",
                case["name"]
            );
        }
    }
}

/// A distribution of the table as an argument: numbers in the order that the list of families gives.
fn argument(side: &Value) -> Option<String> {
    let mut name = side["family"].as_str().unwrap().to_string();
    let params = side["params"].as_object().unwrap();
    for (key, sister) in [
        ("logits", "_logits"),
        ("scale_tril", "_tril"),
        ("precision_matrix", "_precision"),
        ("scale_diag", "_diag"),
    ] {
        if params.contains_key(key) && name != "lognormal" {
            name += sister;
        }
    }
    let family = Family::ALL.iter().find(|family| family.name() == name)?;
    let text = family.parameters();
    // The parameters in backticks or words, in the order in which they stand there.
    let mut keys: Vec<&String> = params.keys().collect();
    let words: Vec<&str> = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    if keys.iter().any(|key| !words.contains(&key.as_str())) {
        return None;
    }
    keys.sort_by_key(|key| words.iter().position(|word| *word == key.as_str()));
    let mut flat = Vec::new();
    fn flatten(x: &Value, into: &mut Vec<f64>) {
        match x {
            Value::Array(parts) => parts.iter().for_each(|part| flatten(part, into)),
            x => into.push(number(x)),
        }
    }
    keys.iter().for_each(|key| flatten(&params[*key], &mut flat));
    let numbers = flat.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    Some(format!("{name}:{numbers}"))
}

#[test]
fn families_by_name_are_the_table() {
    let folder = Folder::new("families");
    let mut families = std::collections::BTreeSet::new();
    for case in table("continuous").iter().step_by(6) {
        let (Some(p), Some(q)) = (argument(&case["p"]), argument(&case["q"])) else { continue };
        let out = folder.run(&["family", &p, &q, "--format", "json"]).json();
        let (got, want) = (number(&out["rows"][0]["kl"]), number(&case["expect"]["kl"]));
        let near = got == want || (got / want - 1.0).abs() < 1e-8;
        assert!(near, "{} {p} {q}: {got}, want {want}", case["name"]);
        families.insert(case["p"]["family"].to_string());
    }
    assert!(families.len() > 25, "{families:?}");
}

#[test]
fn every_family_is_listed_with_as_many_parameters_as_it_takes() {
    let folder = Folder::new("list");
    let list = folder.run(&["family", "--list", "--format", "json"]).json();
    let listed: Vec<&str> =
        list["rows"].as_array().unwrap().iter().map(|row| row["family"].as_str().unwrap()).collect();
    assert_eq!(listed, Family::ALL.iter().map(|family| family.name()).collect::<Vec<_>>());
    // Bad numbers, so many of them, are bad numbers and not a wrong many.
    for (family, row) in Family::ALL.iter().zip(list["rows"].as_array().unwrap()) {
        let parameters = row["parameters"].as_str().unwrap();
        let names = parameters.split(':').next().unwrap().split(", of ").next().unwrap();
        if family.name().contains("mv") || names.contains("d·d") || names.contains("one an outcome") {
            continue;
        }
        let names = names.split(", which").next().unwrap().split(", divided").next().unwrap();
        let names = names.split(", over").next().unwrap();
        let count = names.matches(", ").count() + 1;
        let given = format!("{}:{}", family.name(), vec!["-2.5"; count].join(","));
        let complaint = folder.run(&["family", &given, &given]);
        assert!(!complaint.err.contains(" takes "), "{given}: {}", complaint.err);
    }
}

#[test]
fn lists_in_parquet_are_rows() {
    let folder = Folder::new("lists");
    let mut lists = FixedSizeListBuilder::new(Float64Builder::new(), 2);
    for row in [[0.5, 0.5], [0.9, 0.1]] {
        row.into_iter().for_each(|x| lists.values().append_value(x));
        lists.append(true);
    }
    let lists = Arc::new(lists.finish()) as ArrayRef;
    let ids = Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    folder.parquet("p.parquet", vec![("id".into(), ids), ("probs".into(), lists)], Compression::SNAPPY);
    let out = folder.run(&["rows", "p.parquet:probs", "0.7,0.3", "--format", "csv"]).good();
    let coin = kldiv::kl(&[0.5, 0.5], &[0.7, 0.3]).unwrap();
    let other = kldiv::kl(&[0.9, 0.1], &[0.7, 0.3]).unwrap();
    assert_eq!(out, format!("row,kl\n0,{coin}\n1,{other}\n"));
}

#[test]
fn arrays_of_every_order_and_type_are_the_same_rows() {
    let folder = Folder::new("npy");
    let (rows, columns) = ([3.0, 1.0, 2.0, 5.0], [3.0, 2.0, 1.0, 5.0]);
    let expected = folder.run(&["rows", "3,1;2,5", "1,1", "--normalize", "--format", "csv"]).good();
    for dtype in ["<f8", ">f8", "<f4", "<f2", "<i8", "<u4", "|u1"] {
        folder.write("p.npy", common::npy(dtype, "(2, 2)", false, &common::stored(&rows, dtype)));
        assert_eq!(
            folder.run(&["rows", "p.npy", "1,1", "--normalize", "--format", "csv"]).good(),
            expected,
            "{dtype}"
        );
        folder.write("p.npy", common::npy(dtype, "(2, 2)", true, &common::stored(&columns, dtype)));
        assert_eq!(
            folder.run(&["rows", "p.npy", "1,1", "--normalize", "--format", "csv"]).good(),
            expected,
            "{dtype}"
        );
        // From a pipe too, and with an axis more.
        let bytes = common::npy(dtype, "(2, 1, 2)", false, &common::stored(&rows, dtype));
        let piped = folder.fed(&["rows", "-", "1,1", "--normalize", "--format", "csv"], &bytes);
        assert_eq!(piped.good(), expected, "{dtype}");
    }
}

/// One file that numpy itself wrote, where it is there.
#[test]
fn what_numpy_writes_is_read() {
    let folder = Folder::new("numpy");
    let script = "import numpy as n; p = n.array([[.5, .5], [.9, .1]]); n.save('p.npy', p); \
        n.savez_compressed('p.npz', p=p, f=n.asfortranarray(p)); n.savetxt('p.txt', p); n.save('v.npy', p[0])";
    let wrote = Command::new("python3").args(["-c", script]).current_dir(&folder.0).output();
    if !wrote.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: python3 with numpy is not here");
        return;
    }
    let expected = folder.run(&["rows", "0.5,0.5;0.9,0.1", "0.7,0.3", "--format", "csv"]).good();
    for file in ["p.npy", "p.npz:p", "p.npz:f", "p.txt"] {
        assert_eq!(folder.run(&["rows", file, "0.7,0.3", "--format", "csv"]).good(), expected, "{file}");
    }
    assert!(folder.run(&["explain", "v.npy", "0.7,0.3"]).good().contains("0.0872 nats"));
}
