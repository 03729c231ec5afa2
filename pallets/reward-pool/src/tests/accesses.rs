//! What a deposit, a claim and a change of shares read and write, counted below all caches of the pallet: as often in a pool of 100,000
//! members as in one of 10.

use std::any::{Any, TypeId};

use frame_support::assert_ok;
use sabha_protocol::{
    UNITS,
    pool::{
        RewardPools,
        ledger::{Member, Pool},
    },
};
use sp_core::storage::{ChildInfo, StateVersion, TrackedStorageKey};
use sp_externalities::{
    Error, Extension, ExtensionStore, Externalities, MultiRemovalResults, set_and_run_with_externalities,
};

use crate::{Members, Pools, mock::*};

/// Reads and writes of storage items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    reads: u32,
    writes: u32,
}

/// Storage that counts.
struct Counting<'a> {
    inner: &'a mut dyn Externalities,
    count: Count,
}

impl ExtensionStore for Counting<'_> {
    fn extension_by_type_id(&mut self, type_id: TypeId) -> Option<&mut dyn Any> {
        self.inner.extension_by_type_id(type_id)
    }

    fn register_extension_with_type_id(
        &mut self,
        type_id: TypeId,
        extension: Box<dyn Extension>,
    ) -> Result<(), Error> {
        self.inner.register_extension_with_type_id(type_id, extension)
    }

    fn deregister_extension_by_type_id(&mut self, type_id: TypeId) -> Result<(), Error> {
        self.inner.deregister_extension_by_type_id(type_id)
    }
}

/// There are no child tries, and no benchmarks, here.
const UNUSED: &str = "nothing here does that";

impl Externalities for Counting<'_> {
    fn set_offchain_storage(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.inner.set_offchain_storage(key, value);
    }

    fn storage(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.count.reads += 1;
        self.inner.storage(key)
    }

    fn storage_hash(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.count.reads += 1;
        self.inner.storage_hash(key)
    }

    fn next_storage_key(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.count.reads += 1;
        self.inner.next_storage_key(key)
    }

    fn place_storage(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.count.writes += 1;
        self.inner.place_storage(key, value);
    }

    fn storage_append(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.count.writes += 1;
        self.inner.storage_append(key, value);
    }

    fn clear_prefix(
        &mut self,
        prefix: &[u8],
        limit: Option<u32>,
        cursor: Option<&[u8]>,
    ) -> MultiRemovalResults {
        self.count.writes += 1;
        self.inner.clear_prefix(prefix, limit, cursor)
    }

    fn storage_root(&mut self, version: StateVersion) -> Vec<u8> {
        self.inner.storage_root(version)
    }

    fn storage_start_transaction(&mut self) {
        self.inner.storage_start_transaction();
    }

    fn storage_rollback_transaction(&mut self) -> Result<(), ()> {
        self.inner.storage_rollback_transaction()
    }

    fn storage_commit_transaction(&mut self) -> Result<(), ()> {
        self.inner.storage_commit_transaction()
    }

    fn child_storage_hash(&mut self, _: &ChildInfo, _: &[u8]) -> Option<Vec<u8>> {
        unreachable!("{UNUSED}")
    }

    fn child_storage(&mut self, _: &ChildInfo, _: &[u8]) -> Option<Vec<u8>> {
        unreachable!("{UNUSED}")
    }

    fn next_child_storage_key(&mut self, _: &ChildInfo, _: &[u8]) -> Option<Vec<u8>> {
        unreachable!("{UNUSED}")
    }

    fn kill_child_storage(&mut self, _: &ChildInfo, _: Option<u32>, _: Option<&[u8]>) -> MultiRemovalResults {
        unreachable!("{UNUSED}")
    }

    fn clear_child_prefix(
        &mut self,
        _: &ChildInfo,
        _: &[u8],
        _: Option<u32>,
        _: Option<&[u8]>,
    ) -> MultiRemovalResults {
        unreachable!("{UNUSED}")
    }

    fn place_child_storage(&mut self, _: &ChildInfo, _: Vec<u8>, _: Option<Vec<u8>>) {
        unreachable!("{UNUSED}")
    }

    fn child_storage_root(&mut self, _: &ChildInfo, _: StateVersion) -> Vec<u8> {
        unreachable!("{UNUSED}")
    }

    fn wipe(&mut self) {
        unreachable!("{UNUSED}")
    }

    fn commit(&mut self) {
        unreachable!("{UNUSED}")
    }

    fn read_write_count(&self) -> (u32, u32, u32, u32) {
        unreachable!("{UNUSED}")
    }

    fn reset_read_write_count(&mut self) {
        unreachable!("{UNUSED}")
    }

    fn get_whitelist(&self) -> Vec<TrackedStorageKey> {
        unreachable!("{UNUSED}")
    }

    fn set_whitelist(&mut self, _: Vec<TrackedStorageKey>) {
        unreachable!("{UNUSED}")
    }

    fn get_read_and_written_keys(&self) -> Vec<(Vec<u8>, u32, u32, bool)> {
        unreachable!("{UNUSED}")
    }
}

/// A chain whose pool [`DATA`] has so many members, of a share each.
fn crowded(members: u32) -> sp_io::TestExternalities {
    let mut ext = ext();
    ext.execute_with(|| {
        for member in 0..u64::from(members) {
            Members::<Test>::insert(DATA, 1_000 + member, Member { shares: 1, ..Member::default() });
        }
        Pools::<Test>::insert(DATA, Pool { shares: members.into(), members, ..Pool::NEW });
    });
    ext.commit_all().expect("the overlay has no open transaction");
    ext
}

fn counted(ext: &mut sp_io::TestExternalities, act: impl FnOnce()) -> Count {
    let mut inner = ext.ext();
    let mut counting = Counting { inner: &mut inner, count: Count::default() };
    set_and_run_with_externalities(&mut counting, act);
    counting.count
}

/// What each operation reads and writes in a pool of so many.
fn costs(members: u32) -> Vec<(&'static str, Count)> {
    let mut ext = crowded(members);
    let mut costs = Vec::new();
    let mut note = |name, act: &dyn Fn()| costs.push((name, counted(&mut ext, act)));
    note("deposit", &|| {
        assert_ok!(RewardPool::deposit(signed(ALICE), DATA, 2_000 * UNITS));
    });
    note("claim", &|| {
        assert_ok!(RewardPool::claim_for(signed(ALICE), DATA, 1_005));
    });
    note("join", &|| {
        assert_ok!(RewardPool::set_shares(DATA, &BOB, 7));
    });
    note("transfer", &|| {
        assert_ok!(hand_over(DATA, BOB, CHARLIE, 3));
    });
    note("credit", &|| {
        assert_ok!(RewardPool::credit(DATA, &ALICE, &BOB, UNITS));
    });
    note("leave", &|| {
        assert_ok!(RewardPool::set_shares(DATA, &CHARLIE, 0));
    });
    ext.execute_with(check);
    costs
}

#[test]
fn a_hundred_thousand_members_cost_no_more_than_ten() {
    let (few, many) = (costs(10), costs(100_000));
    assert_eq!(few, many);
    for (name, Count { reads, writes }) in few {
        assert!(reads > 0 && writes > 0, "{name} is counted");
        // Those of balances, events and the overlay included.
        assert!(reads + writes < 60, "{name}: {reads} reads, {writes} writes");
    }
}
