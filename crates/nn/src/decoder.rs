//! The decoder itself: the forward pass on a tape.

use serde_json::{Value, json};
use tensor::{AttentionShape, ParamId, Tape, Tensor, Var};

use crate::blocks::{NormOrder, Stack, norm};
use crate::dropout::Dropout;
use crate::layout::Layout;
use crate::{
    Batch, DecoderConfig, Family, LayerIds, LinearIds, Network, NnError, NormIds, NormKind, Pass, PositionKind,
    Registry, SideLoss, TokenValues,
};

/// A decoder-only Transformer: its shape and where its weights live. The weights themselves are made by [`Network::init`]
/// or [`Decoder::load`].
#[derive(Clone, Debug)]
pub struct Decoder {
    config: DecoderConfig,
    family: Family,
    layout: Layout,
}

impl Decoder {
    /// A decoder of this shape, or why the shape cannot be.
    pub fn new(config: DecoderConfig) -> Result<Decoder, NnError> {
        config.check()?;
        let family = config.family()?;
        let layout = Layout::new(&config, family);
        Ok(Decoder { config, family, layout })
    }

    /// The shape.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// The family the shape belongs to.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The token table (vocab_size, hidden_size).
    pub fn embedding(&self) -> ParamId {
        self.layout.embedding
    }

    /// The position table (max_position_embeddings, hidden_size), where positions are learned.
    pub fn position_table(&self) -> Option<ParamId> {
        self.layout.positions
    }

    /// The blocks, first to last.
    pub fn layers(&self) -> &[LayerIds] {
        &self.layout.layers
    }

    /// The norm after the last block.
    pub fn final_norm(&self) -> NormIds {
        self.layout.final_norm
    }

    /// Hidden states, with the routers' logits of every layer.
    fn routed(&self, tape: &mut Tape, batch: &Batch, dropout: Option<(f32, u64)>) -> Result<(Var, Vec<Var>), NnError> {
        let c = &self.config;
        batch.check(c.vocab_size, Some(c.max_position_embeddings))?;
        batch.check_reader("a decoder", false, 1)?;
        let mut dropout = Dropout::new(dropout);
        let shape = AttentionShape {
            batch: batch.batch,
            time: batch.time,
            n_heads: c.n_heads,
            n_kv_heads: c.n_kv_heads,
            head_dim: c.head_dim(),
        };
        tape.scope("embeddings");
        let mut x = tape.embedding(self.layout.embedding, &batch.ids)?;
        if let Some(table) = self.layout.positions {
            let positions = tape.embedding(table, &batch.positions)?;
            let sum = tape.add(x, positions)?;
            tape.release_all([x, positions]);
            x = sum;
        }
        x = dropout.apply(tape, x)?;
        let stack = Stack {
            name: "layers",
            order: NormOrder::Before,
            norm_eps: c.norm_eps,
            mlp: c.mlp,
            n_chosen: c.experts.as_ref().map_or(0, |experts| experts.n_chosen),
            shape,
            rope: match c.position {
                PositionKind::Rope { theta } => Some((theta, &batch.positions)),
                PositionKind::Learned => None,
            },
            rule: batch.mask.clone().into(),
            memory: None,
        };
        let mut routed = Vec::new();
        x = stack.run_routed(tape, x, &self.layout.layers, &mut dropout, &mut routed)?;
        tape.scope("final_norm");
        let hidden = norm(tape, x, &self.layout.final_norm, c.norm_eps)?;
        tape.release(x);
        Ok((hidden, routed))
    }
}

impl Network for Decoder {
    fn registry(&self) -> &Registry {
        &self.layout.registry
    }

    fn describe(&self) -> Value {
        json!(self.config)
    }

    fn hidden(&self, tape: &mut Tape, batch: &Batch, dropout: Option<(f32, u64)>) -> Result<Var, NnError> {
        Ok(self.routed(tape, batch, dropout)?.0)
    }

    /// A mixture of experts has two losses of its own: `balance_loss` and `router_z_loss`.
    fn pass(
        &self,
        tape: &mut Tape,
        batch: &Batch,
        carried: &[Tensor],
        dropout: Option<(f32, u64)>,
    ) -> Result<Pass, NnError> {
        if !carried.is_empty() {
            return Err(NnError::Batch("a decoder has no state to go on from".to_string()));
        }
        let (hidden, routed) = self.routed(tape, batch, dropout)?;
        let mut pass = Pass::plain(hidden);
        let Some(experts) = &self.config.experts else { return Ok(pass) };
        tape.scope("router");
        let counted: Vec<bool> = batch.is_padding.iter().map(|is_padding| !is_padding).collect();
        let counted = (!counted.is_empty()).then_some(&counted[..]);
        if experts.balance_loss > 0.0 {
            let value = tape.load_balancing_loss(&routed, experts.n_chosen, counted)?;
            pass.losses.push(SideLoss { name: "balance_loss", value, weight: experts.balance_loss });
        }
        if experts.z_loss > 0.0 {
            let value = tape.router_z_loss(&routed, counted)?;
            pass.losses.push(SideLoss { name: "router_z_loss", value, weight: experts.z_loss });
        }
        Ok(pass)
    }

    fn head(&self) -> LinearIds {
        LinearIds { weight: self.layout.head, bias: None }
    }

    fn flops_per_token(&self, time: usize, target_share: f64) -> f64 {
        let c = &self.config;
        let head = target_share * (c.vocab_size * c.hidden_size) as f64;
        // Of the experts only those that a token goes through.
        let idle = c.experts.as_ref().map_or(0, |experts| experts.n_experts - experts.n_chosen);
        let idle = c.n_layers * idle * 3 * c.hidden_size * c.intermediate_size;
        let matrices = (self.layout.registry.inner_matrix_elements() - idle) as f64 + head;
        6.0 * matrices + 12.0 * (c.n_layers * c.hidden_size) as f64 * time as f64
    }

    fn token_values(&self) -> TokenValues {
        let c = &self.config;
        let [hidden, inner, kv] = [c.hidden_size, c.intermediate_size, c.kv_size()].map(|size| size as u64);
        // Queries, keys and values as attention reads them; its output; what goes in, before attention and before the
        // feed-forward layers. Norms and activations are made again. Every norm and head keeps one number or two.
        let statistic = if c.norm == NormKind::LayerNorm { 2 } else { 1 };
        let statistics = 2 * statistic + c.n_heads as u64;
        let attention = 4 * hidden + 2 * kv;
        // Where the slopes are widest: the inner layer with its slope, or attention with those of queries, keys and values,
        // by head and by row. Beside them the slopes of what goes in and of what comes out.
        let (mlp, routing, widest, mlp_again) = match &c.experts {
            None => {
                let mlp = if c.mlp.is_gated() { 2 * inner } else { inner };
                (mlp, 0, 2 * inner, mlp)
            }
            Some(experts) => {
                let [n, chosen] = [experts.n_experts, experts.n_chosen].map(|count| count as u64);
                // Logits, their slopes, choices and weights; gates and ups of the experts a token goes through. In the backward
                // pass its gathered rows, slopes and slopes of rows, and what one expert has inside, which may be given half as
                // many tokens again as others; where gates and ups were let go, it is they that are made again.
                let of_one = inner.min((3 * chosen * inner).div_ceil(2 * n));
                (2 * chosen * inner, 2 * n + 4 * chosen, 3 * chosen * hidden + 2 * of_one, 2 * of_one)
            }
        };
        // Experts take their gradients one after another, while the rows of all are there.
        let gradients = c.experts.as_ref().map_or(0, |experts| 3 * hidden * inner * experts.n_experts as u64);
        let kept = attention + mlp + routing + statistics;
        let flowing = 2 * hidden + widest.max(2 * hidden + 4 * kv);
        // Made again, both norms are there until their block is done.
        let again = attention + mlp_again + statistics + hidden;
        // Hidden states before and after the last norm, and the slopes of the latter.
        let at_loss = 3 * hidden;
        TokenValues {
            parts: c.n_layers as u64,
            kept,
            checkpointed: hidden + routing + statistics,
            again,
            flowing,
            gradients,
            around: 0,
            at_loss,
        }
    }
}
