//! The router of a mixture of experts: which experts a token goes to, with what weights, and the losses that keep it
//! from sending everything to the same few.

use std::sync::Arc;

use super::Op;
use crate::backward::Slopes;
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::kernels::softmax;
use crate::kernels::vector;
use crate::{Result, Tape, Tensor, TensorError, Var};

/// Where tokens go: made by [`Tape::route`], used by [`Tape::experts`].
#[derive(Clone, Debug)]
pub struct Routing {
    pub(crate) weights: Var,
    pub(crate) chosen: Arc<[u32]>,
    pub(crate) top_k: usize,
    pub(crate) n_experts: usize,
}

impl Routing {
    /// The weight of each choice, (tokens, top_k), the largest first.
    pub fn weights(&self) -> Var {
        self.weights
    }

    /// The expert of each choice, token after token.
    pub fn chosen(&self) -> &[u32] {
        &self.chosen
    }

    /// How many experts each token goes to.
    pub fn top_k(&self) -> usize {
        self.top_k
    }
}

impl Tape<'_> {
    /// The `top_k` most likely experts of each token under softmax(logits), logits (tokens, experts); of equal ones the
    /// first. Where `is_renormalized` the weights of a token are divided by their sum (Mixtral, Jiang et al. 2024);
    /// otherwise they are the probabilities themselves, which alone lets a gradient through where `top_k` is 1 (Switch
    /// Transformer, Fedus et al. 2022).
    ///
    /// # Errors
    /// When the logits are empty or there are fewer experts than `top_k`, or `top_k` is 0.
    pub fn route(&mut self, logits: Var, top_k: usize, is_renormalized: bool) -> Result<Routing> {
        const OP: &str = "route";
        let (tokens, n_experts) = self.non_empty(OP, logits)?;
        check_top_k(OP, top_k, n_experts)?;
        let mut chosen = vec![0u32; tokens * top_k];
        let mut weights = Buffer::scratch(tokens * top_k);
        share_out(self.data(logits), top_k, is_renormalized, &mut chosen, &mut weights);
        let needs = self.needs(logits);
        let chosen: Arc<[u32]> = chosen.into();
        let op = Op::Route { logits, chosen: chosen.clone(), is_renormalized };
        let weights = self.push(Tensor::matrix(tokens, top_k, weights), op, needs);
        Ok(Routing { weights, chosen, top_k, n_experts })
    }

    /// `n Σₑ Fₑ · Pₑ`, (1, 1), over the `n` experts: Fₑ is the share of tokens that have expert e among their `top_k`, Pₑ
    /// its mean probability, both over the tokens of all layers (one `logits` (tokens, experts) each). It is `top_k` where
    /// the load is even. With one expert a token this is Switch Transformer's loss (Fedus et al. 2022, equations 4 to 6);
    /// otherwise that of transformers' Mixtral. Its derivative is that by P: choices are steps.
    ///
    /// Tokens that are not `counted` (padding) are left out; `None` counts all.
    ///
    /// # Errors
    /// When there are no layers, their shapes differ, `top_k` does not fit, or no token is counted.
    pub fn load_balancing_loss(&mut self, logits: &[Var], top_k: usize, counted: Option<&[bool]>) -> Result<Var> {
        const OP: &str = "load_balancing_loss";
        let (n_experts, counted) = self.check_layers(OP, logits, counted)?;
        check_top_k(OP, top_k, n_experts)?;
        let total = (counted.len() * logits.len()) as f64;
        let (mut shares, mut means) = (vec![0.0f64; n_experts], vec![0.0f64; n_experts]);
        let mut chosen = vec![0; top_k];
        let mut slopes: Vec<Buffer> = Vec::with_capacity(logits.len());
        for &layer in logits {
            let mut probabilities = Buffer::zeros(self.value(layer).len());
            for &row in &counted {
                let logits = &self.data(layer)[row * n_experts..][..n_experts];
                choose(logits, &mut chosen);
                chosen.iter().for_each(|&expert| shares[expert as usize] += 1.0 / total);
                let probabilities = &mut probabilities[row * n_experts..][..n_experts];
                probabilities.copy_from_slice(logits);
                let (_, sum) = softmax::exponentials(probabilities, 1.0);
                softmax::scale(probabilities, 1.0 / sum);
                means.iter_mut().zip(probabilities).for_each(|(mean, p)| *mean += f64::from(*p) / total);
            }
            slopes.push(probabilities);
        }
        let loss = n_experts as f64 * shares.iter().zip(&means).map(|(share, mean)| share * mean).sum::<f64>();
        // dP/dlogits: p (F − Σ F p), n / tokens for each.
        let factor = n_experts as f64 / total;
        for probabilities in slopes.iter_mut().flat_map(|slopes| slopes.chunks_exact_mut(n_experts)) {
            let inner: f64 = shares.iter().zip(&*probabilities).map(|(share, &p)| share * f64::from(p)).sum();
            for (p, share) in probabilities.iter_mut().zip(&shares) {
                *p = (factor * f64::from(*p) * (share - inner)) as f32;
            }
        }
        Ok(self.router_loss(OP, loss, logits, slopes))
    }

    /// The mean of log²Z over the tokens of all layers, (1, 1), Z being the sum of a token's exponentials (ST-MoE, Zoph et
    /// al. 2022, equation 5). `counted` as in [`Tape::load_balancing_loss`].
    ///
    /// # Errors
    /// When there are no layers, their shapes differ, or no token is counted.
    pub fn router_z_loss(&mut self, logits: &[Var], counted: Option<&[bool]>) -> Result<Var> {
        const OP: &str = "router_z_loss";
        let (n_experts, counted) = self.check_layers(OP, logits, counted)?;
        let total = (counted.len() * logits.len()) as f64;
        let mut loss = 0.0f64;
        let mut slopes: Vec<Buffer> = Vec::with_capacity(logits.len());
        for &layer in logits {
            let mut slope = Buffer::zeros(self.value(layer).len());
            for &row in &counted {
                let slope = &mut slope[row * n_experts..][..n_experts];
                slope.copy_from_slice(&self.data(layer)[row * n_experts..][..n_experts]);
                let (max, sum) = softmax::exponentials(slope, 1.0);
                let log_z = max + sum.ln();
                loss += f64::from(log_z).powi(2) / total;
                softmax::scale(slope, (f64::from(2.0 * log_z / sum) / total) as f32);
            }
            slopes.push(slope);
        }
        Ok(self.router_loss(OP, loss, logits, slopes))
    }

    /// The number of experts and the rows that count, when the layers fit each other and `counted`.
    fn check_layers(&self, op: &'static str, layers: &[Var], counted: Option<&[bool]>) -> Result<(usize, Vec<usize>)> {
        let Some(&first) = layers.first() else {
            return Err(TensorError::Empty { op, shape: vec![0] });
        };
        let (tokens, n_experts) = self.non_empty(op, first)?;
        for &layer in layers {
            self.same_shape(op, first, layer)?;
        }
        check_length(op, "flags of tokens", counted.map_or(tokens, <[bool]>::len), tokens)?;
        let rows: Vec<usize> = (0..tokens).filter(|&row| counted.is_none_or(|counted| counted[row])).collect();
        if rows.is_empty() {
            return Err(TensorError::NoTargets { op });
        }
        Ok((n_experts, rows))
    }

    fn router_loss(&mut self, name: &'static str, loss: f64, logits: &[Var], slopes: Vec<Buffer>) -> Var {
        let needs = logits.iter().any(|&layer| self.needs(layer));
        let value = Tensor::matrix(1, 1, Buffer::copy_of(&[loss as f32]));
        self.push(value, Op::RouterLoss { name, logits: logits.to_vec(), slopes }, needs)
    }
}

pub(crate) fn check_top_k(op: &'static str, top_k: usize, n_experts: usize) -> Result<()> {
    match (1..=n_experts).contains(&top_k) {
        true => Ok(()),
        false => Err(TensorError::argument(op, format!("a token cannot go to {top_k} of {n_experts} experts"))),
    }
}

/// The choices of every token and their weights: `logits` (tokens, experts), `chosen` and `weights` (tokens, `top_k`).
pub(crate) fn share_out(logits: &[f32], top_k: usize, is_renormalized: bool, chosen: &mut [u32], weights: &mut [f32]) {
    let n_experts = logits.len() * top_k / chosen.len();
    let mut row = vec![0.0f32; n_experts];
    let rows = logits.chunks_exact(n_experts);
    for ((logits, chosen), weights) in rows.zip(chosen.chunks_exact_mut(top_k)).zip(weights.chunks_exact_mut(top_k)) {
        choose(logits, chosen);
        row.copy_from_slice(logits);
        let (_, sum) = softmax::exponentials(&mut row, 1.0);
        weights.iter_mut().zip(&*chosen).for_each(|(weight, &expert)| *weight = row[expert as usize]);
        let sum = if is_renormalized { weights.iter().sum() } else { sum };
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
}

/// The columns with the largest values, the largest first, of equal ones the first.
fn choose(logits: &[f32], chosen: &mut [u32]) {
    for slot in 0..chosen.len() {
        let (earlier, rest) = chosen.split_at_mut(slot);
        let free = (0..logits.len()).filter(|&expert| !earlier.contains(&(expert as u32)));
        // The first of equal ones is the largest when they are compared from the last.
        let best = free.rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        rest[0] = best.unwrap_or_default() as u32;
    }
}

/// The derivative of [`Tape::route`]: that of softmax over the chosen experts where weights were divided by their sum,
/// which is the same function, and over all experts otherwise.
pub(crate) fn route_backward(
    to: &mut Slopes,
    logits: Var,
    chosen: &[u32],
    is_renormalized: bool,
    weights: &[f32],
    dy: &[f32],
) {
    let n_experts = to.nodes[logits.index()].value.shape()[1];
    let top_k = chosen.len() * n_experts / to.value(logits).len();
    let mut dx = to.take_zeroed(logits);
    let values = to.value(logits);
    let mut row = vec![0.0f32; n_experts];
    for (token, dx) in dx.chunks_exact_mut(n_experts).enumerate() {
        let part = token * top_k..(token + 1) * top_k;
        let (chosen, weights, dy) = (&chosen[part.clone()], &weights[part.clone()], &dy[part]);
        let inner: f32 = weights.iter().zip(dy).map(|(weight, dy)| weight * dy).sum();
        for ((&expert, &weight), &dy) in chosen.iter().zip(weights).zip(dy) {
            dx[expert as usize] += weight * if is_renormalized { dy - inner } else { dy };
        }
        if !is_renormalized {
            row.copy_from_slice(&values[token * n_experts..][..n_experts]);
            let (_, sum) = softmax::exponentials(&mut row, 1.0);
            vector::add_scaled(-inner / sum, &row, dx);
        }
    }
    to.put(logits, dx);
}

/// The derivative of the router's losses: what the forward pass kept, times the loss's slope.
pub(crate) fn loss_backward(to: &mut Slopes, logits: &[Var], slopes: &[Buffer], dy: f32) {
    for (&layer, slope) in logits.iter().zip(slopes) {
        if to.needs(layer) {
            let mut dx = to.take_zeroed(layer);
            vector::add_scaled(dy, slope, &mut dx);
            to.put(layer, dx);
        }
    }
}
