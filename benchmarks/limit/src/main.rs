//! The physical limit that the probe is measured against: read(2) into a reused buffer, the header fields that every
//! flow meter needs, one entry per five-tuple, nothing else. Whatever a probe does beyond this is its own cost.
//!
//!     transitproof-limit FILE.pcap      prints {"packets", "flows", "seconds", "cpu_seconds"}
//!     transitproof-limit --live IFACE   the same from a ring, with "drops"; "ready" before
//!
//! It knows classic little-endian pcap over Ethernet only, and trusts its input: the captures are the workloads'.
#![forbid(unsafe_code)]

mod headers;
mod live;
mod records;
mod table;

use std::fs::{self, File};
use std::io;
use std::process::ExitCode;
use std::time::Instant;

use records::Records;
use table::FlowTable;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (path, result) = match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(path), None, None) => (path.clone(), File::open(&path).and_then(measure)),
        (Some(live), Some(name), None) if live == "--live" => (name.clone(), measure_live(&name.to_string_lossy())),
        _ => {
            eprintln!("usage: transitproof-limit FILE.pcap | --live IFACE");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::from(2)
        }
    }
}

fn measure_live(interface: &str) -> io::Result<String> {
    let [packets, flows, drops] = live::measure(interface)?;
    let cpu_seconds = cpu_seconds()?;
    Ok(format!(r#"{{"packets": {packets}, "flows": {flows}, "drops": {drops}, "cpu_seconds": {cpu_seconds:.6}}}"#))
}

fn measure(file: File) -> io::Result<String> {
    let started = Instant::now();
    let mut records = Records::open(file)?;
    let mut table = FlowTable::new();
    let mut packets = 0u64;
    while records.fill()? {
        while let Some(record) = records.next() {
            if let Some(headers) = headers::read(record.frame) {
                table.count(headers, record.frame.len() as u64, record.microseconds);
            }
            packets += 1;
        }
    }
    let (seconds, flows) = (started.elapsed().as_secs_f64(), table.len());
    let cpu_seconds = cpu_seconds()?;
    Ok(format!(
        r#"{{"packets": {packets}, "flows": {flows}, "seconds": {seconds:.6}, "cpu_seconds": {cpu_seconds:.6}}}"#
    ))
}

/// User and system time of this process: first field of schedstat, in nanoseconds (Linux, proc_pid_schedstat).
fn cpu_seconds() -> io::Result<f64> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = text.split(' ').next().and_then(|field| field.parse::<u64>().ok());
    let nanoseconds = nanoseconds.ok_or_else(|| io::Error::other("/proc/self/schedstat has no number"))?;
    Ok(nanoseconds as f64 / 1e9)
}
