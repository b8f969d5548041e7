//! The state that goes from one batch to the next, for recurrent models on running text: truncated backpropagation through
//! time (Williams & Peng 1990), where values are carried and slopes end with the batch.
//!
//! It is part of a run's state, beside weights and moments. It belongs to one batch, the one that goes on where the text of
//! the last one ended; any other batch begins from zeros: the first of an epoch, and one whose forerunner was left out.

use std::collections::BTreeMap;

use tensor::{Tape, Tensor, Var};

/// States of the rows of every micro-batch, a tensor a layer.
#[derive(Clone, Default)]
pub(crate) struct Carried {
    /// The batch that goes on from them.
    next: u64,
    states: Vec<Vec<Tensor>>,
}

impl Carried {
    /// Nothing yet, for the batch `next`.
    pub(crate) fn towards(next: u64) -> Carried {
        Carried { next, states: Vec::new() }
    }

    /// What micro-batch `micro` of batch `index` goes on from; nothing where it begins.
    pub(crate) fn of(&self, index: u64, micro: usize) -> &[Tensor] {
        match self.next == index {
            true => self.states.get(micro).map_or(&[], Vec::as_slice),
            false => &[],
        }
    }

    /// Adds what the next micro-batch ends with.
    pub(crate) fn push(&mut self, tape: &Tape, state: &[Var]) {
        self.states.push(state.iter().map(|&var| tape.value(var).clone()).collect());
    }

    /// Every tensor by a name that says all about its place.
    pub(crate) fn tensors(&self) -> Vec<(String, &Tensor)> {
        let layers =
            self.states.iter().enumerate().flat_map(|(micro, layers)| {
                layers.iter().enumerate().map(move |(layer, tensor)| ((micro, layer), tensor))
            });
        layers.map(|((micro, layer), tensor)| (format!("{}.{micro}.{layer}", self.next), tensor)).collect()
    }

    /// What [`Carried::tensors`] gave; `None` where the names are others.
    pub(crate) fn of_tensors(tensors: BTreeMap<String, Tensor>) -> Option<Carried> {
        let mut places = BTreeMap::new();
        for (name, tensor) in tensors {
            let numbers: Vec<u64> = name.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
            let [next, micro, layer] = numbers[..] else { return None };
            places.insert((next, micro, layer), tensor);
        }
        let mut carried = Carried::default();
        for ((next, micro, layer), tensor) in places {
            if carried.states.is_empty() {
                carried.next = next;
            }
            if carried.states.len() as u64 == micro && layer == 0 {
                carried.states.push(Vec::new());
            }
            let is_next = carried.states.len() as u64 == micro + 1 && next == carried.next;
            let layers = carried.states.last_mut().filter(|layers| is_next && layers.len() as u64 == layer)?;
            layers.push(tensor);
        }
        let is_whole = carried.states.windows(2).all(|pair| pair[0].len() == pair[1].len());
        is_whole.then_some(carried)
    }
}

impl std::fmt::Debug for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} states for batch {}", self.states.len(), self.next)
    }
}

impl PartialEq for Carried {
    fn eq(&self, other: &Self) -> bool {
        let values = |carried: &Carried| -> Vec<(String, Vec<f32>)> {
            carried.tensors().into_iter().map(|(name, tensor)| (name, tensor.to_f32_vec())).collect()
        };
        self.next == other.next && values(self) == values(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_places() {
        let tensor = |value: f32| Tensor::from_f32([1, 2], vec![value, -value]).unwrap();
        let states = (0..11).map(|micro| vec![tensor(micro as f32), tensor(0.5)]).collect();
        let carried = Carried { next: 1234, states };
        let by_name = |carried: &Carried| -> BTreeMap<String, Tensor> {
            carried.tensors().into_iter().map(|(name, tensor)| (name, tensor.clone())).collect()
        };
        assert_eq!(Carried::of_tensors(by_name(&carried)), Some(carried.clone()));
        assert_eq!(carried.of(1234, 10)[0].to_f32_vec(), [10.0, -10.0]);
        assert!(carried.of(1235, 0).is_empty() && carried.of(1234, 11).is_empty());
        for lost in ["1234.0.0", "1234.0.1", "1234.5.0"] {
            let mut tensors = by_name(&carried);
            let tensor = tensors.remove(lost).unwrap();
            assert_eq!(Carried::of_tensors(tensors.clone()), None, "without {lost}");
            tensors.insert("1234.x.0".to_owned(), tensor);
            assert_eq!(Carried::of_tensors(tensors), None);
        }
    }
}
