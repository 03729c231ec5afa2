//! Reading the chain's state after one block, typed. Everything read through one [`At`] is consistent: it is the state after the
//! same block.

use super::{
    client::{ChainTypes, Hash, Patience, within},
    error::ChainError,
    names::{Name, constant, storage, view},
    types::{AccountInfo, Balances, Run, RunRecord, Worker, WorkerRecord},
};
use crate::keys::AccountId;
use codec::{Decode, DecodeAll, Encode};
use sabha_protocol::{
    ActiveBlock, Balance, RoundKey, RunId, RunSpec, SlotIndex,
    audit::Seat,
    dispute::record::{self, GameId, Shown},
    round::{self, Attester, Duty},
};
use std::fmt::Display;
use subxt::{
    OnlineClientAtBlock,
    dynamic::{self, Value},
    ext::scale_decode::DecodeAsType,
    metadata::ViewFunctionMetadata,
    storage::DynamicAddress,
};

/// An attempt at a round.
pub type Round = round::Round<AccountId>;

/// A slot of a round.
pub type Slot = round::Slot<AccountId>;

/// A dispute.
pub type Dispute = record::Dispute<AccountId>;

/// The state after one block. Clones share it.
#[derive(Clone)]
pub struct At {
    block: OnlineClientAtBlock<ChainTypes>,
    patience: Patience,
}

impl At {
    pub(super) fn new(block: OnlineClientAtBlock<ChainTypes>, patience: Patience) -> Self {
        Self { block, patience }
    }

    /// The block's number.
    pub fn number(&self) -> u64 {
        self.block.block_number()
    }

    /// The block's hash.
    pub fn hash(&self) -> Hash {
        self.block.block_hash()
    }

    /// The version of the runtime that the block leaves in force.
    pub fn spec_version(&self) -> u32 {
        self.block.spec_version()
    }

    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// The two bytes that a call begins with.
    pub(super) fn call_index(&self, item: Name) -> Result<[u8; 2], ChainError> {
        let pallet = self.block.metadata_ref().pallet_by_name(item.pallet);
        let found = pallet
            .and_then(|pallet| Some([pallet.call_index(), pallet.call_variant_by_name(item.item)?.index]));
        found.ok_or_else(|| incompatible(item)("the runtime has no such call"))
    }

    pub(super) fn block(&self) -> &OnlineClientAtBlock<ChainTypes> {
        &self.block
    }

    /// The worker that `who` owns or is the hot key of.
    ///
    /// # Errors
    /// If the node does not answer, or the runtime differs from what this release knows; so for all that follow.
    pub async fn worker_of(&self, who: &AccountId) -> Result<Option<Worker>, ChainError> {
        let found: Option<(AccountId, WorkerRecord)> = self.view(view::WORKER_OF, who).await?;
        Ok(found.map(|(owner, record)| record.of(owner)))
    }

    /// Some of the registered workers: as many as `at_most`, in no order that means anything.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn some_workers(&self, at_most: usize) -> Result<Vec<Worker>, ChainError> {
        self.some_entries(storage::WORKERS, vec![], at_most, |key, value| {
            let owner = AccountId::from(decode::<[u8; 32]>(storage::WORKERS, key)?);
            let record: WorkerRecord = value.decode_as().map_err(incompatible(storage::WORKERS))?;
            Ok(record.of(owner))
        })
        .await
    }

    /// The active block from which `owner` can withdraw its stake, if it is unbonding.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn withdrawable_from(&self, owner: &AccountId) -> Result<Option<ActiveBlock>, ChainError> {
        self.view(view::WITHDRAWABLE_FROM, owner).await
    }

    /// What the worker that `who` speaks for has to do.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn duties_of(&self, who: &AccountId) -> Result<Vec<Duty>, ChainError> {
        self.plain_view(view::DUTIES_OF, who).await
    }

    /// How many changes a poke of `run` would make.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn due(&self, run: RunId) -> Result<u32, ChainError> {
        self.plain_view(view::DUE, run).await
    }

    /// The attempts at rounds of `run` that are not settled, in order.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn rounds_of(&self, run: RunId) -> Result<Vec<Round>, ChainError> {
        self.plain_view(view::ROUNDS_OF, run).await
    }

    /// The slots of an attempt at a round that are not settled, in order.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn slots_of(&self, run: RunId, round: RoundKey) -> Result<Vec<(SlotIndex, Slot)>, ChainError> {
        self.plain_view(view::SLOTS_OF, (run, round)).await
    }

    /// A run.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, ChainError> {
        let record: Option<RunRecord> = self.typed(storage::RUNS, vec![Value::u128(id.into())]).await?;
        Ok(record.map(|record| record.of(id)))
    }

    /// Every run, those that are over included, in order.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn runs(&self) -> Result<Vec<Run>, ChainError> {
        let mut runs = self
            .entries(storage::RUNS, vec![], |key, value| {
                let id: RunId = decode(storage::RUNS, key)?;
                let record: RunRecord = value.decode_as().map_err(incompatible(storage::RUNS))?;
                Ok(record.of(id))
            })
            .await?;
        runs.sort_by_key(|run| run.id);
        Ok(runs)
    }

    /// The numbers of the runs that are not over, in order.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn open_runs(&self) -> Result<Vec<RunId>, ChainError> {
        // A run has its specification exactly as long as it is open.
        let mut ids = self.entries(storage::SPECS, vec![], |key, _| decode(storage::SPECS, key)).await?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// The specification of a run that is not over.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn spec(&self, id: RunId) -> Result<Option<RunSpec>, ChainError> {
        self.plain(storage::SPECS, vec![Value::u128(id.into())]).await
    }

    /// The attester at a place of a round's panel, until it is settled.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn attester(
        &self,
        run: RunId,
        round: RoundKey,
        panel: u8,
        place: u16,
    ) -> Result<Option<Attester<AccountId>>, ChainError> {
        let mut keys = round_keys(run, round);
        keys.extend([Value::u128(panel.into()), Value::u128(place.into())]);
        self.plain(storage::ATTESTERS, keys).await
    }

    /// The auditor in a seat of a round, until it is settled.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn seat(
        &self,
        run: RunId,
        round: RoundKey,
        place: u16,
    ) -> Result<Option<Seat<AccountId>>, ChainError> {
        let mut keys = round_keys(run, round);
        keys.push(Value::u128(place.into()));
        self.plain(storage::SEATS, keys).await
    }

    /// The disputes that are not over, in order.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn disputes(&self) -> Result<Vec<(GameId, Dispute)>, ChainError> {
        let read = |key: &[u8], value: &subxt::storage::StorageValue<'_, Value>| {
            Ok((decode(storage::GAMES, key)?, decode(storage::GAMES, value.bytes())?))
        };
        let mut all: Vec<(GameId, Dispute)> = self.entries(storage::GAMES, vec![], read).await?;
        all.sort_by_key(|(game, _)| *game);
        Ok(all)
    }

    /// What the defender of a game showed last.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn shown(&self, game: GameId) -> Result<Option<Shown>, ChainError> {
        self.plain(storage::SHOWN, vec![Value::u128(game.into())]).await
    }

    /// Whether what a game is about was decided otherwise: it can be closed, and not played on.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn is_overtaken(&self, game: GameId) -> Result<bool, ChainError> {
        self.plain_view(view::IS_OVERTAKEN, game).await
    }

    /// Active blocks since genesis: the clock of every deadline.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn active_blocks(&self) -> Result<ActiveBlock, ChainError> {
        Ok(self.plain(storage::ACTIVE_BLOCKS, vec![]).await?.unwrap_or_default())
    }

    /// The block's time, in milliseconds since 1970; 0 in the genesis block.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn timestamp_ms(&self) -> Result<u64, ChainError> {
        Ok(self.plain(storage::NOW, vec![]).await?.unwrap_or_default())
    }

    /// What an account has.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn balances(&self, who: &AccountId) -> Result<Balances, ChainError> {
        let info: Option<AccountInfo> = self.typed(storage::ACCOUNT, vec![Value::from_bytes(who.0)]).await?;
        Ok(info.map(|info| info.data).unwrap_or_default())
    }

    /// How many transactions of an account are in blocks.
    ///
    /// # Errors
    /// As for [`Self::worker_of`].
    pub async fn nonce(&self, who: &AccountId) -> Result<u32, ChainError> {
        let info: Option<AccountInfo> = self.typed(storage::ACCOUNT, vec![Value::from_bytes(who.0)]).await?;
        Ok(info.map_or(0, |info| info.nonce))
    }

    /// The balance below which an account is removed, in units of 10^-12 SBH.
    ///
    /// # Errors
    /// If the runtime differs from what this release knows.
    pub fn existential_deposit(&self) -> Result<Balance, ChainError> {
        self.constant(constant::EXISTENTIAL_DEPOSIT)
    }

    /// The least stake of a worker, in units of 10^-12 SBH.
    ///
    /// # Errors
    /// If the runtime differs from what this release knows.
    pub fn min_stake(&self) -> Result<Balance, ChainError> {
        self.constant(constant::MIN_STAKE)
    }

    /// The least stake of a curator, in units of 10^-12 SBH.
    ///
    /// # Errors
    /// If the runtime differs from what this release knows.
    pub fn min_curator_stake(&self) -> Result<Balance, ChainError> {
        self.constant(constant::MIN_CURATOR_STAKE)
    }

    /// What a claimant pays for each curator of a panel, in units of 10^-12 SBH.
    ///
    /// # Errors
    /// If the runtime differs from what this release knows.
    pub fn seat_pay(&self) -> Result<Balance, ChainError> {
        self.constant(constant::SEAT_PAY)
    }

    /// The bond of an appeal, in units of 10^-12 SBH.
    ///
    /// # Errors
    /// If the runtime differs from what this release knows.
    pub fn appeal_bond(&self) -> Result<Balance, ChainError> {
        self.constant(constant::APPEAL_BOND)
    }

    /// The most bytes of a worker's endpoint.
    ///
    /// # Errors
    /// If the runtime differs from what this release knows.
    pub fn max_endpoint_len(&self) -> Result<u32, ChainError> {
        self.constant(constant::MAX_ENDPOINT_LEN)
    }

    /// A value of a type that the chain and the worker share: decoded by its own definition.
    pub(super) async fn plain<T: Decode>(
        &self,
        item: Name,
        keys: Vec<Value>,
    ) -> Result<Option<T>, ChainError> {
        let value = self.fetch(item, keys).await?;
        value.map(|value| decode(item, value.bytes())).transpose()
    }

    /// The first field of such a value, whatever follows.
    pub(super) async fn first<T: Decode>(
        &self,
        item: Name,
        keys: Vec<Value>,
    ) -> Result<Option<T>, ChainError> {
        let value = self.fetch(item, keys).await?;
        value.map(|value| T::decode(&mut value.bytes()).map_err(incompatible(item))).transpose()
    }

    /// Every entry of a map from numbers to such values, in order.
    pub(super) async fn plain_entries<T: Decode>(&self, item: Name) -> Result<Vec<(u32, T)>, ChainError> {
        let read = |key: &[u8], value: &subxt::storage::StorageValue<'_, Value>| {
            Ok((decode::<u32>(item, key)?, decode::<T>(item, value.bytes())?))
        };
        let mut all = self.entries(item, vec![], read).await?;
        all.sort_by_key(|(key, _)| *key);
        Ok(all)
    }

    /// A value that is decoded by the names of its fields.
    pub(super) async fn typed<T: DecodeAsType>(
        &self,
        item: Name,
        keys: Vec<Value>,
    ) -> Result<Option<T>, ChainError> {
        let value = self.fetch(item, keys).await?;
        value.map(|value| value.decode_as().map_err(incompatible(item))).transpose()
    }

    async fn fetch(
        &self,
        item: Name,
        keys: Vec<Value>,
    ) -> Result<Option<subxt::storage::StorageValue<'_, Value>>, ChainError> {
        let storage = self.block.storage();
        let entry = storage.entry(address(item)).map_err(incompatible(item))?;
        within(&self.patience, &format!("reading {item}"), entry.try_fetch(keys)).await
    }

    /// Every entry under `keys` of a map, by the encoded last part of its key.
    pub(super) async fn entries<T>(
        &self,
        item: Name,
        keys: Vec<Value>,
        read: impl Fn(&[u8], &subxt::storage::StorageValue<'_, Value>) -> Result<T, ChainError>,
    ) -> Result<Vec<T>, ChainError> {
        self.some_entries(item, keys, usize::MAX, read).await
    }

    /// As many of them as `at_most`.
    async fn some_entries<T>(
        &self,
        item: Name,
        keys: Vec<Value>,
        at_most: usize,
        read: impl Fn(&[u8], &subxt::storage::StorageValue<'_, Value>) -> Result<T, ChainError>,
    ) -> Result<Vec<T>, ChainError> {
        let what = format!("reading {item}");
        let last = keys.len();
        let storage = self.block.storage();
        let entry = storage.entry(address(item)).map_err(incompatible(item))?;
        let mut stream = within(&self.patience, &what, entry.iter(keys)).await?;
        let mut found = Vec::new();
        while found.len() < at_most {
            let next = async { Ok::<_, std::convert::Infallible>(stream.next().await) };
            let Some(pair) = within(&self.patience, &what, next).await? else { return Ok(found) };
            let pair =
                pair.map_err(|error| ChainError::Rpc { what: what.clone(), reason: error.to_string() })?;
            let key = pair.key().map_err(incompatible(item))?;
            let part = key.part(last).ok_or_else(|| ChainError::Incompatible {
                what: item.to_string(),
                reason: "its key has fewer parts".into(),
            })?;
            found.push(read(part.value_bytes(), pair.value())?);
        }
        Ok(found)
    }

    /// A view function's answer that is decoded by the names of its fields.
    async fn view<T: DecodeAsType>(&self, function: Name, arguments: impl Encode) -> Result<T, ChainError> {
        let metadata = self.block.metadata_ref();
        let output = self.view_function(function)?.output_ty();
        let value = self.ask(function, arguments).await?;
        T::decode_as_type(&mut value.as_slice(), output, metadata.types()).map_err(incompatible(function))
    }

    /// A view function's answer of a type that the chain and the worker share.
    pub(super) async fn plain_view<T: Decode>(
        &self,
        function: Name,
        arguments: impl Encode,
    ) -> Result<T, ChainError> {
        decode(function, &self.ask(function, arguments).await?)
    }

    /// Asks a view function. subxt 0.50 encodes its arguments without the length that the runtime expects, so this does it.
    async fn ask(&self, function: Name, arguments: impl Encode) -> Result<Vec<u8>, ChainError> {
        let known = self.view_function(function)?;
        let input = (*known.query_id(), arguments.encode()).encode();
        let functions = self.block.view_functions();
        let what = format!("asking {function}");
        let answer = within(&self.patience, &what, functions.call_raw(Some(&input))).await?;
        let value: Result<Vec<u8>, Refusal> = decode(function, &answer)?;
        value.map_err(|refusal| incompatible(function)(refusal))
    }

    fn view_function(&self, function: Name) -> Result<ViewFunctionMetadata<'_>, ChainError> {
        self.block
            .metadata_ref()
            .pallet_by_name(function.pallet)
            .and_then(|pallet| pallet.view_function_by_name(function.item))
            .ok_or_else(|| incompatible(function)("the runtime has no such view function"))
    }

    pub(super) fn constant<T: DecodeAsType>(&self, item: Name) -> Result<T, ChainError> {
        self.block
            .constants()
            .entry(dynamic::constant::<T>(item.pallet, item.item))
            .map_err(incompatible(item))
    }
}

/// The keys that everything of a round is under.
fn round_keys(run: RunId, round: RoundKey) -> Vec<Value> {
    let RoundKey { round, attempt } = round;
    let key = [("round", Value::u128(round.into())), ("attempt", Value::u128(attempt.into()))];
    vec![Value::u128(run.into()), Value::named_composite(key)]
}

fn address(item: Name) -> DynamicAddress {
    dynamic::storage(item.pallet, item.item)
}

pub(super) fn decode<T: Decode>(item: Name, bytes: &[u8]) -> Result<T, ChainError> {
    T::decode_all(&mut &*bytes).map_err(incompatible(item))
}

pub(super) fn incompatible<E: Display>(item: Name) -> impl FnOnce(E) -> ChainError {
    move |error| ChainError::Incompatible { what: item.to_string(), reason: error.to_string() }
}

/// Why the runtime does not answer a view function.
#[derive(Debug, Decode, thiserror::Error)]
enum Refusal {
    /// The runtime has none at all.
    #[error("the runtime has no view functions")]
    NotImplemented,
    /// The runtime has none of this id.
    #[error("the runtime knows no view function 0x{}", hex::encode(.0))]
    NotFound([u8; 32]),
    /// The arguments are of other types.
    #[error("the runtime cannot read the arguments")]
    Codec,
}
