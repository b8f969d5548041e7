//! The block every Transformer here is made of: attention, attention to another sequence where there is one, and a
//! feed-forward layer, each in a residual branch with a norm before or after it.
//!
//! Legend: x is (batch · time, hidden size); a memory is (batch · its own time, hidden size).

use tensor::{AttentionRule, AttentionShape, LinearIds, Tape, Var};

use crate::dropout::Dropout;
use crate::{AttentionIds, LayerIds, MlpIds, MlpKind, NnError, NormIds};

/// Where the norm of a residual branch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NormOrder {
    /// `x + f(norm(x))`: GPT-2, LLaMA, T5.
    Before,
    /// `norm(x + f(x))`: the first Transformer (Vaswani et al. 2017) and BERT.
    After,
}

/// What a stack of blocks computes with, besides its weights.
pub(crate) struct Stack<'a> {
    /// What its blocks are called in an error.
    pub name: &'static str,
    pub order: NormOrder,
    pub norm_eps: f64,
    pub mlp: MlpKind,
    /// How many experts a token goes through, where there are some.
    pub n_chosen: usize,
    pub shape: AttentionShape,
    /// Base of the rotary frequencies and the positions to turn by.
    pub rope: Option<(f64, &'a [u32])>,
    /// How the sequence attends to itself.
    pub rule: AttentionRule,
    /// What another stack made, and how this one attends to it.
    pub memory: Option<(Var, AttentionRule)>,
}

impl Stack<'_> {
    /// Takes x through the blocks. What nothing further reads is released at once, x included.
    pub(crate) fn run(
        &self,
        tape: &mut Tape,
        x: Var,
        layers: &[LayerIds],
        dropout: &mut Dropout,
    ) -> Result<Var, NnError> {
        self.run_routed(tape, x, layers, dropout, &mut Vec::new())
    }

    /// The same, adding the routers' logits to `routed`; they stay.
    pub(crate) fn run_routed(
        &self,
        tape: &mut Tape,
        mut x: Var,
        layers: &[LayerIds],
        dropout: &mut Dropout,
        routed: &mut Vec<Var>,
    ) -> Result<Var, NnError> {
        for (index, layer) in layers.iter().enumerate() {
            let block = tape.checkpoint(x, |tape, x| self.block(tape, x, (index, layer), dropout, routed));
            x = block.map_err(|error| match error {
                // Whoever asked for hidden states may be far from the tape.
                NnError::Tensor(source) => NnError::Tensor(tape.located(source)),
                other => other,
            })?;
        }
        Ok(x)
    }

    fn block(
        &self,
        tape: &mut Tape,
        x: Var,
        (index, layer): (usize, &LayerIds),
        dropout: &mut Dropout,
        routed: &mut Vec<Var>,
    ) -> Result<Var, NnError> {
        let name = self.name;
        tape.scope(format_args!("{name}.{index}.attention"));
        let mut x = self.branch(tape, x, &layer.attention_norm, dropout, |tape, x| {
            self.attend(tape, x, x, &layer.attention, &self.rule, self.rope)
        })?;
        if let (Some(cross), Some((memory, rule))) = (&layer.cross, &self.memory) {
            tape.scope(format_args!("{name}.{index}.cross_attention"));
            x = self.branch(tape, x, &cross.norm, dropout, |tape, x| {
                self.attend(tape, x, *memory, &cross.attention, rule, None)
            })?;
        }
        tape.scope(format_args!("{name}.{index}.mlp"));
        self.branch(tape, x, &layer.mlp_norm, dropout, |tape, x| self.feed_forward(tape, x, &layer.mlp, routed))
    }

    /// A residual branch around `inner`, the last to read `x`.
    fn branch(
        &self,
        tape: &mut Tape,
        x: Var,
        norm_ids: &NormIds,
        dropout: &mut Dropout,
        inner: impl FnOnce(&mut Tape, Var) -> Result<Var, NnError>,
    ) -> Result<Var, NnError> {
        let is_before = self.order == NormOrder::Before;
        let input = if is_before { norm(tape, x, norm_ids, self.norm_eps)? } else { x };
        let output = inner(tape, input)?;
        if is_before {
            tape.release(input);
        }
        let output = dropout.apply(tape, output)?;
        let sum = tape.add(x, output)?;
        tape.release_all([x, output]);
        if is_before {
            return Ok(sum);
        }
        let normed = norm(tape, sum, norm_ids, self.norm_eps)?;
        tape.release(sum);
        Ok(normed)
    }

    /// Attention of the queries made of `x` to the keys and values made of `source`.
    fn attend(
        &self,
        tape: &mut Tape,
        x: Var,
        source: Var,
        ids: &AttentionIds,
        rule: &AttentionRule,
        rope: Option<(f64, &[u32])>,
    ) -> Result<Var, NnError> {
        let [mut query, mut key] = [linear(tape, x, &ids.query)?, linear(tape, source, &ids.key)?];
        let value = linear(tape, source, &ids.value)?;
        if let Some((theta, positions)) = rope {
            for var in [&mut query, &mut key] {
                let turned = tape.rope(*var, positions, self.shape.head_dim, theta as f32)?;
                tape.release(*var);
                *var = turned;
            }
        }
        let attended = tape.attention_with(query, key, value, &self.shape, rule)?;
        tape.release_all([query, key, value]);
        let output = linear(tape, attended, &ids.output)?;
        tape.release(attended);
        Ok(output)
    }

    fn feed_forward(&self, tape: &mut Tape, x: Var, ids: &MlpIds, routed: &mut Vec<Var>) -> Result<Var, NnError> {
        let (inner, down) = match ids {
            MlpIds::Gated { gate, up, down } => {
                let (gate, up) = (linear(tape, x, gate)?, linear(tape, x, up)?);
                let inner = match self.mlp {
                    MlpKind::GeGlu => tape.geglu(gate, up)?,
                    MlpKind::SwiGlu | MlpKind::Gelu | MlpKind::GeluErf | MlpKind::Relu => tape.swiglu(gate, up)?,
                };
                tape.release_all([gate, up]);
                (inner, down)
            }
            MlpIds::Plain { fc, proj } => {
                let before = linear(tape, x, fc)?;
                let inner = activation(tape, before, self.mlp)?;
                tape.release(before);
                (inner, proj)
            }
            MlpIds::Experts { router, experts } => {
                let logits = linear(tape, x, router)?;
                tape.keep(logits);
                routed.push(logits);
                let routing = tape.route(logits, self.n_chosen, true)?;
                return Ok(tape.experts(x, &routing, experts)?);
            }
        };
        let output = linear(tape, inner, down)?;
        tape.release(inner);
        Ok(output)
    }
}

/// The function between two plain layers.
pub(crate) fn activation(tape: &mut Tape, x: Var, kind: MlpKind) -> Result<Var, NnError> {
    Ok(match kind {
        MlpKind::Relu => tape.relu(x)?,
        MlpKind::GeluErf => tape.gelu_erf(x)?,
        MlpKind::Gelu | MlpKind::SwiGlu | MlpKind::GeGlu => tape.gelu(x)?,
    })
}

/// RMS norm, or LayerNorm where there is a bias.
pub(crate) fn norm(tape: &mut Tape, x: Var, ids: &NormIds, eps: f64) -> Result<Var, NnError> {
    Ok(match ids.bias {
        None => tape.rms_norm(x, ids.gain, eps as f32)?,
        Some(bias) => tape.layer_norm(x, ids.gain, bias, eps as f32)?,
    })
}

pub(crate) fn linear(tape: &mut Tape, x: Var, ids: &LinearIds) -> Result<Var, NnError> {
    Ok(tape.linear(x, ids.weight, ids.bias)?)
}
