//! The experts of a mixture, token by token: each token's rows go through the few feed-forward blocks that the router finds
//! best, tokens of one expert together.

use tensor::{ExpertIds, LinearIds, Parameters, TensorError, forward};

/// Room for one pass.
#[derive(Clone, Default)]
pub(crate) struct Mixture {
    logits: Vec<f32>,
    /// The expert of each choice and its weight, token after token.
    chosen: Vec<u32>,
    shares: Vec<f32>,
    /// Rows of one expert, (tokens, width): what goes in and what comes out.
    gathered: Vec<f32>,
    output: Vec<f32>,
    /// Inside of one expert, (tokens, inner).
    gate: Vec<f32>,
    up: Vec<f32>,
}

impl Mixture {
    /// `out` = the weighted sum of what its `n_chosen` experts make of every row of `x`, both (rows, width).
    pub(crate) fn pass(
        &mut self,
        weights: &Parameters,
        x: &[f32],
        (rows, n_chosen): (usize, usize),
        router: &LinearIds,
        experts: &[ExpertIds],
        out: &mut [f32],
    ) -> Result<(), TensorError> {
        let Mixture { logits, chosen, shares, gathered, output, gate, up } = self;
        let width = x.len() / rows;
        logits.resize(rows * experts.len(), 0.0);
        chosen.resize(rows * n_chosen, 0);
        shares.resize(rows * n_chosen, 0.0);
        forward::linear(x, rows, weights.get(router.weight), None, logits)?;
        forward::route(logits, experts.len(), n_chosen, chosen, shares)?;
        out.fill(0.0);
        for (expert, ids) in (0..).zip(experts) {
            let mine = || (0..chosen.len()).filter(|&choice| chosen[choice] == expert);
            gathered.clear();
            for choice in mine() {
                gathered.extend_from_slice(&x[choice / n_chosen * width..][..width]);
            }
            let rows = gathered.len() / width;
            if rows == 0 {
                continue;
            }
            let inner = weights.get(ids.gate).shape()[0];
            gate.resize(rows * inner, 0.0);
            up.resize(rows * inner, 0.0);
            output.resize(rows * width, 0.0);
            forward::linear(gathered, rows, weights.get(ids.gate), None, gate)?;
            forward::linear(gathered, rows, weights.get(ids.up), None, up)?;
            forward::swiglu(gate, up)?;
            forward::linear(gate, rows, weights.get(ids.down), None, output)?;
            for (choice, row) in mine().zip(output.chunks_exact(width)) {
                let token = &mut out[choice / n_chosen * width..][..width];
                token.iter_mut().zip(row).for_each(|(token, value)| *token += shares[choice] * value);
            }
        }
        Ok(())
    }
}
