#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| (transitproof_targets::named("x509").run)(input));
