//! What AMX does, in software: tile registers, and the few instructions that the kernels are made of, read from their
//! machine code. Written from the Intel SDM volume 2 (LDTILECFG, TILELOADD, TILESTORED, TILEZERO, TILERELEASE,
//! TDPBF16PS) and volume 1, chapter "Programming with Intel AMX"; shares nothing with the kernels.

/// Rows and bytes a row that palette 1 allows.
const MOST_ROWS: usize = 16;
const MOST_BYTES: usize = 64;

/// General registers by their numbers: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15.
pub trait Registers {
    fn get(&self, number: usize) -> u64;
}

/// The tile registers of one thread.
pub struct Machine {
    is_configured: bool,
    /// (rows, bytes a row) of every tile.
    shapes: [(usize, usize); 8],
    data: [[[u8; MOST_BYTES]; MOST_ROWS]; 8],
}

/// An instruction, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    Configure {
        address: u64,
    },
    Release,
    Zero {
        tile: usize,
    },
    Load {
        tile: usize,
        address: u64,
        stride: u64,
    },
    Store {
        tile: usize,
        address: u64,
        stride: u64,
    },
    /// sums += left · right
    Multiply {
        sums: usize,
        left: usize,
        right: usize,
    },
}

/// The instruction at `code`, and how many bytes it takes; `None` for one that is none of ours.
pub fn decode(code: &[u8; 15], registers: &impl Registers) -> Option<(Instruction, usize)> {
    // VEX with three bytes: C4, then R X B (inverted) and the opcode map, then W, vvvv (inverted), L and the prefix.
    let [0xc4, first, second, opcode, modrm, ..] = *code else { return None };
    let (r, x, b) = (first >> 7 ^ 1, first >> 6 & 1 ^ 1, first >> 5 & 1 ^ 1);
    let (map, w, vvvv, l, prefix) =
        (first & 0x1f, second >> 7, usize::from(second >> 3 & 0xf ^ 0xf), second >> 2 & 1, second & 3);
    if map != 2 || w != 0 || l != 0 {
        return None;
    }
    let (mode, reg, rm) = (modrm >> 6, usize::from(modrm >> 3 & 7), usize::from(modrm & 7));
    const NONE: u8 = 0;
    const F3: u8 = 2;
    const F2: u8 = 3;
    if mode == 3 {
        // Tiles only: their numbers go to 7, so no bit may extend them.
        let instruction = match (opcode, prefix) {
            (0x49, NONE) if modrm == 0xc0 && vvvv == 0 => Instruction::Release,
            (0x49, F2) if rm == 0 && vvvv == 0 && r == 0 => Instruction::Zero { tile: reg },
            (0x5c, F3) if r == 0 && b == 0 && vvvv < 8 => Instruction::Multiply { sums: reg, left: rm, right: vvvv },
            _ => return None,
        };
        return Some((instruction, 5));
    }
    let has_sib = rm == 4;
    let mut length = 5 + usize::from(has_sib);
    let wide = |bit: u8| usize::from(bit) << 3;
    let (base, stride) = if has_sib {
        let sib = code[5];
        let (scale, index, base) = (sib >> 6, usize::from(sib >> 3 & 7) | wide(x), usize::from(sib & 7) | wide(b));
        // Index 4 is none: the stride is then zero.
        (base, if index == 4 { 0 } else { registers.get(index) << scale })
    } else {
        (rm | wide(b), 0)
    };
    if mode == 0 && base & 7 == 5 {
        // No base register, or the instruction pointer: not what the kernels use.
        return None;
    }
    let offset = match mode {
        0 => 0,
        1 => i64::from(code[length] as i8),
        _ => i64::from(i32::from_le_bytes([code[length], code[length + 1], code[length + 2], code[length + 3]])),
    };
    length += [0, 1, 4][usize::from(mode)];
    let address = registers.get(base).wrapping_add_signed(offset);
    if vvvv != 0 {
        return None;
    }
    let instruction = match (opcode, prefix) {
        (0x49, NONE) if reg == 0 => Instruction::Configure { address: address.wrapping_add(stride) },
        (0x4b, F2) if has_sib && r == 0 => Instruction::Load { tile: reg, address, stride },
        (0x4b, F3) if has_sib && r == 0 => Instruction::Store { tile: reg, address, stride },
        _ => return None,
    };
    Some((instruction, length))
}

impl Machine {
    pub const fn new() -> Machine {
        Machine { is_configured: false, shapes: [(0, 0); 8], data: [[[0; MOST_BYTES]; MOST_ROWS]; 8] }
    }

    pub fn is_configured(&self) -> bool {
        self.is_configured
    }

    fn shape(&self, tile: usize) -> Result<(usize, usize), String> {
        match self.shapes[tile] {
            _ if !self.is_configured => Err("a tile instruction without a configuration".to_owned()),
            (0, _) | (_, 0) => Err(format!("tile {tile} has no rows or columns")),
            shape => Ok(shape),
        }
    }

    /// Carry out one instruction; an error where the processor would raise an exception.
    ///
    /// # Safety
    /// The addresses of the instruction are those of memory that may be read or written.
    pub unsafe fn execute(&mut self, instruction: Instruction) -> Result<(), String> {
        match instruction {
            Instruction::Configure { address } => {
                // SAFETY: the caller's promise.
                self.configure(unsafe { &*(address as *const [u8; 64]) })?;
            }
            Instruction::Release => *self = Machine::new(),
            Instruction::Zero { tile } => {
                self.shape(tile)?;
                self.data[tile] = [[0; MOST_BYTES]; MOST_ROWS];
            }
            Instruction::Load { tile, address, stride } => {
                let (rows, bytes) = self.shape(tile)?;
                let mut data = [[0; MOST_BYTES]; MOST_ROWS];
                for (row, data) in data.iter_mut().enumerate().take(rows) {
                    let from = address.wrapping_add(stride.wrapping_mul(row as u64)) as *const u8;
                    // SAFETY: the caller's promise.
                    unsafe { std::ptr::copy_nonoverlapping(from, data.as_mut_ptr(), bytes) };
                }
                self.data[tile] = data;
            }
            Instruction::Store { tile, address, stride } => {
                let (rows, bytes) = self.shape(tile)?;
                for (row, data) in self.data[tile].iter().enumerate().take(rows) {
                    let to = address.wrapping_add(stride.wrapping_mul(row as u64)) as *mut u8;
                    // SAFETY: the caller's promise.
                    unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), to, bytes) };
                }
            }
            Instruction::Multiply { sums, left, right } => self.multiply(sums, left, right)?,
        }
        Ok(())
    }

    fn configure(&mut self, bytes: &[u8; 64]) -> Result<(), String> {
        let mut next = Machine::new();
        match bytes[0] {
            0 => {
                *self = next;
                return Ok(());
            }
            1 => {}
            palette => return Err(format!("there is no palette {palette}")),
        }
        if bytes[1] != 0 {
            return Err("a configuration that starts at another row than the first".to_owned());
        }
        if bytes[2..16].iter().chain(&bytes[32..48]).chain(&bytes[56..]).any(|&byte| byte != 0) {
            return Err("reserved bytes of a configuration are not zero".to_owned());
        }
        for (tile, shape) in next.shapes.iter_mut().enumerate() {
            let width = usize::from(u16::from_le_bytes([bytes[16 + 2 * tile], bytes[17 + 2 * tile]]));
            let rows = usize::from(bytes[48 + tile]);
            if rows > MOST_ROWS || width > MOST_BYTES || (rows == 0) != (width == 0) {
                return Err(format!("tile {tile} cannot have {rows} rows of {width} bytes"));
            }
            *shape = (rows, width);
        }
        next.is_configured = true;
        *self = next;
        Ok(())
    }

    fn multiply(&mut self, sums: usize, left: usize, right: usize) -> Result<(), String> {
        if sums == left || sums == right || left == right {
            return Err(format!("a product needs three tiles, not {sums}, {left} and {right}"));
        }
        let ((m, n), (rows, k), (depth, width)) = (self.shape(sums)?, self.shape(left)?, self.shape(right)?);
        if m != rows || n != width || k / 4 != depth || [n, k].iter().any(|bytes| bytes % 4 != 0) {
            return Err(format!("tiles of {m} × {n}, {rows} × {k} and {depth} × {width} (bytes) do not multiply"));
        }
        let (a, b) = (self.data[left].map(pairs), self.data[right].map(pairs));
        for row in 0..m {
            // Sums of first and of second products, kept apart until the end.
            let mut temporary = [[0.0f32; 16]; 2];
            for pair in 0..k / 4 {
                for half in 0..2 {
                    add_products(a[row][half][pair], &b[pair][half], &mut temporary[half]);
                }
            }
            for column in 0..n / 4 {
                let word = &mut self.data[sums][row][4 * column..][..4];
                let sum = flush(f32::from_le_bytes([word[0], word[1], word[2], word[3]]));
                let sum = flush(sum + flush(temporary[0][column] + temporary[1][column]));
                word.copy_from_slice(&sum.to_le_bytes());
            }
        }
        // Rows that the destination does not have become zero.
        self.data[sums][m..].fill([0; MOST_BYTES]);
        Ok(())
    }
}

/// The first and the second bf16 of every word of a row, widened; too small ones count as zero.
fn pairs(row: [u8; MOST_BYTES]) -> [[f32; 16]; 2] {
    let mut halves = [[0.0; 16]; 2];
    for (at, bytes) in row.as_chunks::<2>().0.iter().enumerate() {
        halves[at % 2][at / 2] = flush(f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16));
    }
    halves
}

/// `sums += a · b`, rounded once each: by the instruction where there is one, which is faster than the library.
fn add_products(a: f32, b: &[f32; 16], sums: &mut [f32; 16]) {
    #[target_feature(enable = "fma,avx2")]
    fn fast(a: f32, b: &[f32; 16], sums: &mut [f32; 16]) {
        plain(a, b, sums);
    }
    #[inline(always)]
    fn plain(a: f32, b: &[f32; 16], sums: &mut [f32; 16]) {
        for (sum, &b) in sums.iter_mut().zip(b) {
            *sum = flush(a.mul_add(b, *sum));
        }
    }
    if is_x86_feature_detected!("fma") && is_x86_feature_detected!("avx2") {
        // SAFETY: the instructions were looked for.
        return unsafe { fast(a, b, sums) };
    }
    plain(a, b, sums);
}

/// Input and output below the smallest normal number count as zero of their sign.
#[inline(always)]
fn flush(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0f32.copysign(x) } else { x }
}
