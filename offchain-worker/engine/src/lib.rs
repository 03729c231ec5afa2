//! Executes the programs of `sabha-numerics` at full speed, bit for bit.
