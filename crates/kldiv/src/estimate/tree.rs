//! Nearest neighbours: a k-d tree whose leaves are scanned eight points at a time.
//!
//! Points are sorted into leaves by cutting the longest side of their box in two halves, again and again;
//! every leaf but the last is full. A node is a range of leaves, its cut the middle of the range, so there are no
//! nodes to store: at index `cut` lie the boxes of the two halves, tight around their points. Within a leaf
//! coordinates are stored eight points a block, dimension by dimension, so that a distance is a few vector operations
//! for eight points. Duplicates are points like others: a cut is by number, never by value.
//!
//! Distances are squared sums of differences times a power of 2, computed in one order and without fusing everywhere:
//! a box is never further than a point in it, to the last bit, and the same bits come out on every machine.

use crate::error::{Error, Fault, Operand};
use crate::kernels::lanes::{Isa, Job, Lanes};
use crate::memory::reserve;
use crate::view::View;

/// Points of a block: the lanes of a vector.
const BLOCK: usize = 8;
/// Points of a leaf, a multiple of [`BLOCK`]: fewer where boxes are quick to look at.
fn points_of_a_leaf(dims: usize) -> usize {
    if dims <= 4 { 16 } else { 32 }
}
/// From so many dimensions on, boxes save less than looking at them costs.
const WITHOUT_BOXES: usize = 24;

/// The points of a sample.
pub(crate) struct Tree {
    dims: usize,
    /// Points of a leaf, and how many leaves there are.
    leaf: usize,
    leaves: usize,
    /// The row of each point, in the order of the leaves.
    pub(crate) rows: Vec<usize>,
    /// Leaf by leaf, block by block, dimension by dimension; beyond the last point infinity.
    blocks: Vec<f64>,
    /// For each cut and dimension: the lower ends of the two halves' boxes, then the upper ones.
    boxes: Vec<[f64; 4]>,
}

/// The coordinates of a sample's points, row by row; names the first that is not finite.
pub(crate) fn coordinates(view: &View, operand: Operand) -> Result<Vec<f64>, Error> {
    let mut points: Vec<f64> = reserve(view.elements())?;
    points.resize(view.elements(), 0.0);
    for (row, point) in points.chunks_exact_mut(view.cols()).enumerate() {
        view.row(row).copy(point);
        if let Some((col, &value)) = point.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            let fault = if value.is_nan() { Fault::Nan } else { Fault::Infinite };
            let expected = "coordinates are finite";
            return Err(Error::InvalidEntry { operand, row, col, value, fault, expected });
        }
    }
    Ok(points)
}

impl Tree {
    pub(crate) fn new(points: &[f64], dims: usize) -> Result<Tree, Error> {
        let n = points.len() / dims;
        let leaf = points_of_a_leaf(dims);
        let leaves = n.div_ceil(leaf);
        let mut rows = reserve(n)?;
        rows.extend(0..n);
        let mut boxes = reserve(leaves * dims)?;
        boxes.resize(leaves * dims, [0.0; 4]);
        let mut around = reserve(2 * dims)?;
        around.resize(2 * dims, 0.0);
        // Ranges of leaves that are still to be cut; of two halves one waits, so they are as many as a path is long.
        let mut waiting = reserve(usize::BITS as usize)?;
        waiting.push((0, leaves));
        while let Some((first, end)) = waiting.pop() {
            if end - first < 2 {
                continue;
            }
            let cut = first.midpoint(end);
            let range = &mut rows[first * leaf..(end * leaf).min(n)];
            surround(points, dims, range, &mut around);
            let side = |dim: &usize| around[2 * dim + 1] - around[2 * dim];
            let longest = (0..dims).max_by(|a, b| side(a).total_cmp(&side(b))).unwrap_or(0);
            let coordinate = |row: &usize| points[row * dims + longest];
            let left = (cut - first) * leaf;
            range.select_nth_unstable_by(left, |a, b| coordinate(a).total_cmp(&coordinate(b)));
            let (lower, upper) = range.split_at(left);
            for (half, part) in [lower, upper].into_iter().enumerate() {
                surround(points, dims, part, &mut around);
                for (pair, ends) in boxes[cut * dims..][..dims].iter_mut().zip(around.chunks_exact(2)) {
                    (pair[half], pair[2 + half]) = (ends[0], ends[1]);
                }
            }
            waiting.push((first, cut));
            waiting.push((cut, end));
        }
        let mut blocks = reserve(leaves * leaf * dims)?;
        blocks.resize(leaves * leaf * dims, f64::INFINITY);
        for (i, row) in rows.iter().enumerate() {
            let block = &mut blocks[i / BLOCK * BLOCK * dims..][..BLOCK * dims];
            for dim in 0..dims {
                block[dim * BLOCK + i % BLOCK] = points[row * dims + dim];
            }
        }
        Ok(Tree { dims, leaf, leaves, rows, blocks, boxes })
    }

    /// The coordinates of the point at a place in the order of the leaves.
    pub(crate) fn point(&self, place: usize, out: &mut [f64]) {
        let block = &self.blocks[place / BLOCK * BLOCK * self.dims..];
        for (dim, out) in out.iter_mut().enumerate() {
            *out = block[dim * BLOCK + place % BLOCK];
        }
    }

    pub(crate) fn scratch(&self, k: usize) -> Result<Scratch, Error> {
        let mut nearest = reserve(k)?;
        nearest.resize(k, f64::INFINITY);
        Ok(Scratch { nearest: Nearest { heap: nearest }, waiting: reserve(usize::BITS as usize)? })
    }
}

/// The smallest and the largest of each coordinate.
fn surround(points: &[f64], dims: usize, rows: &[usize], around: &mut [f64]) {
    for ends in around.chunks_exact_mut(2) {
        (ends[0], ends[1]) = (f64::INFINITY, f64::NEG_INFINITY);
    }
    for row in rows {
        let point = &points[row * dims..][..dims];
        for (ends, &x) in around.chunks_exact_mut(2).zip(point) {
            (ends[0], ends[1]) = (ends[0].min(x), ends[1].max(x));
        }
    }
}

/// What a search works in.
pub(crate) struct Scratch {
    nearest: Nearest,
    /// Ranges of leaves to look into, and how near they may come.
    waiting: Vec<(usize, usize, f64)>,
}

/// The k smallest squared distances so far: a heap with the largest of them on top.
struct Nearest {
    heap: Vec<f64>,
}

impl Nearest {
    #[inline(always)]
    fn furthest(&self) -> f64 {
        self.heap[0]
    }

    /// Takes the place of the largest, which it is below.
    #[inline(always)]
    fn insert(&mut self, distance: f64) {
        let heap = &mut self.heap[..];
        let mut at = 0;
        loop {
            let mut child = 2 * at + 1;
            if child >= heap.len() {
                break;
            }
            if child + 1 < heap.len() && heap[child + 1] > heap[child] {
                child += 1;
            }
            if heap[child] <= distance {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = distance;
    }
}

/// Finds the squared distance of `point` to its k-th nearest in a tree, k being the heap's size. `but` is the place of
/// a point that does not count; differences are multiplied by `scale`.
pub(crate) struct Search<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) point: &'a [f64],
    pub(crate) but: usize,
    pub(crate) scale: f64,
    pub(crate) scratch: &'a mut Scratch,
}

impl Job for Search<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        let Search { tree, point, but, scale, scratch } = self;
        let Scratch { nearest, waiting } = scratch;
        nearest.heap.fill(f64::INFINITY);
        if tree.dims >= WITHOUT_BOXES {
            for leaf in 0..tree.leaves {
                look_through::<I::F64>(tree, leaf, point, but, scale, nearest);
            }
            return nearest.furthest();
        }
        waiting.clear();
        waiting.push((0, tree.leaves, 0.0));
        while let Some((mut first, mut end, bound)) = waiting.pop() {
            if bound > nearest.furthest() {
                continue;
            }
            while end - first > 1 {
                let cut = first.midpoint(end);
                let [left, right] = to_boxes(&tree.boxes[cut * tree.dims..][..tree.dims], point, scale);
                let (near, far) = if left <= right {
                    ((first, cut), (cut, end, right))
                } else {
                    ((cut, end), (first, cut, left))
                };
                if far.2 <= nearest.furthest() {
                    waiting.push(far);
                }
                if left.min(right) > nearest.furthest() {
                    break;
                }
                (first, end) = near;
            }
            if end - first == 1 {
                look_through::<I::F64>(tree, first, point, but, scale, nearest);
            }
        }
        nearest.furthest()
    }
}

/// The squared distances of a point to two boxes.
#[inline(always)]
fn to_boxes(boxes: &[[f64; 4]], point: &[f64], scale: f64) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for (ends, &x) in boxes.iter().zip(point) {
        for half in 0..2 {
            let (below, above) = (ends[half] - x, x - ends[2 + half]);
            let beyond = if below > above { below } else { above };
            let gap = (if beyond > 0.0 { beyond } else { 0.0 }) * scale;
            sums[half] += gap * gap;
        }
    }
    sums
}

/// Compares the points of a leaf with the nearest so far.
#[inline(always)]
fn look_through<V: Lanes<Real = f64>>(
    tree: &Tree,
    leaf: usize,
    point: &[f64],
    but: usize,
    scale: f64,
    nearest: &mut Nearest,
) {
    const { assert!(V::LANES == BLOCK) };
    let size = BLOCK * tree.dims;
    let blocks = tree.leaf / BLOCK;
    for at in leaf * blocks..(leaf + 1) * blocks {
        let block = &tree.blocks[at * size..][..size];
        let scale = V::splat(scale);
        let mut sum = V::zero();
        for (&x, others) in point.iter().zip(block.chunks_exact(BLOCK)) {
            // SAFETY: a chunk is a vector.
            let difference = (V::splat(x) - unsafe { V::load(others.as_ptr()) }) * scale;
            sum = sum + difference * difference;
        }
        let found = V::le(V::splat(nearest.furthest()), sum);
        if V::all(found) {
            continue;
        }
        for (lane, &distance) in sum.to_f64s::<BLOCK>().iter().enumerate() {
            if distance < nearest.furthest() && at * BLOCK + lane != but {
                nearest.insert(distance);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::dispatch;

    /// Coordinates on a coarse grid, so that many points and distances coincide.
    fn grid(n: usize, dims: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 60) as f64 / 4.0
        };
        (0..n * dims).map(|_| next()).collect()
    }

    #[test]
    fn the_tree_finds_what_looking_at_every_point_finds() {
        for dims in [1, 2, 3, 8, WITHOUT_BOXES] {
            for n in [1, 7, 16, 17, 32, 33, 163, 1000] {
                let points = grid(n, dims, (n + dims) as u64);
                let tree = Tree::new(&points, dims).unwrap();
                let mut point = vec![0.0; dims];
                for place in (0..n).step_by(1 + n / 50) {
                    tree.point(place, &mut point);
                    assert_eq!(point, points[tree.rows[place] * dims..][..dims]);
                    let mut all: Vec<f64> = (points.chunks(dims).enumerate())
                        .filter(|(row, _)| *row != tree.rows[place])
                        .map(|(_, other)| point.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum())
                        .collect();
                    all.sort_by(f64::total_cmp);
                    for k in [1, 2, 5, n - 1] {
                        if (1..n).contains(&k) {
                            let mut scratch = tree.scratch(k).unwrap();
                            let (point, scratch) = (&point[..], &mut scratch);
                            let search = Search { tree: &tree, point, but: place, scale: 1.0, scratch };
                            assert_eq!(dispatch(search), all[k - 1], "{dims} {n} {place} {k}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_leaf_but_the_last_is_full_however_many_points_coincide() {
        let tree = Tree::new(&vec![0.5; 1000], 2).unwrap();
        assert_eq!((tree.leaves, tree.rows.len()), (500usize.div_ceil(tree.leaf), 500));
        assert_eq!(tree.blocks.iter().filter(|x| x.is_finite()).count(), 1000);
    }
}
