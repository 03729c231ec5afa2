//! A chain in memory: blocks are made and executed through `Executive`, as a node does it.

use crate::{
    AccountId, Block, BlockNumber, Executive, Header, Runtime, RuntimeCall, RuntimeEvent,
    RuntimeGenesisConfig, Session, SignedPayload, System, TxExtension, UncheckedExtrinsic, genesis,
};
use codec::Encode;
use serde_json::Value;
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
    ApplyExtrinsicResult, Digest, DigestItem,
    generic::Era,
    traits::{Block as _, Header as _},
};

/// The first block's slot: any number far from zero.
const FIRST_SLOT: u64 = 1_000_000;

/// A chain that starts from a preset.
pub struct Chain {
    pub ext: TestExternalities,
    slot: u64,
    parent: Option<Header>,
}

/// The preset's whole genesis, as a chain specification would hold it.
pub fn whole_genesis(preset: &str) -> Value {
    let patch = genesis::get_preset(&preset.into()).expect("the preset exists");
    let mut whole =
        serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default is serializable");
    merge(&mut whole, serde_json::from_slice(&patch).expect("the preset is JSON"));
    whole
}

/// An empty state into which `genesis` was built.
pub fn try_build(genesis: &Value) -> Result<TestExternalities, String> {
    let mut ext = TestExternalities::default();
    ext.execute_with(|| genesis::build_state(serde_json::to_vec(genesis).expect("JSON")))?;
    ext.commit_all().expect("the overlay has no open transaction");
    Ok(ext)
}

/// JSON merge patch, without deletions.
fn merge(whole: &mut Value, patch: Value) {
    match (whole, patch) {
        (Value::Object(whole), Value::Object(patch)) => {
            for (name, field) in patch {
                merge(whole.entry(name).or_insert(Value::Null), field);
            }
        }
        (whole, patch) => *whole = patch,
    }
}

impl Chain {
    /// A chain of the given preset, before block 1.
    pub fn new(preset: &str) -> Self {
        Self {
            ext: try_build(&whole_genesis(preset)).expect("the preset builds"),
            slot: FIRST_SLOT,
            parent: None,
        }
    }

    pub fn development() -> Self {
        Self::new("development")
    }

    pub fn local() -> Self {
        Self::new("local_testnet")
    }

    pub fn with<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.ext.execute_with(f)
    }

    /// The slot of the latest block.
    pub fn slot(&self) -> u64 {
        self.slot
    }

    pub fn number(&self) -> BlockNumber {
        self.parent.as_ref().map_or(0, |header| *header.number())
    }

    /// Make one block. Its author is the first validator that is not disabled.
    pub fn produce(&mut self, transactions: Vec<UncheckedExtrinsic>) -> (Block, Vec<ApplyExtrinsicResult>) {
        let disabled = self.with(Session::disabled_validators);
        let author = (0..).find(|index| !disabled.contains(index)).expect("somebody can author");
        self.produce_by(author, transactions)
    }

    /// Make one block by the validator with index `author`.
    pub fn produce_by(
        &mut self,
        author: u32,
        transactions: Vec<UncheckedExtrinsic>,
    ) -> (Block, Vec<ApplyExtrinsicResult>) {
        self.slot += 1;
        let slot = self.slot;
        let number = self.number() + 1;
        let parent = self.parent.as_ref().map(Header::hash);
        let made = self.ext.execute_with(|| {
            let parent = parent.unwrap_or_else(|| System::block_hash(0));
            let digest = Digest { logs: vec![pre_digest(author, slot)] };
            let header = Header::new(number, Default::default(), Default::default(), parent, digest);
            Executive::initialize_block(&header);

            let mut extrinsics = vec![timestamp(slot)];
            Executive::apply_extrinsic(extrinsics[0].clone())
                .expect("valid")
                .expect("the timestamp is accepted");
            let mut results = Vec::new();
            for transaction in transactions {
                let result = Executive::apply_extrinsic(transaction.clone());
                if result.is_ok() {
                    extrinsics.push(transaction);
                }
                results.push(result);
            }
            (Block::new(Executive::finalize_block(), extrinsics), results)
        });
        self.parent = Some(made.0.header().clone());
        self.ext.commit_all().expect("the overlay has no open transaction");
        made
    }

    /// Let `count` slots pass without a block, as when all nodes are down.
    pub fn skip_slots(&mut self, count: u64) {
        self.slot += count;
    }

    /// Make `count` blocks without transactions.
    pub fn run(&mut self, count: u32) {
        for _ in 0..count {
            self.produce(Vec::new());
        }
    }

    /// Make a block with one transaction, which must succeed.
    pub fn submit(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
        let result = self.try_submit(who, call);
        assert_eq!(result, Ok(Ok(())), "the transaction succeeds");
    }

    /// Make a block with one transaction.
    pub fn try_submit(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> ApplyExtrinsicResult {
        let transaction = self.with(|| sign(who, call.into()));
        let (_, mut results) = self.produce(vec![transaction]);
        results.remove(0)
    }

    /// Execute a block that another chain made.
    pub fn import(&mut self, block: Block) {
        self.parent = Some(block.header().clone());
        self.ext.execute_with(|| Executive::execute_block(block.into()));
        self.ext.commit_all().expect("the overlay has no open transaction");
    }

    /// The events of the latest block.
    pub fn events(&mut self) -> Vec<RuntimeEvent> {
        self.with(|| System::events().into_iter().map(|record| record.event).collect())
    }

    /// Check that the issuance is what all accounts have together.
    pub fn check_issuance(&mut self) {
        self.with(|| {
            let sum: u128 = frame_system::Account::<Runtime>::iter_values()
                .map(|account| account.data.free + account.data.reserved)
                .sum();
            assert_eq!(crate::Balances::total_issuance(), sum, "issuance is what all accounts have together");
        });
    }

    /// Check what every pallet says must always hold, and that the issuance is what all accounts have together.
    pub fn check(mut self) {
        self.check_issuance();
        self.with(|| {
            #[cfg(feature = "try-runtime")]
            <crate::AllPalletsWithSystem as frame_support::traits::TryState<BlockNumber>>::try_state(
                System::block_number(),
                frame_support::traits::TryStateSelect::All,
            )
            .expect("every pallet's state is sound");
        });
    }
}

/// A slot's claim by the secondary author. Nothing in the runtime checks who is due.
pub fn pre_digest(authority_index: u32, slot: u64) -> DigestItem {
    DigestItem::babe_pre_digest(PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
        authority_index,
        slot: slot.into(),
    }))
}

fn timestamp(slot: u64) -> UncheckedExtrinsic {
    let now = slot * crate::Timing::durations().slot_ms;
    UncheckedExtrinsic::new_bare(pallet_timestamp::Call::set { now }.into())
}

/// What a transaction without tip, valid for ever, carries.
pub fn extension(nonce: u32) -> TxExtension {
    (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    )
}

/// A signed transaction with the account's next nonce.
pub fn sign(who: Sr25519Keyring, call: RuntimeCall) -> UncheckedExtrinsic {
    let account: AccountId = who.to_account_id();
    let payload =
        SignedPayload::new(call, extension(System::account_nonce(&account))).expect("the implicit is known");
    let signature = payload.using_encoded(|bytes| who.sign(bytes));
    let (call, extension, _) = payload.deconstruct();
    UncheckedExtrinsic::new_signed(call, account.into(), signature.into(), extension)
}

/// How many bytes a transaction takes in a block.
pub fn length(transaction: &UncheckedExtrinsic) -> u32 {
    transaction.encoded_size() as u32
}
