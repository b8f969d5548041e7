//! The emulator itself: what it must understand, and what it must refuse as the processor would.

use crate::machine::{Instruction, Machine, Registers, decode};

/// Register n holds 1000 n.
struct Thousands;

impl Registers for Thousands {
    fn get(&self, number: usize) -> u64 {
        1000 * number as u64
    }
}

fn decoded(code: &[u8]) -> Option<(Instruction, usize)> {
    let mut bytes = [0x90; 15];
    bytes[..code.len()].copy_from_slice(code);
    decode(&bytes, &Thousands)
}

/// The bytes are those of GNU as 2.40 for the text beside them.
#[test]
fn machine_code_is_read_as_an_assembler_wrote_it() {
    use Instruction::{Configure, Load, Multiply, Release, Store, Zero};
    let load = |tile, address, stride| Load { tile, address, stride };
    let store = |tile, address, stride| Store { tile, address, stride };
    let cases: [(&str, &[u8], Instruction); 13] = [
        ("ldtilecfg [rdi]", &[0xc4, 0xe2, 0x78, 0x49, 0x07], Configure { address: 7000 }),
        ("ldtilecfg [r9+64]", &[0xc4, 0xc2, 0x78, 0x49, 0x41, 0x40], Configure { address: 9064 }),
        ("tilerelease", &[0xc4, 0xe2, 0x78, 0x49, 0xc0], Release),
        ("tilezero tmm0", &[0xc4, 0xe2, 0x7b, 0x49, 0xc0], Zero { tile: 0 }),
        ("tilezero tmm7", &[0xc4, 0xe2, 0x7b, 0x49, 0xf8], Zero { tile: 7 }),
        ("tileloadd tmm4, [rax+rcx]", &[0xc4, 0xe2, 0x7b, 0x4b, 0x24, 0x08], load(4, 0, 1000)),
        ("tileloadd tmm5, [r8+r10]", &[0xc4, 0x82, 0x7b, 0x4b, 0x2c, 0x10], load(5, 8000, 10_000)),
        ("tileloadd tmm7, [rsi+rdx+64]", &[0xc4, 0xe2, 0x7b, 0x4b, 0x7c, 0x16, 0x40], load(7, 6064, 2000)),
        (
            "tileloadd tmm7, [r13+2*r12+1024]",
            &[0xc4, 0x82, 0x7b, 0x4b, 0xbc, 0x65, 0x00, 0x04, 0x00, 0x00],
            load(7, 14_024, 24_000),
        ),
        ("tilestored [rbx+rbp], tmm1", &[0xc4, 0xe2, 0x7a, 0x4b, 0x0c, 0x2b], store(1, 3000, 5000)),
        ("tilestored [r15+r14+64], tmm3", &[0xc4, 0x82, 0x7a, 0x4b, 0x5c, 0x37, 0x40], store(3, 15_064, 14_000)),
        ("tdpbf16ps tmm0, tmm4, tmm6", &[0xc4, 0xe2, 0x4a, 0x5c, 0xc4], Multiply { sums: 0, left: 4, right: 6 }),
        ("tdpbf16ps tmm3, tmm5, tmm7", &[0xc4, 0xe2, 0x42, 0x5c, 0xdd], Multiply { sums: 3, left: 5, right: 7 }),
    ];
    for (text, code, expected) in cases {
        assert_eq!(decoded(code), Some((expected, code.len())), "{text}");
    }
    let others: [(&str, &[u8]); 3] = [
        ("tdpbssd tmm0, tmm4, tmm6", &[0xc4, 0xe2, 0x4b, 0x5e, 0xc4]),
        ("vaddps zmm0, zmm1, zmm2", &[0x62, 0xf1, 0x74, 0x48, 0x58, 0xc2]),
        ("ud2", &[0x0f, 0x0b]),
    ];
    for (text, code) in others {
        assert_eq!(decoded(code), None, "{text}");
    }
}

/// A configuration of palette 1 with these rows and bytes a row.
fn configuration(shapes: &[(u8, u16)]) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[0] = 1;
    for (tile, &(rows, width)) in shapes.iter().enumerate() {
        bytes[16 + 2 * tile..][..2].copy_from_slice(&width.to_le_bytes());
        bytes[48 + tile] = rows;
    }
    bytes
}

fn execute(machine: &mut Machine, instruction: Instruction) -> Result<(), String> {
    // SAFETY: the tests below give addresses of arrays that are large enough.
    unsafe { machine.execute(instruction) }
}

fn configured(shapes: &[(u8, u16)]) -> Result<Machine, String> {
    let mut machine = Machine::new();
    let bytes = configuration(shapes);
    execute(&mut machine, Instruction::Configure { address: bytes.as_ptr() as u64 })?;
    Ok(machine)
}

#[test]
fn what_the_processor_refuses_is_refused() {
    let multiply = |sums, left, right| Instruction::Multiply { sums, left, right };
    assert!(execute(&mut Machine::new(), Instruction::Zero { tile: 0 }).is_err());
    assert!(execute(&mut Machine::new(), multiply(0, 1, 2)).is_err());
    for shapes in [[(17, 64)], [(16, 65)], [(0, 64)], [(16, 0)]] {
        assert!(configured(&shapes).is_err(), "{shapes:?}");
    }
    for (byte, value) in [(0, 2), (1, 1), (5, 1), (40, 1), (60, 1)] {
        let mut bytes = configuration(&[(16, 64)]);
        bytes[byte] = value;
        assert!(execute(&mut Machine::new(), Instruction::Configure { address: bytes.as_ptr() as u64 }).is_err());
    }
    let mut machine = configured(&[(16, 64), (16, 64), (16, 64)]).unwrap();
    assert_eq!(execute(&mut machine, multiply(0, 1, 2)), Ok(()));
    for (sums, left, right) in [(0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 3)] {
        assert!(execute(&mut machine, multiply(sums, left, right)).is_err(), "{sums} {left} {right}");
    }
    // Rows of the left, pairs along the depth, columns of the right, in turn.
    for shapes in [[(15, 64), (16, 64), (16, 64)], [(16, 64), (16, 60), (16, 64)], [(16, 60), (16, 64), (16, 64)]] {
        assert!(execute(&mut configured(&shapes).unwrap(), multiply(0, 1, 2)).is_err(), "{shapes:?}");
    }
    execute(&mut machine, Instruction::Release).unwrap();
    assert!(!machine.is_configured() && execute(&mut machine, multiply(0, 1, 2)).is_err());
}

/// The one sum of a row of pairs and a column of pairs, on top of `start`.
fn sum(left: &[[f32; 2]], right: &[[f32; 2]], start: f32) -> f32 {
    let words = |pairs: &[[f32; 2]]| -> Vec<u32> {
        pairs.iter().map(|[first, second]| first.to_bits() >> 16 | second.to_bits() & 0xffff_0000).collect()
    };
    let (left, right, mut out) = (words(left), words(right), [start]);
    let depth = left.len();
    let mut machine = configured(&[(1, 4), (1, 4 * depth as u16), (depth as u8, 4)]).unwrap();
    let load = |tile, address: *const u32, stride| Instruction::Load { tile, address: address as u64, stride };
    for instruction in [
        load(0, out.as_ptr().cast(), 0),
        load(1, left.as_ptr(), 0),
        load(2, right.as_ptr(), 4),
        Instruction::Multiply { sums: 0, left: 1, right: 2 },
        Instruction::Store { tile: 0, address: out.as_mut_ptr() as u64, stride: 0 },
    ] {
        execute(&mut machine, instruction).unwrap();
    }
    out[0]
}

#[test]
fn sums_are_rounded_and_ordered_as_in_the_manual() {
    assert_eq!(sum(&[[1.0, 2.0], [3.0, 4.0]], &[[5.0, 6.0], [7.0, 8.0]], 100.0), 170.0);
    // First products: 2²⁴ + 1 is 2²⁴ again, less 2²⁴ is nothing. Second products: 1. In any other order it would be 2 or 0.
    let large = 4096.0;
    let (left, right) = ([[large, 1.0], [1.0, 0.0], [-large, 0.0]], [[large, 1.0], [1.0, 0.0], [large, 0.0]]);
    assert_eq!(sum(&left, &right, 0.0), 1.0);
    // Too small a number is zero: an operand, a product, what was there before.
    let tiny = f32::from_bits(0x0001_0000);
    assert_eq!(sum(&[[tiny, 0.0]], &[[f32::from_bits(0x7f00_0000), 0.0]], 0.0), 0.0);
    assert_eq!(sum(&[[f32::MIN_POSITIVE, 0.0]], &[[0.5, 0.0]], 0.0), 0.0);
    assert_eq!(sum(&[[0.0, 0.0]], &[[0.0, 0.0]], tiny), 0.0);
    assert_eq!(sum(&[[f32::MIN_POSITIVE, 0.0]], &[[2.0, 0.0]], 0.0), 2.0 * f32::MIN_POSITIVE);
    assert!(sum(&[[f32::INFINITY, 1.0]], &[[0.0, 1.0]], 0.0).is_nan());
    assert_eq!(sum(&[[f32::INFINITY, 1.0]], &[[1.0, 1.0]], 0.0), f32::INFINITY);
}
