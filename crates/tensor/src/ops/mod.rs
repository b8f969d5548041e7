//! The operations: one file a group, each with its forward pass (methods of [`crate::Tape`]) and its derivative. The
//! table that leads from an operation to its derivative is `backward.rs`.

pub(crate) mod activation;
pub(crate) mod again;
pub(crate) mod attention;
pub(crate) mod elementwise;
pub(crate) mod embedding;
pub(crate) mod experts;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod projection;
pub(crate) mod recurrent;
pub(crate) mod reduce;
pub(crate) mod rope;
pub(crate) mod router;
pub(crate) mod rows;

use std::sync::Arc;

use crate::buffer::Buffer;
use crate::{ParamId, Var};
use activation::Curve;
use attention::{AttentionShape, DistanceBias, Scoring};
use linear::LinearIds;

/// What was done to make a value, with what the derivative needs beyond the inputs' values.
pub(crate) enum Op {
    Input,
    /// Any operation on a tape that does not record.
    Forgotten(&'static str),
    Embedding {
        table: ParamId,
        ids: Buffer<u32>,
    },
    Linear {
        x: Var,
        weight: ParamId,
        bias: Option<ParamId>,
    },
    RmsNorm {
        x: Var,
        gain: ParamId,
        eps: f32,
        inverse: Buffer,
    },
    LayerNorm {
        x: Var,
        gain: ParamId,
        bias: ParamId,
        eps: f32,
        statistics: Buffer,
    },
    Rope {
        x: Var,
        /// Their place in the tape's list.
        turns: usize,
    },
    Attention {
        q: Var,
        k: Var,
        v: Var,
        shape: AttentionShape,
        scoring: Scoring,
        log_sum_exp: Buffer,
    },
    SwiGlu {
        gate: Var,
        up: Var,
    },
    Gelu {
        x: Var,
    },
    GeGlu {
        gate: Var,
        up: Var,
    },
    Curve {
        x: Var,
        curve: Curve,
    },
    Add {
        a: Var,
        b: Var,
    },
    Mul {
        a: Var,
        b: Var,
    },
    Scale {
        x: Var,
        factor: f32,
    },
    Dropout {
        x: Var,
        p: f32,
        seed: u64,
    },
    LinearCrossEntropy {
        x: Var,
        head: LinearIds,
        slopes: projection::Slopes,
    },
    LinearLogProbs {
        x: Var,
        head: LinearIds,
        targets: Buffer<u32>,
    },
    Route {
        logits: Var,
        chosen: Arc<[u32]>,
        is_renormalized: bool,
    },
    Experts {
        x: Var,
        weights: Var,
        experts: Arc<[experts::ExpertIds]>,
        kept: experts::Kept,
    },
    /// A loss of the router over the logits of several layers, with its derivative by each.
    RouterLoss {
        name: &'static str,
        logits: Vec<Var>,
        slopes: Vec<Buffer>,
    },
    Recurrent {
        x: Var,
        kept: recurrent::Kept,
    },
    Gather {
        x: Var,
        rows: Buffer<u32>,
    },
    Rows {
        x: Var,
        first: usize,
    },
    SegmentSum {
        x: Var,
        segment_of: Buffer<u32>,
    },
    Sum {
        x: Var,
        factor: f32,
    },
}

impl Op {
    /// The parameters it reads, the weight before the bias.
    pub(crate) fn parameters(&self) -> Vec<ParamId> {
        match self {
            Op::Embedding { table, .. } => vec![*table],
            Op::Linear { weight, bias, .. } => std::iter::once(*weight).chain(*bias).collect(),
            Op::LinearCrossEntropy { head, .. } | Op::LinearLogProbs { head, .. } => {
                std::iter::once(head.weight).chain(head.bias).collect()
            }
            Op::RmsNorm { gain, .. } => vec![*gain],
            Op::LayerNorm { gain, bias, .. } => vec![*gain, *bias],
            Op::Attention { scoring, .. } => scoring.bias.iter().filter_map(DistanceBias::table).collect(),
            Op::Recurrent { kept, .. } => kept.parameters(),
            Op::Experts { experts, .. } => experts.iter().flat_map(|ids| [ids.gate, ids.up, ids.down]).collect(),
            Op::Input
            | Op::Forgotten(_)
            | Op::Rope { .. }
            | Op::SwiGlu { .. }
            | Op::Gelu { .. }
            | Op::GeGlu { .. }
            | Op::Curve { .. }
            | Op::Add { .. }
            | Op::Mul { .. }
            | Op::Scale { .. }
            | Op::Dropout { .. }
            | Op::Route { .. }
            | Op::RouterLoss { .. }
            | Op::Gather { .. }
            | Op::Rows { .. }
            | Op::SegmentSum { .. }
            | Op::Sum { .. } => Vec::new(),
        }
    }

    /// The name that errors use.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Op::Input => "input",
            Op::Forgotten(name) => name,
            Op::Embedding { .. } => "embedding",
            Op::Linear { .. } => "linear",
            Op::RmsNorm { .. } => "rms_norm",
            Op::LayerNorm { .. } => "layer_norm",
            Op::Rope { .. } => "rope",
            Op::Attention { .. } => "attention",
            Op::SwiGlu { .. } => "swiglu",
            Op::Gelu { .. } => "gelu",
            Op::GeGlu { .. } => "geglu",
            Op::Curve { curve: Curve::GeluErf, .. } => "gelu_erf",
            Op::Curve { curve: Curve::Relu, .. } => "relu",
            Op::Curve { curve: Curve::Silu, .. } => "silu",
            Op::Curve { curve: Curve::Tanh, .. } => "tanh",
            Op::Add { .. } => "add",
            Op::Mul { .. } => "mul",
            Op::Scale { .. } => "scale",
            Op::Dropout { .. } => "dropout",
            Op::LinearCrossEntropy { .. } => "linear_cross_entropy",
            Op::LinearLogProbs { .. } => "linear_log_probs",
            Op::Route { .. } => "route",
            Op::Experts { .. } => "experts",
            Op::RouterLoss { name, .. } => name,
            Op::Recurrent { kept, .. } => kept.name(),
            Op::Gather { .. } => "gather",
            Op::Rows { .. } => "rows",
            Op::SegmentSum { .. } => "segment_sum",
            Op::Sum { .. } => "sum",
        }
    }
}
