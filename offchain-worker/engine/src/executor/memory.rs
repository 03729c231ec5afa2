//! Buffers as candle tensors.

use candle_core::Tensor;

/// Some tensors, each with a view of its first word through which operations write it.
///
/// A candle operation in place is given the whole storage, whatever the view shows of it. Before, candle looks whether the
/// view's elements overlap, and makes a list of the extents above 1 for that, with every call: here it is empty.
#[derive(Default)]
pub(super) struct Memory {
    tensors: Vec<Tensor>,
    views: Vec<Tensor>,
}

impl Memory {
    /// With these tensors, of one extent each.
    pub fn new(tensors: impl Iterator<Item = candle_core::Result<Tensor>>) -> candle_core::Result<Self> {
        let tensors = tensors.collect::<candle_core::Result<Vec<_>>>()?;
        let views = tensors.iter().map(view).collect::<candle_core::Result<_>>()?;
        Ok(Self { tensors, views })
    }

    /// Puts another tensor in the place of one.
    pub fn replace(&mut self, index: usize, tensor: Tensor) -> candle_core::Result<()> {
        if let (Some(old), Some(old_view)) = (self.tensors.get_mut(index), self.views.get_mut(index)) {
            *old_view = view(&tensor)?;
            *old = tensor;
        }
        Ok(())
    }

    /// All of them.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// What operations in place are applied to.
    pub fn view(&self, index: usize) -> Option<&Tensor> {
        self.views.get(index)
    }
}

fn view(tensor: &Tensor) -> candle_core::Result<Tensor> {
    tensor.narrow(0, 0, tensor.elem_count().min(1))
}
