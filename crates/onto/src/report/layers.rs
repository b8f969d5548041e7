//! Places the boxes of a graph in layers: the longest path gives the layer, long arrows pass through the layers
//! between in lanes of their own, and the order and place inside a layer keep arrows short (Sugiyama, Tagawa and Toda,
//! "Methods for visual understanding of hierarchical system structures", 1981).

/// A placed graph.
pub struct Layout {
    /// The boxes in the order given, then the lanes.
    pub places: Vec<Place>,
    /// Arrows from place to place; both are in neighbouring layers.
    pub arrows: Vec<Arrow>,
    /// Number of layers.
    pub layers: usize,
    /// Extent across the layers.
    pub breadth: f64,
}

/// Where a box or a lane stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Which layer, from 0.
    pub layer: usize,
    /// Its middle, measured across the layers.
    pub middle: f64,
    /// Its extent across the layers.
    pub extent: f64,
    /// Whether it is a lane that an arrow passes through.
    pub lane: bool,
}

/// A piece of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Place it leaves.
    pub from: usize,
    /// Place it enters.
    pub to: usize,
    /// Whether a longer way between the same boxes tells the same, so that this one may be drawn pale.
    pub implied: bool,
}

/// Lays out boxes of breadth `extent` with `gap` between them and lanes of breadth `lane`. `inputs[i]` are the boxes
/// that box `i` follows; an input that is not before `i` is left out, so that no circle can arise.
pub fn layout(inputs: &[Vec<usize>], extent: f64, gap: f64, lane: f64) -> Layout {
    let boxes = inputs.len();
    let inputs: Vec<Vec<usize>> = inputs
        .iter()
        .enumerate()
        .map(|(index, list)| {
            let mut list: Vec<usize> = list.iter().copied().filter(|input| *input < index).collect();
            list.sort_unstable();
            list.dedup();
            list
        })
        .collect();
    let mut layer_of = vec![0usize; boxes];
    for index in 0..boxes {
        layer_of[index] = inputs[index].iter().map(|input| layer_of[*input] + 1).max().unwrap_or(0);
    }
    // A source that is needed late stands just before its first use, not far off in the first layer.
    for index in (0..boxes).rev().filter(|index| inputs[*index].is_empty()) {
        let first_use = (0..boxes).filter(|user| inputs[*user].contains(&index)).map(|user| layer_of[user]).min();
        layer_of[index] = first_use.map_or(layer_of[index], |layer| layer.saturating_sub(1));
    }

    let mut places: Vec<Place> =
        layer_of.iter().map(|layer| Place { layer: *layer, middle: 0.0, extent, lane: false }).collect();
    let mut arrows: Vec<Arrow> = Vec::new();
    for source in 0..boxes {
        // All long arrows out of one box share a lane in each layer they cross, as tracks share a line.
        let mut last = source;
        let mut users: Vec<usize> = (0..boxes).filter(|user| inputs[*user].contains(&source)).collect();
        users.sort_by_key(|user| layer_of[*user]);
        for user in users {
            let implied = is_implied(&inputs, source, user);
            while places[last].layer + 1 < layer_of[user] {
                places.push(Place { layer: places[last].layer + 1, middle: 0.0, extent: lane, lane: true });
                arrows.push(Arrow { from: last, to: places.len() - 1, implied });
                last = places.len() - 1;
            }
            arrows.push(Arrow { from: last, to: user, implied });
        }
    }
    strengthen_lanes(&places, &mut arrows);

    let layers = places.iter().map(|place| place.layer + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> =
        (0..layers).map(|layer| (0..places.len()).filter(|place| places[*place].layer == layer).collect()).collect();
    order(&mut rows, places.len(), &arrows);
    let breadth = spread(&rows, &mut places, &arrows, gap);
    Layout { places, arrows, layers, breadth }
}

/// Whether `source` reaches `user` by way of another input of `user`.
fn is_implied(inputs: &[Vec<usize>], source: usize, user: usize) -> bool {
    let mut open: Vec<usize> = inputs[user].iter().copied().filter(|input| *input != source).collect();
    let mut seen = vec![false; inputs.len()];
    while let Some(index) = open.pop() {
        if index == source {
            return true;
        }
        if !std::mem::replace(&mut seen[index], true) {
            open.extend(&inputs[index]);
        }
    }
    false
}

/// A piece of a shared lane is strong when any arrow that continues from it is.
fn strengthen_lanes(places: &[Place], arrows: &mut [Arrow]) {
    for index in (0..arrows.len()).rev() {
        let arrow = arrows[index];
        if places[arrow.to].lane && arrows.iter().any(|next| next.from == arrow.to && !next.implied) {
            arrows[index].implied = false;
        }
    }
}

/// Orders each layer by the mean place of its neighbours, sweeping to and fro.
fn order(rows: &mut [Vec<usize>], places: usize, arrows: &[Arrow]) {
    let mut rank = vec![0.0f64; places];
    let number = |rows: &[Vec<usize>], rank: &mut Vec<f64>| {
        for row in rows {
            for (index, place) in row.iter().enumerate() {
                rank[*place] = (index as f64 + 0.5) / row.len() as f64;
            }
        }
    };
    number(rows, &mut rank);
    let mut best = (crossings(rows, arrows), rows.to_vec());
    for sweep in 0..12 {
        let forwards = sweep % 2 == 0;
        for step in 0..rows.len() {
            let row = if forwards { step } else { rows.len() - 1 - step };
            let mean = |place: usize| {
                let near: Vec<f64> = arrows
                    .iter()
                    .filter_map(|arrow| match forwards {
                        true if arrow.to == place => Some(rank[arrow.from]),
                        false if arrow.from == place => Some(rank[arrow.to]),
                        _ => None,
                    })
                    .collect();
                if near.is_empty() { rank[place] } else { near.iter().sum::<f64>() / near.len() as f64 }
            };
            let mut keyed: Vec<(f64, usize)> = rows[row].iter().map(|place| (mean(*place), *place)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[row] = keyed.into_iter().map(|(_, place)| place).collect();
            number(rows, &mut rank);
        }
        let count = crossings(rows, arrows);
        if count < best.0 {
            best = (count, rows.to_vec());
        }
    }
    rows.clone_from_slice(&best.1);
}

/// How many pairs of arrows between neighbouring layers cross.
fn crossings(rows: &[Vec<usize>], arrows: &[Arrow]) -> usize {
    let position = |place: usize| {
        rows.iter()
            .enumerate()
            .find_map(|(row, list)| list.iter().position(|other| *other == place).map(|index| (row, index)))
    };
    let ends: Vec<_> = arrows.iter().filter_map(|arrow| Some((position(arrow.from)?, position(arrow.to)?))).collect();
    let mut count = 0;
    for (index, a) in ends.iter().enumerate() {
        for b in &ends[index + 1..] {
            let crossed = a.0.0 == b.0.0 && (a.0.1 < b.0.1 && a.1.1 > b.1.1 || a.0.1 > b.0.1 && a.1.1 < b.1.1);
            count += usize::from(crossed);
        }
    }
    count
}

/// Gives each place its middle: as near to its neighbours as order and room allow. Returns the breadth used.
fn spread(rows: &[Vec<usize>], places: &mut [Place], arrows: &[Arrow], gap: f64) -> f64 {
    for row in rows {
        let mut at = 0.0;
        for place in row {
            places[*place].middle = at + places[*place].extent / 2.0;
            at += places[*place].extent + gap;
        }
        for place in row {
            places[*place].middle -= at / 2.0;
        }
    }
    for sweep in 0..100 {
        for step in 0..rows.len() {
            let row = if sweep % 2 == 0 { &rows[step] } else { &rows[rows.len() - 1 - step] };
            let wanted: Vec<(f64, f64)> = row
                .iter()
                .map(|place| {
                    let (mut sum, mut weight) = (0.0, 0.0);
                    for arrow in arrows {
                        let other = match *place {
                            place if place == arrow.to => arrow.from,
                            place if place == arrow.from => arrow.to,
                            _ => continue,
                        };
                        let share = if arrow.implied { 0.002 } else { 1.0 };
                        sum += share * places[other].middle;
                        weight += share;
                    }
                    if weight > 0.0 { (sum / weight, weight) } else { (places[*place].middle, 0.1) }
                })
                .collect();
            let extents: Vec<f64> = row.iter().map(|place| places[*place].extent).collect();
            for (place, middle) in row.iter().zip(separated(&wanted, &extents, gap)) {
                places[*place].middle = middle;
            }
        }
    }
    let low = places.iter().map(|place| place.middle - place.extent / 2.0).fold(f64::MAX, f64::min);
    let high = places.iter().map(|place| place.middle + place.extent / 2.0).fold(f64::MIN, f64::max);
    for place in places.iter_mut() {
        place.middle -= low;
    }
    (high - low).max(0.0)
}

/// The middles nearest to the wanted (middle, weight) in the least-squares sense that keep the order and the gaps:
/// isotonic regression by pooling adjacent violators.
fn separated(wanted: &[(f64, f64)], extents: &[f64], gap: f64) -> Vec<f64> {
    let mut offsets = vec![0.0; wanted.len()];
    for index in 1..wanted.len() {
        offsets[index] = offsets[index - 1] + (extents[index - 1] + extents[index]) / 2.0 + gap;
    }
    // Blocks of (sum of weighted values, weight, length).
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for ((middle, weight), offset) in wanted.iter().zip(&offsets) {
        blocks.push(((middle - offset) * weight, *weight, 1));
        while let [.., before, last] = blocks[..]
            && before.0 / before.1 > last.0 / last.1
        {
            blocks.pop();
            if let Some(block) = blocks.last_mut() {
                *block = (before.0 + last.0, before.1 + last.1, before.2 + last.2);
            }
        }
    }
    let values = blocks.iter().flat_map(|block| std::iter::repeat_n(block.0 / block.1, block.2));
    values.zip(&offsets).map(|(value, offset)| value + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_lanes_and_implied_arrows() {
        // 0 → 1 → 2 → 3 with the short cuts 0 → 3 (through two lanes) and a late source 4 of 5.
        let inputs = vec![vec![], vec![0], vec![1], vec![2, 0], vec![], vec![3, 4]];
        let layout = layout(&inputs, 50.0, 20.0, 10.0);
        let layers: Vec<usize> = layout.places[..6].iter().map(|place| place.layer).collect();
        assert_eq!(layers, [0, 1, 2, 3, 3, 4]);
        assert_eq!(layout.places.len(), 8);
        assert!(layout.arrows.iter().all(|a| layout.places[a.from].layer + 1 == layout.places[a.to].layer));
        assert_eq!(layout.arrows.iter().filter(|arrow| arrow.implied).count(), 3);
        for a in 0..layout.places.len() {
            for b in 0..a {
                let (a, b) = (layout.places[a], layout.places[b]);
                let apart = (a.middle - b.middle).abs() + 1e-6 >= (a.extent + b.extent) / 2.0 + 20.0;
                assert!(a.layer != b.layer || apart, "{a:?} and {b:?} overlap");
            }
        }
    }

    #[test]
    fn empty_circular_and_unordered_graphs_are_laid_out() {
        assert_eq!(layout(&[], 50.0, 20.0, 10.0).layers, 0);
        let layout = layout(&[vec![1, 0, 7], vec![0]], 50.0, 20.0, 10.0);
        assert_eq!((layout.layers, layout.arrows.len()), (2, 1));
    }

    #[test]
    fn separation_is_the_nearest_in_order() {
        assert_eq!(separated(&[(0.0, 1.0), (0.0, 1.0)], &[10.0, 10.0], 10.0), [-10.0, 10.0]);
        assert_eq!(separated(&[(0.0, 1.0), (100.0, 1.0)], &[10.0, 10.0], 10.0), [0.0, 100.0]);
    }
}
