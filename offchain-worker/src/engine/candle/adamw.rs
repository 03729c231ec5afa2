//! AdamW with decoupled weight decay (Loshchilov and Hutter, 2019) and clipping by global norm.

use super::EngineError;
use candle_core::{Tensor, Var};
use sabha_protocol::spec::OptimiserSpec;

/// The optimiser's state: two moments for each parameter, in the parameters' order, and the steps done since they were zero.
pub(super) struct AdamW {
    spec: OptimiserSpec,
    moment1: Vec<Tensor>,
    moment2: Vec<Tensor>,
    steps: u32,
}

impl AdamW {
    pub(super) fn new(spec: OptimiserSpec, moment1: Vec<Tensor>, moment2: Vec<Tensor>, steps: u32) -> Self {
        Self { spec, moment1, moment2, steps }
    }

    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    pub(super) fn moments(&self) -> (&[Tensor], &[Tensor]) {
        (&self.moment1, &self.moment2)
    }

    /// One step, in place. Returns the first parameter that is no longer finite, if there is one.
    ///
    /// ```text
    /// g  = gradient * min(1, clip / norm)
    /// m' = b1 m + (1 - b1) g           v' = b2 v + (1 - b2) g^2
    /// p' = p (1 - rate * decay) - rate * (m' / c1) / (sqrt(v' / c2) + epsilon)      decay: matrices only
    /// ```
    pub(super) fn step(
        &mut self,
        variables: &[Var],
        gradients: &[Tensor],
        norm: f32,
        rate: f32,
    ) -> Result<Option<u32>, EngineError> {
        let clip = self.spec.clip_norm.get();
        let scale = if norm > clip { f64::from(clip / norm) } else { 1.0 };
        let (beta1, beta2) = (f64::from(self.spec.beta1.get()), f64::from(self.spec.beta2.get()));
        let (correction1, correction2) = self.corrections();
        let rate = f64::from(rate);
        // One number that is NaN as soon as any element of any parameter is not finite: one look at the device per step.
        let mut witness: Option<Tensor> = None;
        let moments = self.moment1.iter_mut().zip(self.moment2.iter_mut());
        for ((variable, gradient), (moment1, moment2)) in variables.iter().zip(gradients).zip(moments) {
            *moment1 = (moment1.affine(beta1, 0.0)? + gradient.affine((1.0 - beta1) * scale, 0.0)?)?;
            let squared = gradient.sqr()?.affine((1.0 - beta2) * scale * scale, 0.0)?;
            *moment2 = (moment2.affine(beta2, 0.0)? + squared)?;
            let root =
                moment2.sqrt()?.affine(1.0 / correction2.sqrt(), f64::from(self.spec.epsilon.get()))?;
            let update = moment1.div(&root)?.affine(rate / correction1, 0.0)?;
            let old = variable.as_detached_tensor();
            let decayed = if variable.rank() == 2 {
                old.affine(1.0 - rate * f64::from(self.spec.weight_decay.get()), 0.0)?
            } else {
                old
            };
            let new = (decayed - update)?;
            let zero = new.affine(0.0, 0.0)?.sum_all()?;
            witness = Some(match witness {
                Some(sum) => (sum + zero)?,
                None => zero,
            });
            variable.set(&new)?;
        }
        self.steps = self.steps.saturating_add(1);
        match witness {
            Some(witness) if witness.to_scalar::<f32>()?.is_nan() => first_not_finite(variables),
            _ => Ok(None),
        }
    }

    /// `1 - beta^t` for both moments, by repeated multiplication: no library's power function has a say.
    fn corrections(&self) -> (f64, f64) {
        let power = |beta: f32| (0..=self.steps).fold(1.0, |product, _| product * f64::from(beta));
        (1.0 - power(self.spec.beta1.get()), 1.0 - power(self.spec.beta2.get()))
    }
}

/// The root of the sum of all squares.
pub(super) fn global_norm(gradients: &[Tensor]) -> Result<f32, EngineError> {
    let mut sum: Option<Tensor> = None;
    for gradient in gradients {
        let squares = gradient.sqr()?.sum_all()?;
        sum = Some(match sum {
            Some(sum) => (sum + squares)?,
            None => squares,
        });
    }
    Ok(sum.map_or(Ok(0.0), |sum| sum.to_scalar::<f32>())?.sqrt())
}

fn first_not_finite(variables: &[Var]) -> Result<Option<u32>, EngineError> {
    for (index, variable) in (0u32..).zip(variables) {
        if variable.as_detached_tensor().affine(0.0, 0.0)?.sum_all()?.to_scalar::<f32>()?.is_nan() {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::demo_spec;
    use candle_core::Device;

    /// The definition above in `f64`, element by element.
    fn reference(
        spec: &OptimiserSpec,
        start: &[f64],
        gradients: &[Vec<f64>],
        rate: f64,
        matrix: bool,
    ) -> Vec<f64> {
        let (b1, b2) = (f64::from(spec.beta1.get()), f64::from(spec.beta2.get()));
        let mut p = start.to_vec();
        let (mut m, mut v) = (vec![0.0; p.len()], vec![0.0; p.len()]);
        for (t, gradient) in (1..).zip(gradients) {
            let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
            let scale = (f64::from(spec.clip_norm.get()) / norm).min(1.0);
            for i in 0..p.len() {
                let g = gradient[i] * scale;
                m[i] = b1 * m[i] + (1.0 - b1) * g;
                v[i] = b2 * v[i] + (1.0 - b2) * g * g;
                let step = (m[i] / (1.0 - b1.powi(t)))
                    / ((v[i] / (1.0 - b2.powi(t))).sqrt() + f64::from(spec.epsilon.get()));
                let decay = if matrix { f64::from(spec.weight_decay.get()) } else { 0.0 };
                p[i] = p[i] * (1.0 - rate * decay) - rate * step;
            }
        }
        p
    }

    #[test]
    fn steps_follow_the_definition_with_and_without_decay_and_clipping() {
        let spec = demo_spec().optimiser;
        for (shape, size) in [(vec![2usize, 3], 0.3), (vec![6], 0.3), (vec![2, 3], 30.0)] {
            let start = [0.5f32, -1.0, 2.0, 0.0, 0.01, -3.0];
            let gradients: Vec<Vec<f64>> =
                (0..5).map(|t| (0..6).map(|i| size * f64::from((i * 7 + t * 3) % 5 - 2)).collect()).collect();
            let device = Device::Cpu;
            let variable = Var::from_slice(&start, shape.clone(), &device).unwrap();
            let zeros = || vec![variable.zeros_like().unwrap()];
            let mut optimiser = AdamW::new(spec, zeros(), zeros(), 0);
            for gradient in &gradients {
                let values: Vec<f32> = gradient.iter().map(|g| *g as f32).collect();
                let gradient = [Tensor::from_vec(values, shape.clone(), &device).unwrap()];
                let norm = global_norm(&gradient).unwrap();
                let bad = optimiser.step(std::slice::from_ref(&variable), &gradient, norm, 0.01).unwrap();
                assert_eq!(bad, None);
            }
            let start: Vec<f64> = start.iter().map(|x| f64::from(*x)).collect();
            let expected = reference(&spec, &start, &gradients, 0.01, shape.len() == 2);
            let found: Vec<f32> = variable.flatten_all().unwrap().to_vec1().unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{shape:?} {size}: {found} {expected}");
            }
        }
    }

    #[test]
    fn a_parameter_that_leaves_the_finite_numbers_is_named() {
        let spec = demo_spec().optimiser;
        let device = Device::Cpu;
        let variables: Vec<Var> = [1.0f32, f32::MAX, 1.0]
            .iter()
            .map(|value| Var::from_slice(&[*value], (1, 1), &device).unwrap())
            .collect();
        let zeros = || variables.iter().map(|v| v.zeros_like().unwrap()).collect::<Vec<_>>();
        let mut optimiser = AdamW::new(spec, zeros(), zeros(), 0);
        let gradients: Vec<Tensor> =
            (0..3).map(|_| Tensor::from_slice(&[-1.0f32], (1, 1), &device).unwrap()).collect();
        let bad = optimiser.step(&variables, &gradients, 1.0, 1e30).unwrap();
        // The rate is absurd: decay alone overflows the second parameter, the update only moves the others.
        assert_eq!(bad, Some(1));
    }
}
