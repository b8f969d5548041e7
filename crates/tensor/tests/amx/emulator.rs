//! AMX on a processor without it: every instruction raises SIGILL, and the handler carries it out in software and goes
//! on behind it. So the machine code that ships is what these tests run, on any processor with AVX-512.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tensor::{Isa, testing};

use crate::machine::{Instruction, Machine, Registers, decode};

thread_local! {
    /// Constant at first and without a destructor: a signal handler may use it.
    static MACHINE: UnsafeCell<Machine> = const { UnsafeCell::new(Machine::new()) };
}

static PRODUCTS: AtomicU64 = AtomicU64::new(0);

/// Who carries out the instructions of AMX here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amx {
    Processor,
    Emulator,
}

/// Make AMX usable, by the processor if it can; `None` where it has no AVX-512 with bf16, which the kernels use besides.
pub fn start() -> Option<Amx> {
    static STARTED: OnceLock<Option<Amx>> = OnceLock::new();
    *STARTED.get_or_init(|| {
        if Isa::Amx.is_available() {
            return Some(Amx::Processor);
        }
        if !Isa::Avx512.is_available() || !is_x86_feature_detected!("avx512bf16") {
            return None;
        }
        // SAFETY: the handler below carries out what the kernels are made of.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_illegal_instruction as *const () as usize;
            // On the thread's own stack: the other one, for stack overflows, is smaller than eight tiles.
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(libc::sigaction(libc::SIGILL, &action, std::ptr::null_mut()), 0);
            testing::assume_amx();
        }
        Some(Amx::Emulator)
    })
}

/// Tile products carried out so far, by all threads.
pub fn products() -> u64 {
    PRODUCTS.load(Ordering::Relaxed)
}

/// Whether this thread's tiles are configured.
pub fn is_configured() -> bool {
    // SAFETY: only this thread uses its machine, and no handler runs meanwhile.
    MACHINE.with(|machine| unsafe { &*machine.get() }.is_configured())
}

struct Context<'a>(&'a libc::ucontext_t);

impl Registers for Context<'_> {
    fn get(&self, number: usize) -> u64 {
        use libc::*;
        let order = [
            REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11,
            REG_R12, REG_R13, REG_R14, REG_R15,
        ];
        self.0.uc_mcontext.gregs[order[number] as usize] as u64
    }
}

extern "C" fn on_illegal_instruction(_: i32, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes the registers of the interrupted thread. The instruction is at its instruction pointer;
    // 15 bytes, the longest there is, do not leave the program's code, which ends with tables.
    unsafe {
        let context = &mut *context.cast::<libc::ucontext_t>();
        let at = context.uc_mcontext.gregs[libc::REG_RIP as usize];
        let code = &*(at as *const [u8; 15]);
        let Some((instruction, length)) = decode(code, &Context(context)) else {
            fail(&format!("an illegal instruction that is none of AMX: {code:x?}"));
        };
        if let Err(reason) = MACHINE.with(|machine| (*machine.get()).execute(instruction)) {
            fail(&format!("{instruction:?}: {reason}"));
        }
        if matches!(instruction, Instruction::Multiply { .. }) {
            PRODUCTS.fetch_add(1, Ordering::Relaxed);
        }
        context.uc_mcontext.gregs[libc::REG_RIP as usize] = at + length as i64;
    }
}

/// A handler can only end the process.
fn fail(reason: &str) -> ! {
    let text = format!("AMX: {reason}\n");
    // SAFETY: writes as many bytes as there are.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    std::process::abort();
}
