//! The fuzz targets without a fuzzer: every seed, every input that ever failed, and mutations that are always the same.

use std::{fs, path::Path};
use transitproof_targets::{Captures, Mutator, TARGETS, Target};

/// Runs a target, and says with which input it failed.
fn run(target: &Target, input: &[u8], what: &str) {
    if std::panic::catch_unwind(|| (target.run)(input)).is_err() {
        let path = std::env::temp_dir().join(format!("transitproof-{}-failed", target.name));
        fs::write(&path, input).expect("a writable folder for temporary files");
        panic!("{} fails on {what}, written to {}", target.name, path.display());
    }
}

#[test]
fn seeds() {
    let captures = Captures::read();
    for target in &TARGETS {
        let seeds = (target.seeds)(&captures);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for (number, seed) in seeds.iter().enumerate() {
            run(target, seed, &format!("seed {number}"));
        }
    }
}

#[test]
fn mutations() {
    let captures = Captures::read();
    for target in &TARGETS {
        let seeds = (target.seeds)(&captures);
        let mut mutator = Mutator::new(7);
        for number in 0..target.mutations {
            run(target, &mutator.mutate(&seeds), &format!("mutation {number}"));
        }
    }
}

/// Made small, kept for good.
#[test]
fn regressions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../regressions");
    for target in &TARGETS {
        let Ok(folder) = fs::read_dir(root.join(target.name)) else { continue };
        for entry in folder {
            let path = entry.expect("a readable folder").path();
            run(target, &fs::read(&path).expect("a readable file"), &path.display().to_string());
        }
    }
}
