//! Every path against three nested loops, by bits.

use super::{portable::soft_fma, *};
use proptest::prelude::*;

/// A pseudo-random sequence.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 29)
    }

    /// Values of one kind.
    fn fill(&mut self, kind: Kind, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.value(kind)).collect()
    }

    fn value(&mut self, kind: Kind) -> f32 {
        let word = self.next();
        let sign = ((word >> 63) as u32) << 31;
        let mantissa = (word & 0x7f_ffff) as u32;
        let exponent = |low: u32, high: u32| low + (word >> 32) as u32 % (high - low);
        match kind {
            Kind::Unit => f32::from_bits(sign | (exponent(120, 127) << 23) | mantissa),
            // Products and sums from the smallest subnormal to 2^12, with cancellations and zeros of both signs.
            Kind::Wild => match word >> 40 & 7 {
                0 => f32::from_bits(sign),
                1 => f32::from_bits(sign | mantissa),
                2 => f32::from_bits(sign | (exponent(1, 30) << 23) | mantissa),
                3 => f32::from_bits(sign | (exponent(60, 68) << 23) | mantissa),
                4 => f32::from_bits(sign | (127 << 23)),
                _ => f32::from_bits(sign | (exponent(110, 130) << 23) | (mantissa & 0x70_0000)),
            },
            // Large enough that a separate product would overflow where a fused one, with the sum, need not.
            Kind::Huge => f32::from_bits(sign | (exponent(180, 190) << 23) | mantissa),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Unit,
    Wild,
    Huge,
}

/// What a test gives a product.
#[derive(Clone, Debug)]
struct Given {
    product: Product,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    /// The start where it is another buffer.
    other: Vec<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum From3 {
    Zero,
    Accumulate,
    Other,
}

impl Given {
    /// Buffers as long as the product needs, and not longer, so that a sanitiser would see any excess.
    fn new(product: Product, kind: Kind, seed: u64) -> Self {
        let mut sequence = Sequence(seed);
        let mut fill = |extents: [(usize, usize); 4]| {
            let last: usize = extents.iter().map(|&(extent, stride)| extent.saturating_sub(1) * stride).sum();
            let empty = extents.iter().any(|&(extent, _)| extent == 0);
            sequence.fill(kind, if empty { 0 } else { last + 1 })
        };
        let Product { samples, heads, m, n, k, a, b, c, .. } = product;
        let out = [(samples, c.sample), (heads, c.head), (m, c.row), (n, 1)];
        Self {
            product,
            a: fill([(samples, a.sample), (heads, a.head), (m, a.row), (k, a.col)]),
            b: fill([(samples, b.sample), (heads, b.head), (n, b.row), (k, b.col)]),
            c: fill(out),
            other: fill(out),
        }
    }

    /// The definition.
    fn expected(&self, from: From3) -> Vec<u32> {
        let Product { samples, heads, m, n, k, a, b, c, range, mask } = self.product;
        let mut result: Vec<u32> = self.c.iter().map(|value| value.to_bits()).collect();
        for (s, h) in (0..samples).flat_map(|s| (0..heads).map(move |h| (s, h))) {
            for i in 0..m {
                let terms = match range {
                    Range::Full => 0..k,
                    Range::UpTo { block } => 0..k.min((i / block + 1) * block),
                    Range::From { block } => i / block * block..k,
                };
                for j in 0..n {
                    let at = s * c.sample + h * c.head + i * c.row + j;
                    if let Mask::Block { block } = mask
                        && j >= (i / block + 1) * block
                    {
                        result[at] = 0;
                        continue;
                    }
                    let mut acc = match from {
                        From3::Zero => 0.0,
                        From3::Accumulate => self.c[at],
                        From3::Other => self.other[at],
                    };
                    for t in terms.clone() {
                        let left = self.a[s * a.sample + h * a.head + i * a.row + t * a.col];
                        let right = self.b[s * b.sample + h * b.head + j * b.row + t * b.col];
                        acc = soft_fma(left, right, acc);
                    }
                    result[at] = acc.to_bits();
                }
            }
        }
        result
    }

    /// The product on a path.
    fn actual(&self, path: Path, workspace: &mut Workspace, from: From3) -> Vec<u32> {
        let mut c = self.c.clone();
        let start = match from {
            From3::Zero => Start::Zero,
            From3::Accumulate => Start::Accumulate,
            From3::Other => Start::From(&self.other),
        };
        self.product.run_on(path, &Flags::default(), workspace, &self.a, &self.b, &mut c, start).unwrap();
        c.into_iter().map(f32::to_bits).collect()
    }

    /// Compares every path.
    #[track_caller]
    fn check(&self, workspace: &mut Workspace, from: From3) {
        let expected = self.expected(from);
        for path in Path::available() {
            let actual = self.actual(path, workspace, from);
            if let Some(at) = (0..expected.len()).find(|&at| expected[at] != actual[at]) {
                panic!(
                    "{path}, element {at}: {:e} ({:#010x}) is not {:e} ({:#010x}); {:?} from {from:?}",
                    f32::from_bits(actual[at]),
                    actual[at],
                    f32::from_bits(expected[at]),
                    expected[at],
                    self.product,
                );
            }
        }
    }
}

/// How a matrix lies: contiguous rows, transposed, or neither; with what padding.
fn strides(rows: usize, columns: usize, layout: u8, pad: usize) -> Strides {
    match layout {
        0 => Strides { sample: 0, head: 0, row: columns + pad, col: 1 },
        1 => Strides { sample: 0, head: 0, row: 1, col: rows + pad },
        _ => Strides { sample: 0, head: 0, row: 2 * columns + pad, col: 2 },
    }
}

/// One matrix with operands of these layouts.
fn single(m: usize, n: usize, k: usize, layout_a: u8, layout_b: u8, pad: usize) -> Product {
    Product {
        a: strides(m, k, layout_a, pad),
        b: strides(n, k, layout_b, pad),
        c: OutStrides::rows(n + pad),
        ..Product::contiguous(m, n, k)
    }
}

/// The products of attention: heads lie side by side.
fn attention(samples: usize, heads: usize, context: usize, head: usize, block: usize) -> [Product; 4] {
    let width = heads * head;
    let by_row = Strides { sample: context * width, head, row: width, col: 1 };
    let by_term = Strides { row: 1, col: width, ..by_row };
    let out = OutStrides { sample: context * width, head, row: width };
    let square = context * context;
    let weights = Strides { sample: heads * square, head: square, row: context, col: 1 };
    let scores = Product {
        samples,
        heads,
        m: context,
        n: context,
        k: head,
        a: by_row,
        b: by_row,
        c: OutStrides { sample: heads * square, head: square, row: context },
        range: Range::Full,
        mask: Mask::Block { block },
    };
    let values = Product {
        n: head,
        k: context,
        a: weights,
        b: by_term,
        c: out,
        range: Range::UpTo { block },
        mask: Mask::None,
        ..scores
    };
    let gradient =
        Product { a: Strides { row: 1, col: context, ..weights }, range: Range::From { block }, ..values };
    [scores, values, gradient, Product { range: Range::From { block: block / 2 }, ..scores }]
}

#[test]
fn awkward_extents_on_every_path() {
    let mut workspace = Workspace::new();
    let extents = [1, 5, 6, 7, 15, 16, 17, 31, 32, 33, 61, 67];
    let mut seed = 0;
    for (x, &m) in extents.iter().enumerate() {
        for (y, &n) in extents.iter().enumerate() {
            for k in [1, 2, extents[(x + y) % extents.len()], 97] {
                seed += 1;
                let layouts = seed as u8 % 9;
                let kind = if seed % 2 == 0 { Kind::Unit } else { Kind::Wild };
                let product = single(m, n, k, layouts / 3, layouts % 3, seed as usize % 3);
                let from = [From3::Zero, From3::Accumulate, From3::Other][seed as usize / 9 % 3];
                Given::new(product, kind, seed).check(&mut workspace, from);
            }
        }
    }
}

#[test]
fn widths_about_those_of_tiles() {
    let mut workspace = Workspace::new();
    for n in [47, 48, 49, 63, 64, 65, 79, 80, 81, 95, 96, 97, 111, 112, 113, 127, 129, 145, 193] {
        for layout in 0..3 {
            let product = single(9, n, 21, layout, (layout + 1) % 3, 0);
            Given::new(product, Kind::Wild, n as u64).check(&mut workspace, From3::Zero);
            let product = Product { mask: Mask::Block { block: 4 }, ..product };
            Given::new(product, Kind::Wild, n as u64).check(&mut workspace, From3::Accumulate);
        }
    }
}

#[test]
fn long_sums_that_are_stored_and_reloaded() {
    let mut workspace = Workspace::new();
    for (k, m, n) in [(255, 9, 50), (256, 8, 48), (257, 17, 33), (2_049, 70, 49), (5_000, 13, 31)] {
        for (layout, from) in [(0, From3::Zero), (1, From3::Accumulate), (2, From3::Other)] {
            let product = single(m, n, k, layout, layout, 1);
            for kind in [Kind::Unit, Kind::Wild] {
                Given::new(product, kind, k as u64).check(&mut workspace, from);
            }
        }
    }
}

#[test]
fn columns_that_are_packed_and_computed_apart() {
    let mut workspace = Workspace::new();
    // Wider than what a thread goes through at once, and than what is packed at once.
    for (product, from) in [
        (single(20, 600, 2_049, 1, 1, 1), From3::Other),
        (single(3, 1_700, 5_000, 0, 0, 0), From3::Accumulate),
        (Product { mask: Mask::Block { block: 500 }, ..single(3, 1_700, 5_000, 0, 1, 0) }, From3::Zero),
    ] {
        Given::new(product, Kind::Unit, 8).check(&mut workspace, from);
        assert!(workspace.bytes() < 40 << 20);
    }
}

#[test]
fn huge_values_round_once() {
    let mut workspace = Workspace::new();
    let given = Given::new(single(9, 33, 2, 0, 0, 0), Kind::Huge, 3);
    assert!(given.expected(From3::Zero).iter().any(|&bits| f32::from_bits(bits).abs() > 1e36));
    given.check(&mut workspace, From3::Accumulate);
}

#[test]
fn an_accumulator_starts_from_positive_zero_and_keeps_negative_zero() {
    for path in Path::available() {
        let mut c = [1.0f32];
        let product = Product::contiguous(1, 1, 1);
        let run = |c: &mut [f32; 1], start: Start<'_>| {
            product
                .run_on(path, &Flags::default(), &mut Workspace::new(), &[-1.0], &[0.0], c, start)
                .map(|()| c[0].to_bits())
        };
        assert_eq!(run(&mut c, Start::Zero), Ok(0), "+0 + -0 is +0");
        c = [-0.0];
        assert_eq!(run(&mut c, Start::Accumulate), Ok((-0.0f32).to_bits()));
    }
}

#[test]
fn causal_products_of_interleaved_heads() {
    let mut workspace = Workspace::new();
    for (samples, heads, context, head, block) in
        [(2, 3, 150, 20, 64), (1, 2, 128, 64, 64), (3, 4, 65, 8, 16), (1, 1, 40, 7, 6), (5, 4, 64, 16, 128)]
    {
        for product in attention(samples, heads, context, head, block) {
            for (kind, from) in
                [(Kind::Unit, From3::Zero), (Kind::Wild, From3::Accumulate), (Kind::Unit, From3::Other)]
            {
                Given::new(product, kind, 11).check(&mut workspace, from);
            }
        }
    }
}

#[test]
fn what_lies_between_rows_is_left_alone_and_masked_elements_are_written() {
    let mut given = Given::new(single(70, 70, 5, 0, 1, 3), Kind::Unit, 5);
    given.product.mask = Mask::Block { block: 64 };
    given.c.fill(f32::NAN);
    let expected = given.expected(From3::Zero);
    assert_eq!(expected[64], 0);
    assert_eq!(expected[70], f32::NAN.to_bits());
    given.check(&mut Workspace::new(), From3::Zero);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let mut products = vec![
        single(130, 200, 300, 0, 0, 0),
        single(200, 130, 300, 1, 1, 0),
        single(1, 700, 513, 0, 1, 0),
        single(700, 3, 513, 1, 0, 0),
        // In blocks of the result: one and several, with one part of the terms and several, whole and not.
        single(30, 20, 257, 1, 1, 0),
        single(391, 70, 600, 1, 1, 3),
        single(150, 421, 512, 1, 1, 0),
        single(720, 301, 300, 1, 1, 2),
        Product { range: Range::UpTo { block: 64 }, ..single(256, 70, 256, 0, 1, 0) },
        Product { mask: Mask::Block { block: 64 }, ..single(256, 256, 40, 0, 0, 0) },
    ];
    products.extend(attention(2, 2, 130, 32, 64));
    products.extend(attention(8, 4, 66, 32, 64));
    for (seed, product) in products.into_iter().enumerate() {
        let given = Given::new(product, Kind::Unit, seed as u64);
        let expected = given.expected(From3::Accumulate);
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for path in Path::available() {
                let actual = pool.install(|| given.actual(path, &mut Workspace::new(), From3::Accumulate));
                assert!(actual == expected, "{path} on {threads} threads: {product:?}");
            }
        }
    }
}

#[test]
fn a_workspace_is_allocated_once() {
    let mut workspace = Workspace::new();
    let given = Given::new(single(128, 96, 64, 1, 0, 0), Kind::Unit, 1);
    given.actual(Path::best(), &mut workspace, From3::Zero);
    let held = workspace.bytes();
    assert!(held >= 96 * 64 * 4);
    given.actual(Path::best(), &mut workspace, From3::Zero);
    assert_eq!(workspace.bytes(), held);
}

#[test]
fn empty_products_and_empty_sums() {
    let mut workspace = Workspace::new();
    for (m, n, k) in [(0, 3, 3), (3, 0, 3), (0, 0, 0)] {
        Given::new(single(m, n, k, 0, 0, 0), Kind::Unit, 1).check(&mut workspace, From3::Zero);
    }
    for from in [From3::Zero, From3::Accumulate, From3::Other] {
        Given::new(single(17, 50, 0, 0, 0, 0), Kind::Wild, 1).check(&mut workspace, from);
        // Rows from 64 on have no terms.
        let product = Product { range: Range::From { block: 64 }, ..single(100, 5, 60, 0, 0, 0) };
        Given::new(product, Kind::Wild, 1).check(&mut workspace, from);
    }
}

#[test]
fn wrong_buffers_are_refused() {
    let product = Product::contiguous(4, 5, 6);
    let run = |product: &Product, a: usize, b: usize, c: usize, other: usize| {
        let (other, mut c) = (vec![0.0; other], vec![0.0; c]);
        product.run(&mut Workspace::new(), &vec![0.0; a], &vec![0.0; b], &mut c, Start::From(&other))
    };
    assert_eq!(run(&product, 24, 30, 20, 20), Ok(()));
    let short = |operand, needed| Err(GemmError::Short { operand, needed, len: needed - 1 });
    assert_eq!(run(&product, 23, 30, 20, 20), short(Operand::A, 24));
    assert_eq!(run(&product, 24, 29, 20, 20), short(Operand::B, 30));
    assert_eq!(run(&product, 24, 30, 19, 20), short(Operand::C, 20));
    assert_eq!(run(&product, 24, 30, 20, 19), short(Operand::Start, 20));
    let overlap = Product { c: OutStrides::rows(4), ..product };
    assert_eq!(run(&overlap, 24, 30, 20, 20), Err(GemmError::Overlap));
    let overlap = Product { samples: 2, c: OutStrides { sample: 19, ..product.c }, ..product };
    assert_eq!(run(&overlap, 24, 30, 40, 40), Err(GemmError::Overlap));
    let overflow = Product { a: Strides::rows(usize::MAX / 2), ..product };
    assert_eq!(run(&overflow, 24, 30, 20, 20), Err(GemmError::Overflow));
    let batch = Product { samples: usize::MAX, heads: usize::MAX, ..product };
    assert!(run(&batch, 24, 30, 20, 20).is_err());
    let empty = Product { range: Range::UpTo { block: 0 }, ..product };
    assert_eq!(run(&empty, 24, 30, 20, 20), Err(GemmError::EmptyBlock));
    let empty = Product { mask: Mask::Block { block: 0 }, ..product };
    assert_eq!(run(&empty, 24, 30, 20, 20), Err(GemmError::EmptyBlock));
}

#[test]
fn columns_are_cut_into_panels_without_gaps() {
    for lanes in [8, 16] {
        for n in 1..400 {
            for even in [false, true] {
                let panels = pack::Panels::new(lanes, n, even);
                let mut next = 0;
                for panel in 0..panels.count() {
                    let (column, vectors) = panels.get(panel);
                    assert_eq!(column, next, "{n} {panel} {panels:?}");
                    assert!((1..=3).contains(&vectors));
                    next += vectors * lanes;
                }
                assert_eq!(next, n.next_multiple_of(lanes));
                assert_eq!(panels.get(panels.count()).0, next);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_product_on_every_path(
        extents in (1..70usize, 1..130usize, 0..90usize),
        batch in (1..4usize, 1..4usize),
        layouts in (0..3u8, 0..3u8, 0..3usize),
        range in 0..3u8,
        masked: bool,
        block in 1..70usize,
        from in 0..3usize,
        wild: bool,
        seed: u64,
    ) {
        let (m, n, k) = extents;
        let (samples, heads) = batch;
        let mut product = single(m, n, k, layouts.0, layouts.1, layouts.2);
        product.samples = samples;
        product.heads = heads;
        // Samples lie within heads, to be different.
        for (strides, size) in [(&mut product.a, 2 * (m + 2) * (k + 2)), (&mut product.b, 2 * (n + 2) * (k + 2))] {
            strides.sample = size;
            strides.head = size * samples;
        }
        product.c.sample = m * product.c.row;
        product.c.head = product.c.sample * samples;
        product.range = [Range::Full, Range::UpTo { block }, Range::From { block }][usize::from(range)];
        product.mask = if masked { Mask::Block { block } } else { Mask::None };
        let kind = if wild { Kind::Wild } else { Kind::Unit };
        let from = [From3::Zero, From3::Accumulate, From3::Other][from];
        Given::new(product, kind, seed).check(&mut Workspace::new(), from);
    }

    /// The software's fused multiply-add is the hardware's.
    #[allow(clippy::disallowed_methods)]
    #[test]
    fn software_fma_rounds_once(a: u32, b: u32, c: u32, seed: u64) {
        let mut sequence = Sequence(seed);
        let mut triples = vec![[a, b, c].map(f32::from_bits)];
        for kind in [Kind::Unit, Kind::Wild, Kind::Huge] {
            for _ in 0..100 {
                triples.push(core::array::from_fn(|_| sequence.value(kind)));
            }
        }
        // Sums about half of the last place, where rounding twice shows.
        for _ in 0..100 {
            let (x, y) = (sequence.value(Kind::Unit), sequence.value(Kind::Unit));
            let scale = 2f32.powi((sequence.next() % 60) as i32 - 30);
            triples.push([x, y, -x * y * (1.0 + f32::EPSILON)]);
            triples.push([x, y, f32::from_bits((x * y).to_bits() & 0xff80_0000) * scale]);
            triples.push([x * 1e-30, y * 1e-9, f32::from_bits((sequence.next() & 0xff_ffff) as u32)]);
        }
        for [a, b, c] in triples {
            let (soft, hard) = (soft_fma(a, b, c), a.mul_add(b, c));
            prop_assert!(
                soft.to_bits() == hard.to_bits() || (soft.is_nan() && hard.is_nan()),
                "{a:e} * {b:e} + {c:e}: {soft:e} is not {hard:e}"
            );
        }
    }
}
