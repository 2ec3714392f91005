//! The documentation's commands print what it says. (scripts/snippets runs the pages' programs too.)

mod common;

use std::process::{Command, Stdio};

use common::{Folder, tree};

const PAGES: [&str; 3] = ["learn.md", "command.md", "gallery.md"];

/// The lines `$ command` of a page's console blocks, each with what has to follow.
fn commands(page: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (inside, line.strip_prefix("$ ")) {
            (false, _) => inside = line == "```console",
            (true, _) if line == "```" => inside = false,
            (true, Some(command)) => found.push((command.to_string(), String::new())),
            (true, None) => {
                let (_, output) = found.last_mut().expect("a command before its output");
                *output += line;
                output.push('\n');
            }
        }
    }
    found
}

#[test]
fn every_command_of_the_pages_prints_what_they_say() {
    for page in PAGES {
        let folder = Folder::new(page);
        let text = std::fs::read_to_string(tree().join("docs").join(page)).unwrap();
        let commands = commands(&text);
        assert!(commands.len() >= 6, "{page}");
        let own = std::path::Path::new(env!("CARGO_BIN_EXE_kldiv")).parent().unwrap();
        let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
        for (command, expected) in commands {
            let mut shell = Command::new("bash");
            // Standard error and output in one, as on a terminal.
            shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(&folder.0).stdin(Stdio::null());
            shell.env("PATH", &path).env("TREE", tree()).env("LC_ALL", "C.UTF-8").env("COLUMNS", "120");
            let output = shell.output().unwrap();
            let mut printed: String = String::from_utf8(output.stdout).unwrap();
            if let Some(status @ 1..) = output.status.code() {
                printed += &format!("[exit {status}]\n");
            }
            let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
            assert_eq!(trimmed(&printed), trimmed(&expected), "{page}: {command}");
        }
    }
}
