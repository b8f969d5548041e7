//! Products by AMX: by the processor where it has it, by an emulator of its instructions elsewhere. A process of its own,
//! because the instruction set is the whole process's.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

mod attention;
mod emulator;
mod instructions;
mod machine;
mod model;
mod products;
#[path = "../ops/support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod support;

use std::sync::{Mutex, MutexGuard};

use emulator::Amx;
use tensor::{Isa, set_isa};

/// The instruction set and the threads are the process's: one test at a time. `None` on a processor whose other
/// instructions do not suffice to emulate this one.
fn turn() -> Option<(MutexGuard<'static, ()>, Amx)> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some(amx) = emulator::start() else {
        eprintln!("neither AMX nor AVX-512 with bf16 here: nothing was tested");
        return None;
    };
    set_isa(Isa::Amx).unwrap();
    Some((turn, amx))
}

#[test]
fn the_loop_of_the_peak_counts_right() {
    let Some((_turn, _)) = turn() else { return };
    for rounds in [0, 1, 7, 50] {
        // 32 products for each of 1024 sums.
        assert_eq!(tensor::testing::count_in_tiles(rounds), f64::from(rounds) * 32.0 * 1024.0);
    }
    assert!(!emulator::is_configured(), "the tile registers stay in use");
}

#[test]
fn it_is_an_instruction_set_like_others() {
    let Some((_turn, _)) = turn() else { return };
    assert_eq!(tensor::isa(), Isa::Amx);
    assert_eq!(tensor::available_isas().pop(), Some(Isa::Amx));
    assert_eq!("amx".parse::<Isa>().unwrap(), Isa::Amx);
    assert!(tensor::refused_isa().is_none() || !Isa::Amx.is_available());
}
