//! RPC methods beyond the standard set: account nonces, fees, BABE and GRANDPA.
//!
//! The standard set (author, chain, state, system, offchain, and the new JSON-RPC specification's `chainHead`,
//! `chainSpec`, `transaction`, `archive`) comes with `sc-service`.

use crate::service::{FullBackend, FullClient, FullPool, FullSelectChain};
use jsonrpsee::RpcModule;
use sabha_runtime::opaque::Block;
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_babe_rpc::{Babe, BabeApiServer};
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// What the BABE methods need.
pub struct BabeDeps {
    /// Answers questions about epochs.
    pub worker_handle: BabeWorkerHandle<Block>,
    /// The node's keys, to tell which slots they can claim.
    pub keystore: KeystorePtr,
}

/// What the GRANDPA methods need.
pub struct GrandpaDeps {
    /// The running voter.
    pub shared_voter_state: SharedVoterState,
    /// The current voters.
    pub shared_authority_set: SharedAuthoritySet<sabha_runtime::Hash, sabha_runtime::BlockNumber>,
    /// Justifications as they come in.
    pub justification_stream: GrandpaJustificationStream<Block>,
    /// Proofs of finality from the database.
    pub finality_proof_provider: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// Everything that the methods need.
pub struct FullDeps {
    /// The client.
    pub client: Arc<FullClient>,
    /// The transaction pool.
    pub pool: Arc<FullPool>,
    /// Finds the best chain.
    pub select_chain: FullSelectChain,
    /// For the BABE methods.
    pub babe: BabeDeps,
    /// For the GRANDPA methods.
    pub grandpa: GrandpaDeps,
}

/// Builds the methods.
///
/// # Errors
/// Two of them have the same name.
pub fn create_full(
    deps: FullDeps,
    executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
    use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
    use substrate_frame_rpc_system::{System, SystemApiServer};

    let FullDeps { client, pool, select_chain, babe, grandpa } = deps;
    let mut module = RpcModule::new(());
    module.merge(System::new(client.clone(), pool).into_rpc())?;
    module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
    module.merge(Babe::new(client, babe.worker_handle, babe.keystore, select_chain).into_rpc())?;
    module.merge(
        Grandpa::new(
            executor,
            grandpa.shared_authority_set,
            grandpa.shared_voter_state,
            grandpa.justification_stream,
            grandpa.finality_proof_provider,
        )
        .into_rpc(),
    )?;
    Ok(module)
}
