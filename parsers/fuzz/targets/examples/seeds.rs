//! Writes the seeds of every target and the dictionary into a folder, for the fuzzers, and prints the names of the targets:
//! `cargo run --example seeds -- FOLDER`.

use std::io::Write;
use std::{env, fs, io, path::PathBuf};
use transitproof_targets::{Captures, MAGIC, TARGETS};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).ok_or_else(|| io::Error::other("where to?"))?);
    let captures = Captures::read();
    for target in &TARGETS {
        let corpus = folder.join("corpus").join(target.name);
        fs::create_dir_all(&corpus)?;
        for (number, seed) in (target.seeds)(&captures).iter().enumerate() {
            fs::write(corpus.join(format!("seed-{number}")), seed)?;
        }
        println!("{}", target.name);
    }
    let mut dictionary = fs::File::create(folder.join("magic.dict"))?;
    for word in MAGIC {
        let escaped: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        writeln!(dictionary, "\"{escaped}\"")?;
    }
    Ok(())
}
