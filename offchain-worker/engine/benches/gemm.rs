//! The matrix product beside the `gemm` crate's, which candle uses.
//!
//! `cargo bench --bench gemm` times each shape with criterion. `cargo bench --bench gemm -- --result` runs both in turn, again
//! and again, and prints the ratio of the medians of each shape on each path, and one line `RESULT`; words after it pick shapes
//! by name.

// Means of ratios.
#![allow(clippy::disallowed_methods)]

mod side_by_side;

use core::hint::black_box;
use criterion::{BenchmarkId, Criterion, Throughput};
use sabha_engine::{
    features::Path,
    flags::Flags,
    gemm::{Mask, OutStrides, Product, Range, Start, Strides, Workspace},
    peak::peak,
};
use side_by_side::{is_picked, median, result_words, seconds};
use std::time::Instant;

const BLOCK: usize = 64;

/// Multiplications of a product that is large.
const LARGE: f64 = 536_870_912.0;

/// A named product.
struct Case {
    name: String,
    product: Product,
    /// Multiply-adds that are needed, where causality spares some.
    work: f64,
}

impl Case {
    fn dense(m: usize, n: usize, k: usize) -> Self {
        let product = Product::contiguous(m, n, k);
        Self { name: format!("{m}x{n}x{k}"), product, work: (m * n * k) as f64 }
    }

    /// A weight's gradient: both operands are read transposed.
    fn gradient(m: usize, n: usize, k: usize) -> Self {
        let product =
            Product { a: Strides::transposed(m), b: Strides::transposed(n), ..Product::contiguous(m, n, k) };
        Self { name: format!("{m}x{n}x{k}-dw"), product, work: (m * n * k) as f64 }
    }

    /// The products of attention, over heads of 64 that lie side by side: scores, values, and a gradient that sums over queries.
    fn attention(samples: usize, heads: usize, context: usize) -> [Self; 3] {
        const HEAD: usize = 64;
        let width = heads * HEAD;
        let by_row = Strides { sample: context * width, head: HEAD, row: width, col: 1 };
        let by_term = Strides { row: 1, col: width, ..by_row };
        let out = OutStrides { sample: context * width, head: HEAD, row: width };
        let square = context * context;
        let weights = Strides { sample: heads * square, head: square, row: context, col: 1 };
        let base = Product {
            samples,
            heads,
            m: context,
            n: context,
            k: HEAD,
            a: by_row,
            b: by_row,
            c: OutStrides { sample: heads * square, head: square, row: context },
            range: Range::Full,
            mask: Mask::Block { block: BLOCK },
        };
        let blocks = context / BLOCK;
        let work = (samples * heads * BLOCK * BLOCK * HEAD * blocks * (blocks + 1) / 2) as f64;
        let name = |what: &str| format!("{samples}x{heads}x{context}-{what}");
        [
            Self { name: name("scores"), product: base, work },
            Self {
                name: name("upto"),
                product: Product {
                    n: HEAD,
                    k: context,
                    a: weights,
                    b: by_term,
                    c: out,
                    range: Range::UpTo { block: BLOCK },
                    mask: Mask::None,
                    ..base
                },
                work,
            },
            Self {
                name: name("from"),
                product: Product {
                    n: HEAD,
                    k: context,
                    a: Strides { row: 1, col: context, ..weights },
                    b: by_term,
                    c: out,
                    range: Range::From { block: BLOCK },
                    mask: Mask::None,
                    ..base
                },
                work,
            },
        ]
    }

    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for (d, ff) in [(256, 688), (512, 1376)] {
            cases.push(Self::dense(2048, d, d));
            cases.push(Self::dense(2048, ff, d));
            cases.push(Self::dense(2048, d, ff));
            cases.push(Self::gradient(d, d, 2048));
            cases.push(Self::gradient(ff, d, 2048));
            cases.push(Self::gradient(d, ff, 2048));
        }
        cases.extend(Self::attention(8, 4, 256));
        cases.extend(Self::attention(4, 8, 512));
        cases.push(Self::dense(1024, 1024, 1024));
        cases.push(Self::dense(2048, 2048, 2048));
        cases
    }
}

/// Buffers of a case.
struct Buffers {
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Buffers {
    fn new(product: &Product) -> Self {
        let mut state = 1u32;
        let mut random = |len: usize| {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            };
            (0..len).map(|_| next()).collect::<Vec<f32>>()
        };
        let batch = product.samples * product.heads;
        Self {
            a: random(batch * product.m * product.k),
            b: random(batch * product.n * product.k),
            c: vec![0.0; batch * product.m * product.n],
        }
    }
}

fn ours(path: Path, product: &Product, workspace: &mut Workspace, buffers: &mut Buffers) {
    let Buffers { a, b, c } = buffers;
    product.run_on(path, &Flags::default(), workspace, a, b, c, Start::Zero).unwrap();
}

/// The `gemm` crate's product of every matrix of the batch, one after another with threads within, as candle does.
fn theirs(product: &Product, buffers: &mut Buffers, threads: usize) {
    let Product { a, b, c, .. } = *product;
    for sample in 0..product.samples {
        for head in 0..product.heads {
            // SAFETY: `Product::run` checked the same extents on the same buffers.
            unsafe {
                gemm::gemm(
                    product.m,
                    product.n,
                    product.k,
                    buffers.c.as_mut_ptr().add(sample * c.sample + head * c.head),
                    1,
                    c.row as isize,
                    false,
                    buffers.a.as_ptr().add(sample * a.sample + head * a.head),
                    a.col as isize,
                    a.row as isize,
                    buffers.b.as_ptr().add(sample * b.sample + head * b.head),
                    b.row as isize,
                    b.col as isize,
                    0.0f32,
                    1.0f32,
                    false,
                    false,
                    false,
                    gemm::Parallelism::Rayon(threads),
                );
            }
        }
    }
}

/// Runs both in turn and prints a table.
fn compare(words: &[String]) {
    let threads = rayon::current_num_threads();
    let paths: Vec<Path> = Path::available().filter(|&path| path != Path::Portable).collect();
    let mut peaks = vec![Vec::new(); paths.len()];
    let mut rows = Vec::new();
    let mut workspace = Workspace::new();
    for case in Case::all() {
        if !is_picked(words, &case.name) {
            continue;
        }
        let mut buffers = Buffers::new(&case.product);
        let mut times = vec![Vec::new(); paths.len()];
        let mut reference = Vec::new();
        let seconds = seconds();
        let begin = Instant::now();
        while reference.len() < 11 || begin.elapsed().as_secs_f64() < seconds {
            for (&path, times) in paths.iter().zip(&mut times) {
                let begin = Instant::now();
                ours(path, &case.product, &mut workspace, black_box(&mut buffers));
                times.push(begin.elapsed().as_secs_f64());
            }
            let begin = Instant::now();
            theirs(&case.product, black_box(&mut buffers), threads);
            reference.push(begin.elapsed().as_secs_f64());
            if reference.len() % 8 == 0 {
                for (&path, peaks) in paths.iter().zip(&mut peaks) {
                    peaks.push(peak(path));
                }
            }
        }
        let reference = median(&mut reference);
        let times: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
        rows.push((case, reference, times));
    }
    // The best, not the median: a peak that is too low flatters.
    let peaks: Vec<f64> = peaks.into_iter().map(|peaks| peaks.into_iter().fold(0.0, f64::max)).collect();
    for (path, peak) in paths.iter().zip(&peaks) {
        println!("peak of {path} on {threads} threads: {:.1} GF/s", 2e-9 * peak);
    }
    for (case, reference, times) in &rows {
        let full =
            case.product.samples * case.product.heads * case.product.m * case.product.n * case.product.k;
        print!("{:24} gemm {:6.1} GF/s", case.name, 2e-9 * full as f64 / reference);
        for ((path, peak), &time) in paths.iter().zip(&peaks).zip(times) {
            let rate = case.work / time;
            print!(
                " | {path:6} {:6.1} GF/s {:5.1} % of peak, x{:.3}",
                2e-9 * rate,
                100.0 * rate / peak,
                reference / time
            );
        }
        println!();
    }
    let mut slow = false;
    for (index, (path, peak)) in paths.iter().zip(&peaks).enumerate() {
        let ratio = |(_, reference, times): &(Case, f64, Vec<f64>)| reference / times[index];
        let ratios = rows.iter().map(ratio);
        let mean =
            |ratios: &[f64]| (ratios.iter().copied().map(f64::ln).sum::<f64>() / ratios.len() as f64).exp();
        let geomean = mean(&ratios.clone().collect::<Vec<_>>());
        // Of those where both compute as much: attention's products spare what is masked, which the crate cannot.
        let whole = |(case, ..): &&(Case, f64, Vec<f64>)| case.product.samples * case.product.heads == 1;
        let dense = mean(&rows.iter().filter(whole).map(ratio).collect::<Vec<_>>());
        let min = ratios.fold(f64::INFINITY, f64::min);
        // The least of those that are large, where what surrounds a product does not count.
        let large = rows.iter().filter(|(case, ..)| case.work >= LARGE && !case.name.ends_with("-dw"));
        let share =
            large.map(|(case, _, times)| case.work / times[index] / peak).fold(f64::INFINITY, f64::min);
        println!(
            "RESULT path={path} geomean={geomean:.3} dense_geomean={dense:.3} min={min:.3} large_share={share:.3}"
        );
        slow |= geomean < 1.0 || min < 0.9;
    }
    if slow {
        eprintln!(
            "a product is slower than the floor: 1.0 of the gemm crate's speed on average, and 0.9 each"
        );
        std::process::exit(1);
    }
}

fn criterion() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let threads = rayon::current_num_threads();
    let mut workspace = Workspace::new();
    for case in Case::all() {
        let mut group = criterion.benchmark_group(&case.name);
        group.throughput(Throughput::Elements(case.work as u64));
        let mut buffers = Buffers::new(&case.product);
        for path in Path::available().filter(|&path| path != Path::Portable) {
            group.bench_function(BenchmarkId::from_parameter(path), |bencher| {
                bencher.iter(|| ours(path, &case.product, &mut workspace, black_box(&mut buffers)));
            });
        }
        group.bench_function("gemm", |bencher| {
            bencher.iter(|| theirs(&case.product, black_box(&mut buffers), threads));
        });
        group.finish();
    }
    criterion.final_summary();
}

fn main() {
    match result_words() {
        Some(words) => compare(&words),
        None => criterion(),
    }
}
