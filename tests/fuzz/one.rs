//! The fuzzer: BREAKGLASS_FUZZ names the target that gets the bytes.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "targets.rs"]
mod targets;

static CHOSEN: LazyLock<targets::Target> = LazyLock::new(|| {
    let wanted = std::env::var("BREAKGLASS_FUZZ").unwrap_or_default();
    let found = targets::TARGETS.iter().find(|target| target.name == wanted);
    *found.unwrap_or_else(|| {
        let names: Vec<&str> = targets::TARGETS.iter().map(|target| target.name).collect();
        panic!("BREAKGLASS_FUZZ is one of {}", names.join(", "))
    })
});

fuzz_target!(|data: &[u8]| (CHOSEN.run)(data));
