//! The running node: database, transaction pool, network, BABE authorship and the GRANDPA voter.
//!
//! [`new_partial`] builds what every command needs (client, pool, import queue); [`new_full`] adds the network and the
//! consensus tasks. Slot and epoch lengths come from the chain's state through the BABE runtime API, so one binary serves
//! every preset.

use crate::{ending::QuietEnd, genesis::Genesis, rpc};
use futures::FutureExt;
use sabha_runtime::{Hash, apis::RuntimeApi, opaque::Block};
use sc_client_api::Backend;
use sc_consensus_babe::{BabeBlockImport, BabeLink, BabeWorkerHandle, SlotProportion};
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaBlockImport, GrandpaPruningFilter, LinkHalf, SharedVoterState, warp_proof,
};
use sc_network::{NetworkBackend, config::FullNetworkConfiguration};
use sc_service::{Configuration, Error as ServiceError, TaskManager, WarpSyncConfig};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_blockchain::HeaderBackend;
use sp_consensus_babe::{
    SlotDuration,
    inherents::{BabeCreateInherentDataProviders, InherentDataProvider as SlotProvider},
};
use sp_timestamp::InherentDataProvider as TimestampProvider;
use std::{sync::Arc, time::Duration};

/// The client: executes blocks and keeps the chain.
pub type FullClient = sc_service::TFullClient<Block, RuntimeApi, Executor>;
/// The database.
pub type FullBackend = sc_service::TFullBackend<Block>;
/// Picks the chain to build on.
pub type FullSelectChain = sc_consensus::LongestChain<FullBackend, Block>;
/// The transaction pool, fork-aware unless `--pool-type` says otherwise.
pub type FullPool = sc_transaction_pool::TransactionPoolHandle<Block, FullClient>;

/// What runs the Wasm; clones share what was compiled.
pub type Executor = sc_executor::WasmExecutor<sp_io::SubstrateHostFunctions>;
type GrandpaImport = GrandpaBlockImport<FullBackend, Block, FullClient, FullSelectChain>;
type BlockImport = BabeBlockImport<
    Block,
    FullClient,
    GrandpaImport,
    BabeCreateInherentDataProviders<Block>,
    FullSelectChain,
>;
type GrandpaLink = LinkHalf<Block, FullClient, FullSelectChain>;

/// What [`new_partial`] builds.
pub type Components = sc_service::PartialComponents<
    FullClient,
    FullBackend,
    FullSelectChain,
    sc_consensus::DefaultImportQueue<Block>,
    FullPool,
    Consensus,
>;

/// The parts of consensus that the import queue and the running node share.
pub struct Consensus {
    block_import: BlockImport,
    babe_link: BabeLink<Block>,
    babe_worker_handle: BabeWorkerHandle<Block>,
    grandpa_link: GrandpaLink,
    telemetry: Option<Telemetry>,
}

/// How many blocks may be finalised before a justification is made and kept, whether or not the voters change. Warp sync
/// needs one for each change of voters only; light clients ask for later ones.
const JUSTIFICATION_PERIOD: u32 = 512;

/// Expected time that a GRANDPA message takes through the network.
const GOSSIP_DURATION: Duration = Duration::from_millis(333);

/// The part of a slot in which a block is built. Two thirds of the shortest slot (3 s, development) are the 2 s of
/// execution that a block may hold; the rest is for import and transport.
const PROPOSAL_PORTION: f32 = 2.0 / 3.0;

/// Builds what every command needs.
///
/// # Errors
/// The database cannot be opened or belongs to another chain, the keystore or the genesis state is broken, or the
/// runtime offers no BABE configuration.
pub fn new_partial(config: &Configuration) -> Result<Components, ServiceError> {
    let telemetry = config
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty())
        .map(|endpoints| -> Result<_, sc_telemetry::Error> {
            let worker = TelemetryWorker::new(16)?;
            let telemetry = worker.handle().new_telemetry(endpoints);
            Ok((worker, telemetry))
        })
        .transpose()?;

    let executor = sc_service::new_wasm_executor::<sp_io::SubstrateHostFunctions>(&config.executor);
    let mut database = config.db_config();
    // A pruned node still has to serve warp sync.
    database.pruning_filters = vec![Arc::new(GrandpaPruningFilter)];
    let backend = sc_service::new_db_backend(database)?;
    let genesis = Genesis {
        spec: &*config.chain_spec,
        commit_state: !config.no_genesis(),
        backend: backend.clone(),
        executor: executor.clone(),
    };
    genesis.check().map_err(|error| ServiceError::Application(Box::new(error)))?;
    let (client, backend, keystore_container, task_manager) =
        sc_service::new_full_parts_with_genesis_builder::<Block, RuntimeApi, _, _>(
            config,
            telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
            executor,
            backend,
            genesis,
            false,
        )?;
    let client = Arc::new(client);
    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });
    let telemetry_handle = telemetry.as_ref().map(Telemetry::handle);

    let select_chain = sc_consensus::LongestChain::new(backend.clone());
    let transaction_pool = Arc::from(
        sc_transaction_pool::Builder::new(
            QuietEnd(task_manager.spawn_essential_handle()),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );

    let (grandpa_block_import, grandpa_link) = sc_consensus_grandpa::block_import(
        client.clone(),
        JUSTIFICATION_PERIOD,
        &client,
        select_chain.clone(),
        telemetry_handle.clone(),
    )?;
    let justification_import = grandpa_block_import.clone();

    let babe_config = sc_consensus_babe::configuration(&*client)?;
    let slot_duration = babe_config.slot_duration();
    let (block_import, babe_link) = sc_consensus_babe::block_import(
        babe_config,
        grandpa_block_import,
        client.clone(),
        Arc::new(move |_, ()| async move { Ok(inherents(slot_duration)) })
            as BabeCreateInherentDataProviders<Block>,
        select_chain.clone(),
        OffchainTransactionPoolFactory::new(transaction_pool.clone()),
    )?;
    let (import_queue, babe_worker_handle) =
        sc_consensus_babe::import_queue(sc_consensus_babe::ImportQueueParams {
            link: babe_link.clone(),
            block_import: block_import.clone(),
            justification_import: Some(Box::new(justification_import)),
            client: client.clone(),
            slot_duration,
            spawner: &task_manager.spawn_essential_handle(),
            registry: config.prometheus_registry(),
            telemetry: telemetry_handle,
        })?;

    Ok(sc_service::PartialComponents {
        client,
        backend,
        task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Consensus { block_import, babe_link, babe_worker_handle, grandpa_link, telemetry },
    })
}

/// What a block says about its time.
fn inherents(slot_duration: SlotDuration) -> (SlotProvider, TimestampProvider) {
    let timestamp = TimestampProvider::from_system_time();
    (SlotProvider::from_timestamp_and_slot_duration(*timestamp, slot_duration), timestamp)
}

/// Starts a node on the network backend `N`. It runs until the returned task manager ends or is dropped.
///
/// # Errors
/// As [`new_partial`], and when the network or the RPC server cannot be set up.
pub fn new_full<N: NetworkBackend<Block, Hash>>(config: Configuration) -> Result<TaskManager, ServiceError> {
    let sc_service::PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Consensus { block_import, babe_link, babe_worker_handle, grandpa_link, mut telemetry },
    } = new_partial(&config)?;

    let metrics = N::register_notification_metrics(config.prometheus_registry());
    let mut net_config = FullNetworkConfiguration::<Block, Hash, N>::new(
        &config.network,
        config.prometheus_registry().cloned(),
    );
    let grandpa_protocol =
        sc_consensus_grandpa::protocol_standard_name(&client.info().genesis_hash, &config.chain_spec);
    let (grandpa_protocol_config, grandpa_notifications) =
        sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
            grandpa_protocol.clone(),
            metrics.clone(),
            net_config.peer_store_handle(),
        );
    net_config.add_notification_protocol(grandpa_protocol_config);
    let warp_sync = Arc::new(warp_proof::NetworkProvider::new(
        backend.clone(),
        grandpa_link.shared_authority_set().clone(),
        Vec::new(),
    ));

    let (network, system_rpc_tx, tx_handler_controller, sync_service, _) =
        sc_service::build_network(sc_service::BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;

    if config.offchain_worker.enabled {
        let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
            runtime_api_provider: client.clone(),
            keystore: Some(keystore_container.keystore()),
            offchain_db: backend.offchain_storage(),
            transaction_pool: Some(OffchainTransactionPoolFactory::new(transaction_pool.clone())),
            network_provider: Arc::new(network.clone()),
            is_validator: config.role.is_authority(),
            enable_http_requests: true,
            custom_extensions: |_| Vec::new(),
        })?;
        task_manager.spawn_handle().spawn(
            "offchain-workers-runner",
            "offchain-worker",
            workers.run(client.clone(), task_manager.spawn_handle()).boxed(),
        );
    }

    let role = config.role;
    let force_authoring = config.force_authoring;
    let disable_grandpa = config.disable_grandpa;
    let node_name = config.network.node_name.clone();
    let prometheus_registry = config.prometheus_registry().cloned();
    let keystore = keystore_container.keystore();
    let shared_voter_state = SharedVoterState::empty();

    sc_service::spawn_tasks(sc_service::SpawnTasksParams {
        rpc_builder: rpc_builder(
            client.clone(),
            backend.clone(),
            transaction_pool.clone(),
            select_chain.clone(),
            keystore.clone(),
            babe_worker_handle,
            &grandpa_link,
            shared_voter_state.clone(),
        ),
        config,
        client: client.clone(),
        backend,
        task_manager: &mut task_manager,
        keystore: keystore.clone(),
        transaction_pool: transaction_pool.clone(),
        network: Arc::new(network.clone()),
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync_service.clone(),
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;
    let telemetry_handle = telemetry.as_ref().map(Telemetry::handle);

    if role.is_authority() {
        let slot_duration = babe_link.config().slot_duration();
        let babe = sc_consensus_babe::start_babe(sc_consensus_babe::BabeParams {
            keystore: keystore.clone(),
            client: client.clone(),
            select_chain,
            env: sc_basic_authorship::ProposerFactory::new(
                task_manager.spawn_handle(),
                client,
                transaction_pool.clone(),
                prometheus_registry.as_ref(),
                telemetry_handle.clone(),
            ),
            block_import,
            sync_oracle: sync_service.clone(),
            justification_sync_link: sync_service.clone(),
            create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot_duration)) },
            force_authoring,
            // Blocks go on while finality lags: protocol deadlines are counted in blocks.
            backoff_authoring_blocks: None::<()>,
            babe_link,
            block_proposal_slot_portion: SlotProportion::new(PROPOSAL_PORTION),
            max_block_proposal_slot_portion: None,
            telemetry: telemetry_handle.clone(),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("babe", Some("block-authoring"), babe);
    }

    if !disable_grandpa {
        let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: GOSSIP_DURATION,
                justification_generation_period: JUSTIFICATION_PERIOD,
                observer_enabled: false,
                local_role: role,
                name: Some(node_name),
                // A node that does not vote needs no keys.
                keystore: role.is_authority().then_some(keystore),
                telemetry: telemetry_handle.clone(),
                protocol_name: grandpa_protocol,
            },
            link: grandpa_link,
            network,
            sync: Arc::new(sync_service),
            notification_service: grandpa_notifications,
            voting_rule: sc_consensus_grandpa::VotingRulesBuilder::default().build(),
            prometheus_registry,
            shared_voter_state,
            telemetry: telemetry_handle,
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
    }

    Ok(task_manager)
}

type RpcBuilder =
    Box<dyn Fn(sc_rpc::SubscriptionTaskExecutor) -> Result<jsonrpsee::RpcModule<()>, ServiceError>>;

fn rpc_builder(
    client: Arc<FullClient>,
    backend: Arc<FullBackend>,
    pool: Arc<FullPool>,
    select_chain: FullSelectChain,
    keystore: sp_keystore::KeystorePtr,
    babe_worker_handle: BabeWorkerHandle<Block>,
    grandpa_link: &GrandpaLink,
    shared_voter_state: SharedVoterState,
) -> RpcBuilder {
    let shared_authority_set = grandpa_link.shared_authority_set().clone();
    let justification_stream = grandpa_link.justification_stream();
    let finality_proof_provider =
        FinalityProofProvider::new_for_service(backend, Some(shared_authority_set.clone()));
    Box::new(move |executor| {
        let deps = rpc::FullDeps {
            client: client.clone(),
            pool: pool.clone(),
            select_chain: select_chain.clone(),
            babe: rpc::BabeDeps { worker_handle: babe_worker_handle.clone(), keystore: keystore.clone() },
            grandpa: rpc::GrandpaDeps {
                shared_voter_state: shared_voter_state.clone(),
                shared_authority_set: shared_authority_set.clone(),
                justification_stream: justification_stream.clone(),
                finality_proof_provider: finality_proof_provider.clone(),
            },
        };
        rpc::create_full(deps, executor).map_err(ServiceError::Application)
    })
}
