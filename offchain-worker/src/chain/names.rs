//! Every name of the runtime's metadata that the worker uses, in one place. [`super::compat`] checks each of them, with its
//! types, against a runtime's metadata.

/// An item of a pallet: pallet and item, as the metadata names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The pallet's name in the runtime.
    pub pallet: &'static str,
    /// The call, storage item, constant or event.
    pub item: &'static str,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.pallet, self.item)
    }
}

const fn of(pallet: &'static str, item: &'static str) -> Name {
    Name { pallet, item }
}

/// The spec name of every runtime of this chain.
pub const SPEC_NAME: &str = "sabha";

/// Calls.
pub mod call {
    use super::{Name, of};

    /// `register(hot_key, payout, device, capacity, endpoint, stake)`
    pub const REGISTER: Name = of("Training", "register");
    /// `update_worker(hot_key?, payout?, device?, capacity?, endpoint?)`
    pub const UPDATE_WORKER: Name = of("Training", "update_worker");
    /// `add_stake(amount)`
    pub const ADD_STAKE: Name = of("Training", "add_stake");
    /// `ready()`
    pub const READY: Name = of("Training", "ready");
    /// `drain()`
    pub const DRAIN: Name = of("Training", "drain");
    /// `unbond()`
    pub const UNBOND: Name = of("Training", "unbond");
    /// `withdraw()`
    pub const WITHDRAW: Name = of("Training", "withdraw");
    /// `poke(run)`
    pub const POKE: Name = of("Training", "poke");
    /// `commit(run, round, slot, generation, outcome)`
    pub const COMMIT: Name = of("Training", "commit");
    /// `report(run, round, place, got)`
    pub const REPORT: Name = of("Training", "report");
    /// `post_root(run, round, checkpoint)`
    pub const POST_ROOT: Name = of("Training", "post_root");
    /// `seal(run, round, place, seal)`
    pub const SEAL: Name = of("Training", "seal");
    /// `publish(run, round, slot, leaves)`
    pub const PUBLISH: Name = of("Training", "publish");
    /// `reveal(run, round, place, answer, salt, unserved)`
    pub const REVEAL: Name = of("Training", "reveal");
    /// `propose(title, licence, parent?, spec, goal, duration)`
    pub const PROPOSE: Name = of("Allocation", "propose");
    /// `pledge(run, amount)`
    pub const PLEDGE: Name = of("Allocation", "pledge");
    /// `withdraw(run, amount)`
    pub const WITHDRAW_PLEDGE: Name = of("Allocation", "withdraw");
    /// `settle(run, most)`
    pub const SETTLE: Name = of("Allocation", "settle");
    /// `cancel(run)`
    pub const CANCEL: Name = of("Allocation", "cancel");
    /// `refund(run, backer)`
    pub const REFUND: Name = of("Allocation", "refund");
    /// `remove(run)`
    pub const REMOVE: Name = of("Allocation", "remove");
    /// `stop_idle(run)`
    pub const STOP_IDLE: Name = of("Allocation", "stop_idle");
    /// `register(run)`
    pub const REGISTER_MODEL: Name = of("Models", "register");
    /// `pay(model, amount)`
    pub const PAY: Name = of("Models", "pay");
    /// `distribute(model)`
    pub const DISTRIBUTE: Name = of("Models", "distribute");
    /// `challenge(run, round, target, claim)`
    pub const CHALLENGE: Name = of("Disputes", "challenge");
    /// `name_claim(game, claim)`
    pub const NAME_CLAIM: Name = of("Disputes", "name_claim");
    /// `answer(game, position, answer)`
    pub const ANSWER: Name = of("Disputes", "answer");
    /// `press(game, position, made)`
    pub const PRESS: Name = of("Disputes", "press");
    /// `judge(game, position, judgement)`
    pub const JUDGE: Name = of("Disputes", "judge");
    /// `time_out(game)`
    pub const TIME_OUT: Name = of("Disputes", "time_out");
    /// `close(game)`
    pub const CLOSE: Name = of("Disputes", "close");
    /// `refute_stream(run, evidence)`
    pub const REFUTE_STREAM: Name = of("Disputes", "refute_stream");
    /// `register_dataset(title, modality, language, licence, unit, unit_bytes, rate, panel)`
    pub const REGISTER_DATASET: Name = of("Datasets", "register_dataset");
    /// `close_dataset(dataset)`
    pub const CLOSE_DATASET: Name = of("Datasets", "close_dataset");
    /// `donate(dataset, amount)`
    pub const DONATE: Name = of("Datasets", "donate");
    /// `commit_claim(dataset, seal)`
    pub const COMMIT_CLAIM: Name = of("Datasets", "commit_claim");
    /// `reveal_claim(claim, units, bytes, shards, locators, salt)`
    pub const REVEAL_CLAIM: Name = of("Datasets", "reveal_claim");
    /// `withdraw_claim(claim)`
    pub const WITHDRAW_CLAIM: Name = of("Datasets", "withdraw_claim");
    /// `poke(claim)`
    pub const POKE_CLAIM: Name = of("Datasets", "poke");
    /// `register_curator(stake)`
    pub const REGISTER_CURATOR: Name = of("Datasets", "register_curator");
    /// `add_curator_stake(amount)`
    pub const ADD_CURATOR_STAKE: Name = of("Datasets", "add_curator_stake");
    /// `ready_curator()`
    pub const READY_CURATOR: Name = of("Datasets", "ready_curator");
    /// `drain_curator(curator)`
    pub const DRAIN_CURATOR: Name = of("Datasets", "drain_curator");
    /// `withdraw_curator()`
    pub const WITHDRAW_CURATOR: Name = of("Datasets", "withdraw_curator");
    /// `seal_vote(claim, seal)`
    pub const SEAL_VOTE: Name = of("Datasets", "seal_vote");
    /// `reveal_vote(claim, vote, salt)`
    pub const REVEAL_VOTE: Name = of("Datasets", "reveal_vote");
    /// `appeal(claim)`
    pub const APPEAL: Name = of("Datasets", "appeal");
    /// `claim(pool)`
    pub const CLAIM_PAY: Name = of("RewardPool", "claim");
    /// `claim_for(pool, member)`
    pub const CLAIM_PAY_FOR: Name = of("RewardPool", "claim_for");
    /// `claim_batch(pools)`
    pub const CLAIM_PAY_BATCH: Name = of("RewardPool", "claim_batch");
    /// `transfer_shares(pool, to, shares)`
    pub const TRANSFER_SHARES: Name = of("RewardPool", "transfer_shares");
    /// `set_payout(payout?)`
    pub const SET_PAYOUT: Name = of("RewardPool", "set_payout");
    /// `deposit(pool, amount)`
    pub const DEPOSIT: Name = of("RewardPool", "deposit");
    /// `transfer_keep_alive(dest, value)`
    pub const TRANSFER: Name = of("Balances", "transfer_keep_alive");

    /// All of them.
    pub const ALL: [Name; 55] = [
        REGISTER,
        UPDATE_WORKER,
        ADD_STAKE,
        READY,
        DRAIN,
        UNBOND,
        WITHDRAW,
        POKE,
        COMMIT,
        REPORT,
        POST_ROOT,
        SEAL,
        PUBLISH,
        REVEAL,
        PROPOSE,
        PLEDGE,
        WITHDRAW_PLEDGE,
        SETTLE,
        CANCEL,
        REFUND,
        REMOVE,
        STOP_IDLE,
        REGISTER_MODEL,
        PAY,
        DISTRIBUTE,
        CHALLENGE,
        NAME_CLAIM,
        ANSWER,
        PRESS,
        JUDGE,
        TIME_OUT,
        CLOSE,
        REFUTE_STREAM,
        REGISTER_DATASET,
        CLOSE_DATASET,
        DONATE,
        COMMIT_CLAIM,
        REVEAL_CLAIM,
        WITHDRAW_CLAIM,
        POKE_CLAIM,
        REGISTER_CURATOR,
        ADD_CURATOR_STAKE,
        READY_CURATOR,
        DRAIN_CURATOR,
        WITHDRAW_CURATOR,
        SEAL_VOTE,
        REVEAL_VOTE,
        APPEAL,
        CLAIM_PAY,
        CLAIM_PAY_FOR,
        CLAIM_PAY_BATCH,
        TRANSFER_SHARES,
        SET_PAYOUT,
        DEPOSIT,
        TRANSFER,
    ];
}

/// Storage items.
pub mod storage {
    use super::{Name, of};

    /// Owner -> worker.
    pub const WORKERS: Name = of("Training", "Workers");
    /// Run id -> run.
    pub const RUNS: Name = of("Training", "Runs");
    /// Run id -> specification.
    pub const SPECS: Name = of("Training", "Specs");
    /// Run id, attempt at a round, panel, place -> attester.
    pub const ATTESTERS: Name = of("Training", "Attesters");
    /// Run id, attempt at a round, place -> auditor.
    pub const SEATS: Name = of("Training", "Seats");
    /// Game -> dispute.
    pub const GAMES: Name = of("Disputes", "Games");
    /// Game -> what the defender showed last.
    pub const SHOWN: Name = of("Disputes", "LastShown");
    /// Run id -> proposal.
    pub const PROPOSALS: Name = of("Allocation", "Proposals");
    /// Run id, account -> what it pledged.
    pub const BACKERS: Name = of("Allocation", "Backers");
    /// Model -> what is known of it.
    pub const MODELS: Name = of("Models", "Models");
    /// Model -> what was reported of it.
    pub const METRICS: Name = of("Models", "Metrics");
    /// Model -> what forks were paid for it.
    pub const ACCRUED: Name = of("Models", "Accrued");
    /// Active blocks since genesis.
    pub const ACTIVE_BLOCKS: Name = of("Timing", "ActiveBlocks");
    /// Dataset id -> dataset.
    pub const DATASETS: Name = of("Datasets", "Datasets");
    /// Claim id -> claim.
    pub const DATA_CLAIMS: Name = of("Datasets", "Claims");
    /// Claim id -> digests of its shards.
    pub const CLAIM_SHARDS: Name = of("Datasets", "ClaimShards");
    /// Claim id -> where it is served.
    pub const CLAIM_LOCATORS: Name = of("Datasets", "ClaimLocators");
    /// Manifest root -> what was accepted.
    pub const ACCEPTED_ROOTS: Name = of("Datasets", "AcceptedRoots");
    /// Licences that datasets may be under.
    pub const LICENCES: Name = of("Datasets", "Licences");
    /// Account -> curator.
    pub const CURATORS: Name = of("Datasets", "Curators");
    /// Account -> where pools pay it, and the deposit for that.
    pub const PAYOUTS: Name = of("RewardPool", "Payouts");
    /// Randomness of the latest sessions.
    pub const WORDS: Name = of("Training", "Words");
    /// Number of the session.
    pub const SESSION: Name = of("Session", "CurrentIndex");
    /// Durations that are in force.
    pub const DURATIONS: Name = of("Timing", "Durations");
    /// Milliseconds since 1970.
    pub const NOW: Name = of("Timestamp", "Now");
    /// Account -> balances.
    pub const ACCOUNT: Name = of("System", "Account");

    /// All of them, each with the number of its keys.
    pub const ALL: [(Name, usize); 26] = [
        (WORKERS, 1),
        (RUNS, 1),
        (SPECS, 1),
        (ATTESTERS, 4),
        (SEATS, 3),
        (GAMES, 1),
        (SHOWN, 1),
        (PROPOSALS, 1),
        (BACKERS, 2),
        (MODELS, 1),
        (METRICS, 1),
        (ACCRUED, 1),
        (ACTIVE_BLOCKS, 0),
        (DATASETS, 1),
        (DATA_CLAIMS, 1),
        (CLAIM_SHARDS, 1),
        (CLAIM_LOCATORS, 1),
        (ACCEPTED_ROOTS, 1),
        (LICENCES, 0),
        (CURATORS, 1),
        (PAYOUTS, 1),
        (WORDS, 0),
        (SESSION, 0),
        (DURATIONS, 0),
        (NOW, 0),
        (ACCOUNT, 1),
    ];
}

/// Constants.
pub mod constant {
    use super::{Name, of};

    /// Balance below which an account is removed.
    pub const EXISTENTIAL_DEPOSIT: Name = of("Balances", "ExistentialDeposit");
    /// Least stake of a worker.
    pub const MIN_STAKE: Name = of("Training", "MinStake");
    /// Most bytes of a worker's endpoint.
    pub const MAX_ENDPOINT_LEN: Name = of("Training", "MaxEndpointLen");

    /// Least stake of a curator.
    pub const MIN_CURATOR_STAKE: Name = of("Datasets", "MinStake");
    /// What a claimant pays for each curator of a panel.
    pub const SEAT_PAY: Name = of("Datasets", "SeatPay");
    /// Bond of an appeal.
    pub const APPEAL_BOND: Name = of("Datasets", "AppealBond");

    /// What a proposer puts on hold.
    pub const PROPOSAL_DEPOSIT: Name = of("Allocation", "Deposit");
    /// Most accounts that one `settle` looks at.
    pub const MAX_COUNT: Name = of("Allocation", "MaxCount");

    /// All of them.
    pub const ALL: [Name; 8] = [
        EXISTENTIAL_DEPOSIT,
        MIN_STAKE,
        MAX_ENDPOINT_LEN,
        MIN_CURATOR_STAKE,
        SEAT_PAY,
        APPEAL_BOND,
        PROPOSAL_DEPOSIT,
        MAX_COUNT,
    ];
}

/// View functions.
pub mod view {
    use super::{Name, of};

    /// `worker_of(who)`: the worker that an account owns or is the hot key of, and its owner.
    pub const WORKER_OF: Name = of("Training", "worker_of");
    /// `withdrawable_from(owner)`: the active block from which a stake can be withdrawn.
    pub const WITHDRAWABLE_FROM: Name = of("Training", "withdrawable_from");
    /// `duties_of(who)`: what the worker of an owner or hot key has to do.
    pub const DUTIES_OF: Name = of("Training", "duties_of");
    /// `due(run)`: how many changes a poke would make.
    pub const DUE: Name = of("Training", "due");
    /// `rounds_of(run)`: the attempts at rounds that are not settled.
    pub const ROUNDS_OF: Name = of("Training", "rounds_of");
    /// `slots_of(run, round)`: the slots of one that are not settled.
    pub const SLOTS_OF: Name = of("Training", "slots_of");
    /// `is_overtaken(game)`: whether what a game is about was decided otherwise.
    pub const IS_OVERTAKEN: Name = of("Disputes", "is_overtaken");

    /// `seats_of(curator)`: the claims on whose panels it sits.
    pub const SEATS_OF: Name = of("Datasets", "seats_of");
    /// `is_due(claim)`: whether a poke would do something.
    pub const IS_DUE: Name = of("Datasets", "is_due");
    /// `memberships(member)`: its pools, with its shares and what it can claim.
    pub const MEMBERSHIPS: Name = of("RewardPool", "memberships");

    /// `match_of(run)`: what the matching pot would add to a proposal now.
    pub const MATCH_OF: Name = of("Allocation", "match_of");
    /// `refund_of(run, backer)`: what a backer would be refunded now.
    pub const REFUND_OF: Name = of("Allocation", "refund_of");
    /// `can_settle(run)`: whether settling a proposal would do something.
    pub const CAN_SETTLE: Name = of("Allocation", "can_settle");
    /// `longest_funding()`: the longest time for pledges.
    pub const LONGEST_FUNDING: Name = of("Allocation", "longest_funding");

    /// All of them.
    pub const ALL: [Name; 14] = [
        WORKER_OF,
        WITHDRAWABLE_FROM,
        DUTIES_OF,
        DUE,
        ROUNDS_OF,
        SLOTS_OF,
        IS_OVERTAKEN,
        SEATS_OF,
        IS_DUE,
        MEMBERSHIPS,
        MATCH_OF,
        REFUND_OF,
        CAN_SETTLE,
        LONGEST_FUNDING,
    ];
}

/// Events.
pub mod event {
    use super::{Name, of};

    /// A run was proposed; its first field is the run's id.
    pub const PROPOSED: Name = of("Allocation", "Proposed");
    /// A model was registered; its first field is the model.
    pub const REGISTERED: Name = of("Models", "Registered");

    /// A challenge was made; its first field is the game.
    pub const CHALLENGED: Name = of("Disputes", "Challenged");
    /// A side of a game has moved: the game, the side, and more.
    pub const MOVED: Name = of("Disputes", "Moved");
    /// A game has a loser: the game, the run, the attempt at a round, the target, the loser, whether its time had run out.
    pub const DECIDED: Name = of("Disputes", "Decided");
    /// A game was overtaken: the game.
    pub const CLOSED: Name = of("Disputes", "Closed");

    /// A dataset is registered: the dataset, and by whom.
    pub const DATASET_REGISTERED: Name = of("Datasets", "DatasetRegistered");
    /// A claim was sealed: the claim, and more.
    pub const CLAIM_COMMITTED: Name = of("Datasets", "ClaimCommitted");

    /// All of them: each begins with a number that counts things.
    pub const ALL: [Name; 8] =
        [PROPOSED, REGISTERED, CHALLENGED, MOVED, DECIDED, CLOSED, DATASET_REGISTERED, CLAIM_COMMITTED];
}
