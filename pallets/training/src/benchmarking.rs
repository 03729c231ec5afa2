//! placeholder
/// x
pub trait BenchmarkHelper {
    /// x
    fn set_active_blocks(now: u32);
}
