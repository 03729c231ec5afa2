//! Samples of what is about datasets and reward pools.

use crate::chain::{
    calls::{Call, NewDataset},
    datasets::{Accepted, Appeal, Curator, CuratorStatus, DataClaim, Dataset, Told},
};
use sabha_protocol::{
    Digest, UNITS,
    datasets::{Modality, Ruling, Seat, SeatState, Stage, Unit, Vote},
    pool::PoolId,
};

/// One of each kind.
pub(super) const POOLS: [PoolId; 5] =
    [PoolId::Dataset(1), PoolId::Compute(2), PoolId::Backers(3), PoolId::Validators, PoolId::Curators];

/// Every modality and unit.
pub(super) fn datasets() -> Vec<Dataset> {
    let kinds = [
        (Modality::Text, Unit::Mebibyte),
        (Modality::Image, Unit::Item),
        (Modality::Audio, Unit::Second),
        (Modality::Other, Unit::Item),
    ];
    let dataset = |(modality, unit)| Dataset {
        owner: super::account(),
        title: "हिन्दी".into(),
        modality,
        language: "hi".into(),
        licence: "CC0-1.0".into(),
        unit,
        unit_bytes: 1,
        rate: UNITS,
        panel: 5,
        budget: UNITS,
        reserved: 1,
        claims: 2,
        units: 3,
        paid: 4,
        open: true,
    };
    kinds.into_iter().map(dataset).collect()
}

/// Data that was accepted.
pub(super) fn accepted() -> Accepted {
    Accepted { dataset: 1, claimant: super::account(), units: 2, bytes: 3 }
}

/// Every stage, ruling and state of a seat.
pub(super) fn claims() -> Vec<DataClaim> {
    let vote = Vote { fraction: 9_000, quality: 90 };
    let until = 9;
    let arbiter = |measure| Ruling::Arbiter { vote, measure, overturned: true };
    let stages = [
        Stage::Committed { since: 1, until },
        Stage::Drawing { frozen: 2 },
        Stage::Sealing { until },
        Stage::Revealing { until },
        Stage::Judged { ruling: Ruling::None, until, last: false },
        Stage::Judged { ruling: Ruling::Panel(vote), until, last: true },
        Stage::Appealed { ruling: arbiter(None), until, retention: 8 },
        Stage::Appealed { ruling: arbiter(Some(vote)), until, retention: 8 },
    ];
    let seat = |state| Seat { curator: super::account(), state };
    let claim = |stage| DataClaim {
        dataset: 1,
        claimant: super::account(),
        seal: Digest([1; 32]),
        stage,
        told: Some(Told { root: Digest([2; 32]), units: 3, bytes: 4 }),
        bond: UNITS,
        fee: UNITS,
        purse: 1,
        reserved: 2,
        seats: 5,
        panels: 1,
        panel: vec![
            seat(SeatState::Drawn),
            seat(SeatState::Sealed(Digest([3; 32]))),
            seat(SeatState::Revealed(vote)),
        ],
        appeal: Some(Appeal { appellant: super::account(), bond: UNITS }),
    };
    stages.into_iter().map(claim).collect()
}

/// Every status.
pub(super) fn curators() -> Vec<Curator> {
    let states = [CuratorStatus::Ready, CuratorStatus::Absent, CuratorStatus::Idle { since: 3 }];
    let curator = |status| Curator {
        stake: UNITS,
        reserved: 1,
        status,
        tickets: 2,
        left: Some(3),
        sound: 4,
        failed: 5,
    };
    states.into_iter().map(curator).collect()
}

/// Every call, with all variants of its arguments.
pub(super) fn calls() -> Vec<Call> {
    let account = super::account();
    let mut all = vec![
        Call::close_dataset(1),
        Call::donate(1, UNITS),
        Call::commit_claim(1, Digest([1; 32])),
        Call::reveal_claim(1, 2, 3, &[Digest([1; 32])], &["x".into()], [4; 32]),
        Call::withdraw_claim(1),
        Call::poke_claim(1),
        Call::register_curator(UNITS),
        Call::add_curator_stake(UNITS),
        Call::ready_curator(),
        Call::drain_curator(account),
        Call::withdraw_curator(),
        Call::seal_vote(1, Digest([1; 32])),
        Call::reveal_vote(1, Vote { fraction: 10_000, quality: 100 }, [4; 32]),
        Call::appeal(1),
        Call::claim_pay_for(PoolId::Curators, account),
        Call::claim_pay_batch(&POOLS),
        Call::transfer_shares(PoolId::Dataset(1), account, 5),
        Call::set_payout(None),
        Call::set_payout(Some(account)),
        Call::deposit(PoolId::Validators, UNITS),
    ];
    all.extend(POOLS.map(Call::claim_pay));
    all.extend(datasets().into_iter().map(|dataset| {
        let Dataset { title, modality, language, licence, unit, unit_bytes, rate, panel, .. } = dataset;
        let new = NewDataset { title, modality, language, licence, unit, unit_bytes, rate, panel };
        Call::register_dataset(&new)
    }));
    all
}
