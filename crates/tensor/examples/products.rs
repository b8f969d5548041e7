//! Times the engine's f32 matrix product against the `gemm` crate and a single-row product against its memory traffic,
//! over the shapes of a small model's step, both in one run.
//!
//! `cargo run --release -p tensor --example products`
#![allow(clippy::print_stdout, reason = "an example talks to the terminal")]

use std::time::Instant;

use tensor::{Tensor, forward};

/// The best of several runs, in seconds.
fn best(mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

fn main() -> tensor::Result<()> {
    tensor::set_threads(1)?;
    println!("one thread, {:?}; x (rows, in) · weightᵀ (out, in)\n", tensor::isa());
    println!("{:>6} {:>6} {:>6} {:>14} {:>14}", "rows", "in", "out", "ours, GFLOP/s", "gemm, GFLOP/s");
    for (rows, inner, outer) in
        [(4096, 192, 192), (4096, 192, 64), (4096, 192, 512), (4096, 512, 192), (256, 192, 2048), (1024, 1024, 1024)]
    {
        let x: Vec<f32> = (0..rows * inner).map(|i| (i % 101) as f32 / 50.0 - 1.0).collect();
        let weight: Vec<f32> = (0..outer * inner).map(|i| (i % 103) as f32 / 50.0 - 1.0).collect();
        let tensor = Tensor::from_f32([outer, inner], weight.clone())?;
        let (mut ours, mut theirs) = (vec![0.0; rows * outer], vec![0.0f32; rows * outer]);
        let mut result = Ok(());
        let our_seconds = best(|| result = forward::linear(&x, rows, &tensor, None, &mut ours));
        result?;
        let their_seconds = best(|| {
            let (inner_stride, outer_stride) = (inner as isize, outer as isize);
            // SAFETY: every operand has exactly rows · inner, outer · inner and rows · outer elements.
            unsafe {
                gemm::gemm(
                    rows,
                    outer,
                    inner,
                    theirs.as_mut_ptr(),
                    1,
                    outer_stride,
                    false,
                    x.as_ptr(),
                    1,
                    inner_stride,
                    weight.as_ptr(),
                    inner_stride,
                    1,
                    1.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
        });
        let apart = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let flops = 2.0 * (rows * inner * outer) as f64 / 1e9;
        println!(
            "{rows:>6} {inner:>6} {outer:>6} {:>14.1} {:>14.1}   largest difference {apart:.1e}",
            flops / our_seconds,
            flops / their_seconds
        );
    }
    println!("\n{:>6} {:>6} {:>14} {:>10}", "in", "out", "µs a row", "GB/s");
    for (inner, outer) in [(192, 192), (192, 2048), (512, 192), (1024, 4096)] {
        let tensor = Tensor::from_f32([outer, inner], vec![0.5; outer * inner])?;
        let (x, mut out) = (vec![1.0; inner], vec![0.0; outer]);
        let mut result = Ok(());
        let seconds = best(|| result = forward::linear(&x, 1, &tensor, None, &mut out));
        result?;
        println!("{inner:>6} {outer:>6} {:>14.2} {:>10.1}", seconds * 1e6, (4 * inner * outer) as f64 / seconds / 1e9);
    }
    Ok(())
}
