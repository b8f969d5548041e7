//! Columns of row-major matrices handed out in blocks, for loops whose threads share rows.
//!
//! A recurrent step writes a few rows; what can be split among threads is their columns. Runs of a slice, as
//! [`super::for_each_chunk`] hands them out, cannot say that without another layout of everything that is read later.

use std::marker::PhantomData;
use std::ops::Range;

use super::{Order, for_each_in_order};

/// Rows of a slice: row i starts at `start + i * stride` and has `groups` groups of `columns` columns, one behind the
/// other (the gates of a recurrent cell, each as wide as its state).
pub(crate) struct Grid<'a> {
    data: *mut f32,
    start: usize,
    rows: usize,
    stride: usize,
    columns: usize,
    groups: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: a shared grid only hands out parts that do not overlap (`Grid::new` holds rows and groups apart, `Grid::block`
// blocks), and f32 may be changed by any thread. Covered by the tests of this file.
unsafe impl Sync for Grid<'_> {}
// SAFETY: a grid stands for a `&mut [f32]`, which may go to another thread.
unsafe impl Send for Grid<'_> {}

impl<'a> Grid<'a> {
    /// # Panics
    /// When rows overlap or lie outside `data`.
    pub(crate) fn new(
        data: &'a mut [f32],
        start: usize,
        (rows, stride): (usize, usize),
        (groups, columns): (usize, usize),
    ) -> Grid<'a> {
        assert!(rows > 0 && columns > 0 && groups * columns <= stride, "rows of a grid that overlap");
        assert!(start + (rows - 1) * stride + groups * columns <= data.len(), "a grid outside its slice");
        Grid { data: data.as_mut_ptr(), start, rows, stride, columns, groups, life: PhantomData }
    }

    /// # Safety
    /// The slice is still borrowed, and no other block of these columns is alive.
    unsafe fn block<'b>(&self, columns: Range<usize>) -> Columns<'b> {
        assert!(columns.start < columns.end && columns.end <= self.columns, "a block outside its grid");
        Columns {
            data: self.data.wrapping_add(self.start + columns.start),
            rows: self.rows,
            stride: self.stride,
            width: columns.len(),
            groups: self.groups,
            group_stride: self.columns,
            life: PhantomData,
        }
    }
}

/// A block of columns of every row, and of every group in it.
pub(crate) struct Columns<'a> {
    data: *mut f32,
    rows: usize,
    stride: usize,
    width: usize,
    groups: usize,
    group_stride: usize,
    life: PhantomData<&'a mut [f32]>,
}

impl Columns<'_> {
    /// The block's columns of all groups of a row.
    #[inline(always)]
    pub(crate) fn row<const GROUPS: usize>(&mut self, row: usize) -> [&mut [f32]; GROUPS] {
        assert!(row < self.rows && GROUPS <= self.groups, "a row outside its block");
        std::array::from_fn(|group| {
            let at = self.data.wrapping_add(row * self.stride + group * self.group_stride);
            // SAFETY: by `Grid::new` and `Grid::block` the part lies inside the slice; groups of a row are
            // `group_stride >= width` apart, and `self` is borrowed as long as they are. Covered by the tests of this file.
            unsafe { std::slice::from_raw_parts_mut(at, self.width) }
        })
    }
}

/// `body(columns, blocks)` for every `width` columns of grids that have equally many, in parallel.
pub(crate) fn for_each_columns<const N: usize>(
    grids: [Grid; N],
    width: usize,
    order: Order,
    body: impl Fn(Range<usize>, [Columns; N]) + Sync + Send,
) {
    let columns = grids.first().map_or(0, |grid| grid.columns);
    assert!(width > 0 && grids.iter().all(|grid| grid.columns == columns), "grids that are not equally wide");
    for_each_in_order(columns.div_ceil(width), order, &|index| {
        let range = index * width..columns.min((index + 1) * width);
        // SAFETY: every index comes once, ranges of different indices do not overlap, and the grids' slices are borrowed
        // until the loop has ended.
        body(range.clone(), grids.each_ref().map(|grid| unsafe { grid.block(range.clone()) }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_comes_once() {
        let (mut wide, mut narrow) = (vec![0.0f32; 3 * 50], vec![0.0f32; 100]);
        let grids = [Grid::new(&mut wide, 2, (3, 48), (2, 23)), Grid::new(&mut narrow, 0, (3, 30), (1, 23))];
        for_each_columns(grids, 10, Order::Any, |range, [mut wide, mut narrow]| {
            for row in 0..3 {
                let [first, second] = wide.row(row);
                let [third] = narrow.row(row);
                assert_eq!((first.len(), second.len(), third.len()), (range.len(), range.len(), range.len()));
                for (offset, column) in range.clone().enumerate() {
                    let value = (100 * row + column + 1) as f32;
                    first[offset] += value;
                    second[offset] -= value;
                    third[offset] += 0.5 * value;
                }
            }
        });
        let value = |row: usize, column: usize| (100 * row + column + 1) as f32;
        for (index, &found) in wide.iter().enumerate() {
            let expected = match index.checked_sub(2).map(|at| (at / 48, at % 48)) {
                Some((row, column)) if row < 3 && column < 23 => value(row, column),
                Some((row, column)) if row < 3 && column < 46 => -value(row, column - 23),
                _ => 0.0,
            };
            assert_eq!(found, expected, "{index}");
        }
        for (index, &found) in narrow.iter().enumerate() {
            let expected = if index % 30 < 23 && index / 30 < 3 { 0.5 * value(index / 30, index % 30) } else { 0.0 };
            assert_eq!(found, expected, "{index}");
        }
    }

    #[test]
    fn what_overlaps_or_does_not_fit_is_refused() {
        let refused = |start, rows, groups| {
            std::panic::catch_unwind(move || {
                Grid::new(&mut [0.0; 20], start, rows, groups);
            })
            .is_err()
        };
        assert!(!refused(0, (2, 10), (2, 5)));
        assert!(refused(1, (2, 10), (2, 5)));
        assert!(refused(0, (2, 9), (2, 5)));
        assert!(refused(0, (0, 10), (2, 5)));
    }
}
