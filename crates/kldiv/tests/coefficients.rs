//! The kernels' coefficients are what their script computes.

use std::path::Path;
use std::process::Command;

#[test]
fn coefficients_are_to_the_byte_what_the_script_prints() {
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kernels");
    let output = Command::new("python3").arg(kernels.join("coefficients.py")).output();
    let output = output.expect("python3 is needed to make the coefficients again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let committed = std::fs::read_to_string(kernels.join("coefficients.rs")).unwrap();
    for (i, (printed, committed)) in printed.lines().zip(committed.lines()).enumerate() {
        assert_eq!(printed, committed, "line {}", i + 1);
    }
    assert_eq!(printed, committed);
}
