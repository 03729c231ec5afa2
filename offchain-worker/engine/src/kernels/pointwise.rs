//! Operations on one number of each input.

use super::{Context, Input, share, size};
use crate::dispatch::{Kernel, dispatch};
use sabha_numerics::{
    arithmetic::Arithmetic,
    op::{
        Add, ClipFactor, Divide, InverseRms, Moment1, Moment2, Nesterov, NesterovMomentum, Norm,
        NormCoefficient, NormGainTerm, NormGrad, Op, Place, Pointwise, SwiGlu, SwiGluGradGate, SwiGluGradUp,
        TokenLoss, Weights,
    },
};

/// Which inputs have one number for a whole row: known when the loop is compiled.
trait Shape<const N: usize>: Pointwise<N> + Sync {
    const SCALAR: [bool; N];
}

macro_rules! shapes {
    ($($name:ident: $n:literal = $scalar:expr;)*) => {
        $(impl Shape<$n> for $name {
            const SCALAR: [bool; $n] = $scalar;
        })*

        /// `None` if the operation is not one of these, or its operands do not fit.
        pub(super) fn pointwise(
            context: &Context,
            op: &Op,
            inputs: &[Input<'_>],
            out: &mut [f32],
        ) -> Option<()> {
            match op {
                $(Op::$name(op) => apply::<$n, _>(context, op, inputs.try_into().ok()?, out),)*
                _ => None,
            }
        }
    };
}

shapes! {
    Add: 2 = [false; 2];
    Divide: 1 = [false];
    InverseRms: 1 = [false];
    Norm: 3 = [false, true, false];
    NormCoefficient: 2 = [false; 2];
    NormGrad: 5 = [false, false, false, true, true];
    NormGainTerm: 3 = [false, false, true];
    SwiGlu: 2 = [false; 2];
    SwiGluGradGate: 3 = [false; 3];
    SwiGluGradUp: 2 = [false; 2];
    TokenLoss: 3 = [false; 3];
    ClipFactor: 1 = [true];
    Moment1: 3 = [false, false, true];
    Moment2: 3 = [false, false, true];
    Weights: 3 = [false; 3];
    NesterovMomentum: 2 = [false; 2];
    Nesterov: 3 = [false; 3];
}

fn apply<const N: usize, P: Shape<N>>(
    context: &Context,
    op: &P,
    inputs: [Input<'_>; N],
    out: &mut [f32],
) -> Option<()> {
    let places = op.places();
    let len = out.len();
    if len != size(op.size()) {
        return None;
    }
    let in_place = matches!(inputs.first(), Some(Input::Output)) && places.first() == Some(&Place::Same);
    for (index, (input, place)) in inputs.iter().zip(places).enumerate() {
        let expected = size(place.len(len as u64));
        if !(in_place && index == 0) && input.floats().len() != expected {
            return None;
        }
    }
    let columns = places
        .iter()
        .find_map(|place| match place {
            Place::Row(columns) | Place::Column(columns) => Some(size(*columns)),
            Place::Same | Place::One => None,
        })
        .unwrap_or(super::TASK);
    let values = inputs.map(Input::floats);
    share(&context.flags, out, columns, |first, part| {
        let rows = Rows { op, places, inputs: values, in_place, first, columns, out: part };
        dispatch(context.path, rows);
    });
    Some(())
}

/// Some whole rows of an output.
struct Rows<'a, const N: usize, P> {
    op: &'a P,
    places: [Place; N],
    inputs: [&'a [f32]; N],
    in_place: bool,
    first: usize,
    columns: usize,
    out: &'a mut [f32],
}

impl<const N: usize, P: Shape<N>> Kernel for Rows<'_, N, P> {
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { op, places, inputs, in_place, first, columns, out } = self;
        for (row, out) in (first..).zip(out.chunks_mut(columns)) {
            let (start, len) = (row * columns, out.len());
            let mut slices: [&[f32]; N] = [&[]; N];
            let mut scalars = [0.0f32; N];
            for i in 0..N {
                if in_place && i == 0 {
                    continue;
                }
                match places[i] {
                    Place::Same => slices[i] = &inputs[i][start..start + len],
                    Place::Column(_) => slices[i] = &inputs[i][..len],
                    Place::Row(_) => scalars[i] = inputs[i][row],
                    Place::One => scalars[i] = inputs[i][0],
                }
            }
            if in_place {
                line::<A, N, P, true>(op, slices, scalars, out);
            } else {
                line::<A, N, P, false>(op, slices, scalars, out);
            }
        }
    }
}

/// One row. What an input is, is known here at compile time, so this becomes straight vector code.
#[inline(always)]
fn line<A: Arithmetic, const N: usize, P: Shape<N>, const IN_PLACE: bool>(
    op: &P,
    slices: [&[f32]; N],
    scalars: [f32; N],
    out: &mut [f32],
) {
    for (i, slice) in slices.iter().enumerate() {
        assert!(P::SCALAR[i] || (IN_PLACE && i == 0) || slice.len() == out.len());
    }
    for (j, out) in out.iter_mut().enumerate() {
        let mut values = scalars;
        for i in 0..N {
            if IN_PLACE && i == 0 {
                values[i] = *out;
            } else if !P::SCALAR[i] {
                // SAFETY: `j` is below the output's length, which the assertion above compared with the slice's.
                values[i] = unsafe { *slices[i].get_unchecked(j) };
            }
        }
        *out = op.value::<A>(values);
    }
}
