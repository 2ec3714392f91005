//! Compiles the C peers, where gcc and glibc's libmvec are at home.

use std::env::var;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=peers.c");
    println!("cargo::rerun-if-changed=python/training.c");
    println!("cargo::rustc-check-cfg=cfg(c_peers)");
    let gcc = Command::new("gcc").arg("-dumpfullversion").output();
    let version = gcc.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    println!("cargo::rustc-env=GCC_VERSION={}", version.unwrap_or_default());

    let target = |part: &str| var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if (target("ARCH"), target("OS"), target("ENV")) != ("x86_64".into(), "linux".into(), "gnu".into()) {
        println!("cargo::warning=no C peers: they want gcc and libmvec on x86-64 Linux");
        return;
    }
    // gcc by name: no other compiler turns `log` into libmvec's vectors by itself.
    let compile = |file: &str, set: &str, level: u32, flags: &[&str]| {
        let mut build = cc::Build::new();
        build.compiler("gcc").file(file).define("SET", set).opt_level(level).flags(flags);
        build.try_compile(&format!("kldiv_peers_{set}"))
    };
    let fast = ["-march=native", "-ffast-math"];
    // -ffast-math is given to the compiler alone: at link time it would flush subnormals in the whole program.
    let peers = compile("peers.c", "libm", 2, &[])
        .and_then(|()| compile("peers.c", "libmvec", 3, &fast))
        .and_then(|()| compile("python/training.c", "fused", 3, &fast));
    match peers {
        Ok(()) => {
            println!("cargo::rustc-link-lib=mvec");
            println!("cargo::rustc-link-lib=m");
            println!("cargo::rustc-cfg=c_peers");
        }
        Err(error) => println!("cargo::warning=no C peers: {error}"),
    }
}
