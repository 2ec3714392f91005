//! What the command shows, and how it behaves among other programs.

mod common;

use std::io::Read;
use std::process::Stdio;

use common::{Folder, npy, number, stored};

const COIN: &str = "\
outcome       p       q     p/q  ln(p/q)  p·ln(p/q)    share  sum so far
heads    0.5000  0.7000  0.7143  -0.3365    -0.1682  -193.0%     -0.1682  ▐█████████│
tails    0.5000  0.3000  1.6667   0.5108     0.2554   293.0%      0.0872            │██████████████

D(P‖Q) = 0.0872 nats = 0.1258 bits
Expecting Q where P is true costs 0.0872 nats an outcome, on average.
";

#[test]
fn the_coin_is_explained() {
    let folder = Folder::new("coin");
    let coin = ["explain", "0.5,0.5", "0.7,0.3", "--names", "heads,tails"];
    assert_eq!(folder.run(&coin).good(), COIN);
    // As an article that rounds at the end has it.
    let three = folder.run(&[&coin[..], &["--digits", "3"]].concat()).good();
    for number in ["0.714", "-0.336", "-0.168", "1.667", "0.511", "0.255", "0.087 nats"] {
        assert!(three.contains(number), "{number}: {three}");
    }
    let bits = folder.run(&[&coin[..], &["--bits"]].concat()).good();
    assert!(bits.contains("log2(p/q)") && bits.contains("D(P‖Q) = 0.1258 bits = 0.0872 nats"), "{bits}");
    assert_eq!(folder.run(&[&coin[..], &["--base", "2"]].concat()).good(), bits);
}

#[test]
fn nothing_beyond_ascii_is_written_where_it_is_not_wanted() {
    let folder = Folder::new("ascii");
    let coin = ["explain", "0.5,0.5", "0.7,0.3", "--names", "heads,tails"];
    let ascii = folder.run(&[&coin[..], &["--ascii"]].concat()).good();
    assert!(
        ascii.is_ascii() && ascii.contains("##########|") && ascii.contains("D(P||Q) = 0.0872"),
        "{ascii}"
    );
    let in_c = folder.command(&coin).env("LC_ALL", "C").output().unwrap();
    assert_eq!(String::from_utf8(in_c.stdout).unwrap(), ascii);
    for arguments in [
        &["compare", "1,2,3,4", "1,2,3,5", "--edges", "2", "--ascii"][..],
        &["rows", "1,0;0,1", "0,1", "--ascii"],
        &["pairwise", "1,0;0,1", "--nearest", "1", "--ascii", "--measure", "jensen-shannon-distance"],
        &["compare", "1,2,3,4", "1,2,3,5", "--edges", "2", "--format", "csv"],
    ] {
        let out = folder.run(arguments).good();
        assert!(out.is_ascii(), "{out}");
    }
}

#[test]
fn of_many_outcomes_a_table_shows_those_that_contribute_most() {
    let folder = Folder::new("top");
    let list = |from: u32, step: i64| {
        (0..1000).map(|i| (i64::from(from) + step * i).to_string()).collect::<Vec<_>>().join(",")
    };
    let (p, q) = (list(1, 1), list(1000, -1));
    let out = folder.run(&["explain", &p, &q, "--normalize", "--top", "3"]).good();
    let lines: Vec<&str> = out.lines().collect();
    let first = |i: usize| lines[i].split_whitespace().next().unwrap();
    assert_eq!((first(1), first(2), first(3), first(4)), ("999", "998", "997", "997"));
    assert!(lines[4].starts_with("997 others") && lines[5].is_empty(), "{out}");
    // The rest's sum so far is all of it.
    let whole = folder.run(&["explain", &p, &q, "--normalize", "--format", "json"]).json();
    assert_eq!(whole["rows"].as_array().unwrap().len(), 1000);
    let value = format!("{:.4}", number(&whole["value"]));
    assert!(lines[4].contains(&value), "{value}: {out}");
    let usual = folder.run(&["explain", &p, &q, "--normalize"]).good();
    assert_eq!(usual.lines().take_while(|line| !line.is_empty()).count(), 1 + 20 + 1);
    let all = folder.run(&["explain", &p, &q, "--normalize", "--top", "0"]).good();
    assert_eq!(all.lines().take_while(|line| !line.is_empty()).count(), 1 + 1000);
}

#[test]
fn infinity_is_an_answer_and_is_explained() {
    let folder = Folder::new("infinity");
    let out = folder.run(&["explain", "0.5,0.5", "1,0"]).good();
    assert!(out.contains("D(P‖Q) = inf\n"), "{out}");
    assert!(out.contains("outcome 1 has p = 0.5000 and q = 0: Q rules out what P lets happen"), "{out}");
    assert_eq!(folder.run(&["explain", "0.5,0.5", "1,0", "--format", "json"]).json()["value"], "inf");
    folder.write("q.csv", "a,b\n0.7,0.3\n1,0\n");
    let rows = folder.run(&["rows", "0.5,0.5", "q.csv"]).good();
    assert!(rows.contains("row 1 is infinite: q.csv, line 3, column b is 0 where p[1] is 0.5"), "{rows}");
    let family = folder.run(&["family", "uniform:0,2", "uniform:0,1"]).good();
    assert!(family.starts_with("D(P‖Q) = inf\nInfinite: "), "{family}");
    // And a zero of P is none.
    let zero = folder.run(&["explain", "0,1", "0.5,0.5"]).good();
    assert!(zero.contains("0.6931 nats"), "{zero}");
}

#[test]
fn sums_that_are_not_1_are_mentioned() {
    let folder = Folder::new("sums");
    let out = folder.run(&["explain", "3,4", "1,1"]).good();
    assert!(out.contains("P sums to 7 and Q to 2, taken as given"), "{out}");
    let normalized = folder.run(&["explain", "3,4", "1,1", "--normalize"]).good();
    assert!(!normalized.contains("sums to"), "{normalized}");
    let smoothed = folder.run(&["explain", "3,4", "1,1", "--smoothing", "0.5", "--format", "csv"]).good();
    assert!(smoothed.contains("\n0,0.4375,0.5,"), "{smoothed}");
}

#[test]
fn names_come_from_the_file_or_the_caller() {
    let folder = Folder::new("names");
    folder.write("p.csv", "heads;tails\n0.5;0.5\n");
    let out = folder.run(&["explain", "p.csv", "0.7,0.3", "--format", "csv"]).good();
    assert!(out.contains("\nheads,0.5,0.7,") && out.contains("\ntails,"), "{out}");
    folder.write("t.csv", "side,p,q\n\"a, b\",0.5,0.7\nb,0.5,0.3\n");
    let out = folder.run(&["explain", "t.csv:p", "t.csv:q", "--names", "x,y", "--format", "csv"]).good();
    assert!(out.contains("\nx,0.5,0.7,"), "{out}");
    let both = folder.run(&["rows", "t.csv:q,p", "0.5,0.5", "--normalize", "--format", "csv"]).good();
    assert_eq!(both.lines().count(), 3);
}

#[test]
fn a_first_column_of_text_names_the_rows() {
    let folder = Folder::new("labels");
    folder.write("coins.csv", "coin,heads,tails\nfair,0.5,0.5\nbent,0.7,0.3\n");
    assert_eq!(folder.run(&["explain", "coins.csv:fair", "coins.csv:bent"]).good(), COIN);
    let rows = folder
        .run(&["rows", "coins.csv", "0.5,0.5", "--measure", "jensen-shannon", "--format", "csv"])
        .good();
    assert!(rows.starts_with("row,jensen-shannon\nfair,0\nbent,0.02"), "{rows}");
    let matrix = folder.run(&["pairwise", "coins.csv", "--format", "csv"]).good();
    assert!(matrix.starts_with("row,fair,bent\nfair,0,0.0871"), "{matrix}");
    let nearest =
        folder.run(&["pairwise", "coins.csv", "0.1,0.9;0.6,0.4", "--nearest", "1", "--format", "csv"]).good();
    assert!(nearest.contains("\nfair,1,1,") && nearest.contains("\nbent,1,1,"), "{nearest}");
    // A column comes before a row of that name, and what is neither is said to be none.
    assert!(folder.run(&["explain", "coins.csv:heads", "1,1", "--normalize"]).good().contains("0.5833"));
    let none = folder.run(&["explain", "coins.csv:odd", "1,1"]).complaint();
    assert_eq!(none, "coins.csv has no column or row odd; the columns are coin, heads, tails");
    folder.write("bad.csv", "coin,heads,tails\nfair,0.5,0.5\nbent,0.7,much\n");
    let bad = folder.run(&["rows", "bad.csv", "0.5,0.5"]).complaint();
    assert_eq!(bad, "bad.csv, line 3, column tails is \"much\", which is no number");
    assert!(folder.run(&["compare", "coins.csv", "coins.csv"]).good().contains("coin    categorical"));
}

#[test]
fn standard_input_is_a_file_too() {
    let folder = Folder::new("stdin");
    let out = folder.fed(&["explain", "-", "0.7,0.3", "--names", "heads,tails"], b"0.5\n0.5\n").good();
    assert_eq!(out, COIN);
    let out =
        folder.fed(&["explain", "-:b", "0.7,0.3", "--names", "heads,tails"], b"a,b\n1,0.5\n1,0.5\n").good();
    assert_eq!(out, COIN);
    let piped = npy("<f8", "(2,)", false, &stored(&[0.5, 0.5], "<f8"));
    assert_eq!(folder.fed(&["explain", "-", "0.7,0.3", "--names", "heads,tails"], &piped).good(), COIN);
}

#[test]
fn a_file_may_be_called_anything() {
    let folder = Folder::new("anything");
    folder.write("1", "0.5,0.5\n");
    folder.write("a:b.csv", "x,y:z\n0.5,0.7\n0.5,0.3\n");
    let at = folder.run(&["explain", "@1", "0.7,0.3", "--names", "heads,tails"]);
    assert_eq!(at.good(), COIN);
    let colons = folder.run(&["explain", "a:b.csv:x", "a:b.csv:y:z", "--names", "heads,tails"]);
    assert_eq!(colons.good(), COIN);
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let folder = Folder::new("pipe");
    folder.write("p.csv", "0.5,0.5\n".repeat(200_000));
    for format in ["table", "csv", "json"] {
        let mut command = folder.command(&["rows", "p.csv", "0.7,0.3", "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut some = [0; 10];
        child.stdout.as_mut().unwrap().read_exact(&mut some).unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{format}");
    }
}

/// 640 MiB of zeros, which take no place on most disks, in 400 MB of address space.
#[cfg(target_os = "linux")]
#[test]
fn files_larger_than_memory_are_read_in_pieces() {
    let folder = Folder::new("memory");
    let (rows, cols) = (640 * 1024, 128);
    folder.write("p.npy", npy("<f8", &format!("({rows}, {cols})"), false, &[]));
    let file = std::fs::OpenOptions::new().write(true).open(folder.0.join("p.npy")).unwrap();
    let header = file.metadata().unwrap().len();
    file.set_len(header + rows * cols * 8).unwrap();
    let ones = vec!["1"; cols as usize].join(",");
    let limited = |command: &str| {
        let script = format!("ulimit -v 400000 && exec {} {command}", env!("CARGO_BIN_EXE_kldiv"));
        let mut shell = std::process::Command::new("bash");
        shell.args(["-c", &script]).current_dir(&folder.0).env("RAYON_NUM_THREADS", "1");
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let sum = limited(&format!("rows p.npy {ones} --reduce sum --format csv"));
    assert_eq!(sum, format!("rows,sum\n{rows},0\n"));
    let nearest = limited(&format!("pairwise p.npy {ones} --nearest 1 --format csv | tail -n 1"));
    assert_eq!(nearest, format!("{},1,0,0\n", rows - 1));
    let compared = limited("compare p.npy p.npy --column 7 --summary --format csv | tail -n 1");
    assert!(compared.starts_with(&format!("7,numeric,1,{rows},{rows},")), "{compared}");
}

#[test]
fn the_bins_are_the_deciles_of_old() {
    let folder = Folder::new("deciles");
    let lines =
        |values: &[f64]| "x\n".to_string() + &values.iter().map(|x| format!("{x}\n")).collect::<String>();
    let old: Vec<f64> = (0..=1000).map(f64::from).collect();
    let new: Vec<f64> = (0..=1000).map(|x| f64::from(x) + 100.0).collect();
    folder.write("old.csv", lines(&old));
    folder.write("new.csv", lines(&new) + "NA\n");
    let out = folder.run(&["compare", "old.csv", "new.csv", "--format", "json"]).json();
    let column = |key: &str| -> Vec<f64> {
        out["rows"].as_array().unwrap().iter().map(|row| number(&row[key])).collect()
    };
    // numpy.quantile(range(1001), [0.1, ..., 0.9]) is 100, ..., 900; what is missing is a bin of its own.
    assert_eq!(column("old"), [[100.0; 9].as_slice(), &[101.0, 0.0]].concat());
    assert_eq!(column("new"), [&[0.0], [100.0; 8].as_slice(), &[201.0, 1.0]].concat());
    assert_eq!(out["rows"][10]["bin"], "(missing)");
    assert_eq!(number(&out["smoothing"]), 0.5);
    assert!(out["bins"].as_str().unwrap().starts_with("10, between the deciles of old"));
    // Without an empty bin nothing is added.
    let same = folder.run(&["compare", "old.csv", "old.csv", "--format", "json"]).json();
    assert_eq!((number(&same["smoothing"]), number(&same["psi"])), (0.0, 0.0));
    // And the index is what counts(P), counts(Q) by hand give.
    let edges = folder.run(&["compare", "old.csv", "old.csv:x", "--edges", "500"]).good();
    assert!(edges.contains("< 500") && edges.contains("≥ 500"), "{edges}");
}

#[test]
fn of_many_bins_a_table_shows_the_first_and_the_others_together() {
    let folder = Folder::new("others");
    let texts = |n: u32| "x\n".to_string() + &(0..n).map(|i| format!("t{i:03}\n")).collect::<String>();
    folder.write("old.csv", texts(40));
    folder.write("new.csv", texts(40) + "t039\nt039\n");
    let out = folder.run(&["compare", "old.csv", "new.csv"]).good();
    let lines: Vec<&str> = out.lines().collect();
    let words = |i: usize| lines[i].split_whitespace().take(4).collect::<Vec<_>>().join(" ");
    assert_eq!((words(1).as_str(), words(26).as_str()), ("t039 1 3 2.5%", "15 others 15 15"), "{out}");
    let whole = folder.run(&["compare", "old.csv", "new.csv", "--format", "json"]).json();
    assert_eq!(whole["rows"].as_array().unwrap().len(), 40);
}

#[test]
fn a_drift_beyond_what_is_allowed_ends_with_status_1() {
    let folder = Folder::new("drift");
    folder.write("old.csv", "x,y\n1,a\n2,a\n3,b\n");
    folder.write("new.csv", "y,x\na,1\na,2\nc,3\n");
    let ended = folder.run(&["compare", "old.csv", "new.csv", "--max-psi", "0.2"]);
    assert_eq!((ended.status, ended.err.as_str()), (1, "kldiv: PSI above 0.2 in column y\n"));
    assert!(ended.out.contains("x       numeric"), "{}", ended.out);
    folder.run(&["compare", "old.csv", "new.csv", "--column", "x", "--max-psi", "0.2"]).good();
}

#[test]
fn a_shift_to_numbers_that_old_never_had_is_seen() {
    let folder = Folder::new("constant");
    let out = folder.run(&["compare", "5,5,5,5", "7,7,7,7", "--format", "json"]).json();
    assert!(number(&out["psi"]) > 1.0, "{out}");
}

#[test]
fn pictures_have_the_same_bytes_every_time() {
    let folder = Folder::new("plot");
    let draw = |name: &str, locale: &str| {
        let coin = ["explain", "0.5,0.5", "0.7,0.3", "--names", "heads,<tails>", "--plot", name];
        assert!(folder.command(&coin).env("LC_ALL", locale).output().unwrap().status.success());
        String::from_utf8(folder.read(name)).unwrap()
    };
    let svg = draw("a.svg", "C.UTF-8");
    assert_eq!(svg, draw("b.svg", "C"));
    for part in ["D(P‖Q) = 0.0872 nats", "heads", "&lt;tails&gt;", "</svg>\n"] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
    // A bar of each side for each outcome and one of what it contributes; the background; two squares of the legend.
    assert_eq!(svg.matches("<rect").count(), 2 * 2 + 2 + 1 + 2);
    let infinite = ["explain", "0.5,0.5,0", "1,0,0", "--plot", "c.svg"];
    folder.run(&infinite).good();
    assert!(String::from_utf8(folder.read("c.svg")).unwrap().contains("∞"));
    let many = vec!["1"; 5000].join(",");
    folder.run(&["explain", &many, &many, "--normalize", "--plot", "d.svg"]).good();
}

#[test]
fn completions_and_manual_pages_are_there() {
    let folder = Folder::new("completions");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.run(&["completions", shell]).good();
        assert!(
            script.contains("explain") && script.contains("--normalize") || script.contains("normalize"),
            "{shell}"
        );
    }
    assert!(folder.run(&["man"]).good().contains(".TH kldiv 1"));
    for page in ["explain", "rows", "pairwise", "compare", "family", "completions", "man"] {
        let text = folder.run(&["man", page]).good();
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    assert_eq!(folder.run(&["--version"]).good(), format!("kldiv {}\n", env!("CARGO_PKG_VERSION")));
    // A usage error has status 2 as well.
    assert_eq!(folder.run(&["explain"]).status, 2);
}

#[test]
fn csv_and_json_have_every_digit() {
    let folder = Folder::new("digits");
    let coin = kldiv::kl(&[0.5, 0.5], &[0.7, 0.3]).unwrap();
    let json = folder.run(&["rows", "0.5,0.5", "0.7,0.3", "--format", "json"]).json();
    assert_eq!(number(&json["rows"][0]["kl"]).to_bits(), coin.to_bits());
    let csv = folder.run(&["rows", "0.5,0.5", "0.7,0.3", "--format", "csv"]).good();
    assert_eq!(
        csv.lines().nth(1).unwrap().split(',').nth(1).unwrap().parse::<f64>().unwrap().to_bits(),
        coin.to_bits()
    );
    let mean =
        folder.run(&["rows", "0.5,0.5;0.7,0.3", "0.7,0.3", "--reduce", "mean", "--format", "csv"]).good();
    assert_eq!(mean, format!("rows,mean\n2,{}\n", coin / 2.0));
}
