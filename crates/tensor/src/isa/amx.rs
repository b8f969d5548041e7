//! Whether this process may use AMX: the processor must have it, and the operating system must save its registers and
//! give its permission, which Linux does only when asked (Documentation/arch/x86/xstate.rst).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What stands between this process and AMX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It may be used.
    Granted,
    /// The processor does not have it, or does not show it.
    Missing,
    /// The processor has it and the operating system does not save its registers (XCR0).
    NotSaved,
    /// The processor has it and the operating system refused the permission, with this error number.
    Refused(i64),
}

impl Access {
    /// Why a processor that has AMX may not use it.
    pub(super) fn refusal(self) -> Option<String> {
        match self {
            Access::Granted | Access::Missing => None,
            Access::NotSaved => Some("its registers are not saved when threads change (XCR0)".to_owned()),
            Access::Refused(error) => Some(format!("arch_prctl(ARCH_REQ_XCOMP_PERM, 18) gave error {}", error.abs())),
        }
    }
}

static IS_ASSUMED: AtomicBool = AtomicBool::new(false);
static IS_PLAIN: AtomicBool = AtomicBool::new(false);

/// Take AMX for granted from now on: for tests that bring an emulator.
pub(crate) fn assume() {
    IS_ASSUMED.store(true, Ordering::Relaxed);
}

/// Whether the plain version of the tile products runs in their place: for tests that compare the two.
pub(crate) fn set_plain(is_plain: bool) {
    IS_PLAIN.store(is_plain, Ordering::Relaxed);
}

pub(crate) fn is_plain() -> bool {
    IS_PLAIN.load(Ordering::Relaxed)
}

/// Asked once a process; the permission is the whole process's, also for threads that were there before.
pub(super) fn access() -> Access {
    static ACCESS: OnceLock<Access> = OnceLock::new();
    if IS_ASSUMED.load(Ordering::Relaxed) {
        return Access::Granted;
    }
    *ACCESS.get_or_init(|| judge(has_instructions(), is_saved, request))
}

/// The permission is asked for only where there is something to permit.
fn judge(has_it: bool, is_saved: impl FnOnce() -> bool, request: impl FnOnce() -> i64) -> Access {
    if !has_it {
        return Access::Missing;
    }
    if !is_saved() {
        return Access::NotSaved;
    }
    match request() {
        0 => Access::Granted,
        error => Access::Refused(error),
    }
}

/// AMX-TILE and AMX-BF16: CPUID leaf 7, EDX bits 24 and 22. The kernels also convert with AVX512_BF16, which every
/// processor with AMX has.
fn has_instructions() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__cpuid, __cpuid_count};
        const TILE_AND_BF16: u32 = 1 << 24 | 1 << 22;
        super::Isa::Avx512.is_available()
            && is_x86_feature_detected!("avx512bf16")
            && __cpuid(0).eax >= 7
            && __cpuid_count(7, 0).edx & TILE_AND_BF16 == TILE_AND_BF16
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// XCR0 bits 17 (tile configuration) and 18 (tile data).
fn is_saved() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        const TILES: u64 = 1 << 17 | 1 << 18;
        // SAFETY: asked after `has_instructions`, which found AVX-512: that is only reported where XGETBV exists and is
        // enabled. Covered by the test of this file on every processor with AVX-512.
        unsafe { std::arch::x86_64::_xgetbv(0) & TILES == TILES }
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Ask for the use of state component 18, tile data: 0, or minus an error number.
fn request() -> i64 {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    {
        const ARCH_PRCTL: i64 = 158;
        const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
        const TILE_DATA: u64 = 18;
        let mut result = ARCH_PRCTL;
        // SAFETY: the system call takes two numbers and touches no memory of the process; the registers it changes are
        // named. Covered by the test of this file.
        unsafe {
            std::arch::asm!(
                "syscall",
                inlateout("rax") result,
                in("rdi") ARCH_REQ_XCOMP_PERM,
                in("rsi") TILE_DATA,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        result
    }
    // ENOSYS: other systems grant it otherwise or not at all, and none was tried.
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    -38
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obstacle_has_its_name() {
        assert_eq!(judge(false, || unreachable!(), || unreachable!()), Access::Missing);
        assert_eq!(judge(true, || false, || unreachable!()), Access::NotSaved);
        assert_eq!(judge(true, || true, || -95), Access::Refused(-95));
        assert_eq!(judge(true, || true, || 0), Access::Granted);
        assert!(Access::Refused(-95).refusal().is_some_and(|reason| reason.contains("error 95")));
        assert!(Access::NotSaved.refusal().is_some_and(|reason| reason.contains("XCR0")));
        assert_eq!((Access::Missing.refusal(), Access::Granted.refusal()), (None, None));
    }

    #[test]
    fn the_questions_can_be_asked_of_this_machine() {
        #[cfg(target_arch = "x86_64")]
        if super::super::Isa::Avx512.is_available() {
            // Permission is never given for registers that are not saved.
            let (is_saved, answer) = (is_saved(), request());
            assert!(answer <= 0 && answer > -4096, "{answer}");
            assert!(is_saved || answer != 0);
        }
        assert!(access() != Access::Granted || has_instructions());
    }
}
