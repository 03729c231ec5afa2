//! What the pallet keeps.

use frame_support::pallet_macros::pallet_section;

/// The pallet's storage.
#[pallet_section]
mod storage {
    /// The registered workers, by their owner's account.
    #[pallet::storage]
    pub type Workers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, WorkerOf<T>>;

    /// The owner of the worker that an account is the hot key of.
    #[pallet::storage]
    pub type HotKeys<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, T::AccountId>;

    /// The reputations of workers that left with one below a new worker's: it is theirs again if they come back.
    #[pallet::storage]
    pub type Records<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Reputation>;

    /// What is known of the ticket array as a whole.
    #[pallet::storage]
    pub type TicketHead<T: Config> = StorageValue<_, Head, ValueQuery>;

    /// The tickets of ready workers, and those that have left and may still be drawn from a set frozen before.
    #[pallet::storage]
    pub type Tickets<T: Config> = StorageMap<_, Twox64Concat, u32, Ticket<T::AccountId>>;

    /// Where in the array a worker's ticket is, by the worker's owner and the ticket's number.
    #[pallet::storage]
    pub type TicketPlaces<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, u16, u32>;

    /// The queue of entries of the array that tickets have left.
    #[pallet::storage]
    pub type LeftTickets<T: Config> = StorageMap<_, Twox64Concat, u32, u32>;

    /// The randomness of the latest sessions, in order.
    #[pallet::storage]
    pub type Words<T: Config> = StorageValue<_, BoundedVec<(Session, Word), ConstU32<RETAINED>>, ValueQuery>;

    /// The runs, those that are over included.
    #[pallet::storage]
    pub type Runs<T: Config> = StorageMap<_, Twox64Concat, RunId, RunOf<T>>;

    /// The specifications of the runs that are not over.
    #[pallet::storage]
    pub type Specs<T: Config> = StorageMap<_, Twox64Concat, RunId, RunSpec>;

    /// The runs that are not over, and the active block from which each is to be looked at.
    #[pallet::storage]
    pub type Agenda<T: Config> = StorageValue<_, BoundedVec<(RunId, ActiveBlock), T::MaxRuns>, ValueQuery>;

    /// Which entry of the agenda the hook begins with.
    #[pallet::storage]
    pub type NextTurn<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Passes over runs that the weight limit interrupted.
    #[pallet::storage]
    pub type Passes<T: Config> = StorageMap<_, Twox64Concat, RunId, Pass>;

    /// The number of the next run.
    #[pallet::storage]
    pub type NextRunId<T: Config> = StorageValue<_, RunId, ValueQuery>;

    /// Slots that wait for a worker, or for its result.
    #[pallet::storage]
    pub type InFlight<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Slots that all ready workers together train at a time; of each worker no more than it has tickets.
    #[pallet::storage]
    pub type Capacity<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Attempts at rounds that are not settled.
    #[pallet::storage]
    pub type Rounds<T: Config> = StorageDoubleMap<_, Twox64Concat, RunId, Twox64Concat, RoundKey, RoundOf<T>>;

    /// Slots of a run's round in training for which nobody could be drawn. They are not in flight.
    #[pallet::storage]
    pub type Unserved<T: Config> = StorageMap<_, Twox64Concat, RunId, (RoundKey, SlotSet)>;

    /// Their slots that are not settled.
    #[pallet::storage]
    pub type Slots<T: Config> = StorageNMap<
        _,
        (NMapKey<Twox64Concat, RunId>, NMapKey<Twox64Concat, RoundKey>, NMapKey<Twox64Concat, SlotIndex>),
        SlotOf<T>,
    >;

    /// Their attesters that are not settled, by panel and place.
    #[pallet::storage]
    pub type Attesters<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, RunId>,
            NMapKey<Twox64Concat, RoundKey>,
            NMapKey<Twox64Concat, u8>,
            NMapKey<Twox64Concat, u16>,
        ),
        Attester<T::AccountId>,
    >;

    /// Their auditors that are not settled, by place.
    #[pallet::storage]
    pub type Seats<T: Config> = StorageNMap<
        _,
        (NMapKey<Twox64Concat, RunId>, NMapKey<Twox64Concat, RoundKey>, NMapKey<Twox64Concat, u16>),
        SeatOf<T>,
    >;
}
