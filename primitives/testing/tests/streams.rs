//! Evidence about streams: any false stream is refuted, no true one is, whatever is forged.

use bounded_collections::BoundedVec;
use codec::{DecodeAll, Encode};
use sabha_protocol::{
    Digest,
    datasets::SHARD_BYTES,
    dispute::{
        Slice,
        shape::CHUNK,
        stream::{Bytes, StreamError, StreamEvidence, WrongByte, show},
    },
};
use sabha_testing::{
    lie::Dice,
    streams::{Streams, reader, shards},
};

const SHARD: usize = SHARD_BYTES as usize;

/// Of three sources the first has two shards and a bit of a third, whose last chunk the second source begins in.
fn large() -> Streams {
    Streams::random(&mut Dice::new(1), &[2 * SHARD_BYTES + 1_500, 700, 3_000])
}

fn small(dice: &mut Dice) -> Streams {
    let count = 1 + dice.below(4);
    let lens: Vec<u64> = (0..count).map(|_| 1 + dice.below(5_000)).collect();
    Streams::random(dice, &lens)
}

fn byte(evidence: StreamEvidence) -> WrongByte {
    match evidence {
        StreamEvidence::Byte(wrong) => wrong,
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_wrong_byte_refutes_a_stream() {
    let truth = large();
    let [first, second, third] = [0, 1, 2].map(|source| truth.base(source));
    let places = [
        0,
        CHUNK as usize - 1,
        SHARD - 1,
        SHARD,
        2 * SHARD,
        // In chunks of the stream that two sources share.
        second - 1,
        second,
        second + 300,
        third - 1,
        third,
        truth.stream.len() - 1,
    ];
    assert_eq!((first, second % CHUNK as usize), (0, 476));
    for place in places {
        let lie = truth.flipped(place);
        let evidence = lie.evidence(place);
        assert_eq!(lie.check(&evidence), Ok(()), "{place}");
        assert_eq!(evidence.source(), Some(lie.source_at(place) as u16));
        // The same place of the true stream, and another place of the false one.
        assert_eq!(truth.check(&truth.evidence(place)), Err(StreamError::Agrees));
        assert_eq!(lie.check(&lie.evidence(5)), Err(StreamError::Agrees));
        // What is shown of one is worth nothing for the other.
        assert_eq!(truth.check(&evidence), Err(StreamError::OtherBytes(Bytes::Stream)));
    }
}

#[test]
fn a_stream_of_another_length_is_refuted() {
    let truth = large();
    assert_eq!(truth.check(&StreamEvidence::Sum), Err(StreamError::Agrees));
    assert_eq!(truth.check(&truth.length()), Err(StreamError::Agrees));
    for len in [0, 1, 1_024, truth.stream.len() - 1, truth.stream.len() + 1] {
        let mut stream = truth.stream.clone();
        stream.resize(len, 7);
        let mut lie = Streams::of(truth.sources.clone(), stream);
        assert_eq!(lie.check(&StreamEvidence::Sum), Ok(()), "{len}");
        assert_eq!(lie.check(&lie.length()), Err(StreamError::Agrees));
        // Said to be as long as its sources.
        lie.data.tokens = truth.data.tokens;
        assert_eq!(lie.check(&StreamEvidence::Sum), Err(StreamError::Agrees));
        assert_eq!(lie.check(&lie.length()), Ok(()), "{len}");
        assert_eq!(lie.length().source(), None);
        assert_eq!(truth.check(&lie.length()), Err(StreamError::OtherBytes(Bytes::Stream)));
    }
}

#[test]
fn swapped_sources_are_refuted() {
    let truth = Streams::random(&mut Dice::new(3), &[500, 900]);
    let mut sources = truth.sources.clone();
    sources.rotate_left(1);
    let lie = Streams::of(sources, truth.stream.clone());
    let wrong = (0..lie.stream.len()).find(|place| lie.sources.concat()[*place] != lie.stream[*place]);
    assert_eq!(lie.check(&lie.evidence(wrong.expect("they differ"))), Ok(()));
}

#[test]
fn tokenised_streams_and_those_without_sources_cannot_be_refuted() {
    let mut lie = Streams::random(&mut Dice::new(4), &[500, 900]).flipped(9);
    let all = [lie.evidence(9), StreamEvidence::Sum, lie.length()];
    lie.data.token_bytes = 2;
    for evidence in &all {
        assert_eq!(lie.check(evidence), Err(StreamError::Tokenised(2)));
    }
    lie.data.token_bytes = 1;
    lie.data.sources = Default::default();
    for evidence in &all {
        assert_eq!(lie.check(evidence), Err(StreamError::NoSources));
    }
}

#[test]
fn a_source_that_is_not_accepted_is_named() {
    let truth = large();
    for missing in 0..3u16 {
        let root = truth.data.sources[usize::from(missing)];
        let refused = Err(StreamError::NotAccepted { place: missing, root });
        for source in 0..3u16 {
            let place = truth.base(source.into()) + 100;
            let mut lie = truth.flipped(place);
            lie.accepted.remove(&root);
            // Those behind it do not matter.
            let expected = if source < missing { Ok(()) } else { refused };
            assert_eq!(lie.check(&lie.evidence(place)), expected, "{source} without {missing}");
            assert_eq!(lie.check(&StreamEvidence::Sum), refused);
        }
    }
    assert!(
        StreamError::NotAccepted { place: 1, root: Digest([7; 32]) }.to_string().contains("source 1 (0707")
    );
}

#[test]
fn what_is_out_of_range_is_refused() {
    let truth = large();
    let check = |change: fn(&mut WrongByte)| {
        let mut wrong = byte(truth.evidence(2 * SHARD + 1_499));
        change(&mut wrong);
        truth.check(&StreamEvidence::Byte(wrong))
    };
    assert_eq!(check(|_| ()), Err(StreamError::Agrees));
    assert_eq!(check(|wrong| wrong.source = 3), Err(StreamError::NoSuchSource { place: 3, sources: 3 }));
    let no_byte = Err(StreamError::NoSuchByte(Bytes::Shard));
    assert_eq!(check(|wrong| wrong.at = 1_500), no_byte);
    assert_eq!(check(|wrong| wrong.at = u64::MAX), no_byte);
    assert_eq!(check(|wrong| wrong.shard = 3), no_byte);
    assert_eq!(check(|wrong| wrong.shard = u32::MAX), no_byte);
    assert_eq!(check(|wrong| wrong.shard = 1), Err(StreamError::OtherShard));
    assert_eq!(check(|wrong| wrong.ours.first = u64::MAX), Err(StreamError::OtherBytes(Bytes::Stream)));
    assert_eq!(check(|wrong| wrong.theirs.first = u64::MAX), Err(StreamError::OtherBytes(Bytes::Shard)));

    // A source that reaches beyond the stream, or as far as numbers go.
    let mut short = truth.flipped(truth.base(2) + 10);
    let evidence = short.evidence(short.base(2) + 10);
    assert_eq!(short.check(&evidence), Ok(()));
    short.accepted.insert(short.data.sources[1], u64::MAX);
    assert_eq!(short.check(&evidence), Err(StreamError::NoSuchByte(Bytes::Stream)));
    assert_eq!(short.check(&StreamEvidence::Sum), Ok(()));
}

/// Evidence is small however long the stream is, and more than a chunk is not looked at.
#[test]
fn evidence_is_one_chunk_on_either_side() {
    let lie = large().flipped(0);
    let evidence = lie.evidence(0);
    assert!(evidence.encoded_size() < 4_096, "{}", evidence.encoded_size());
    let mut wrong = byte(evidence);
    let node = |at: usize| &lie.stream[at..at + 2 * CHUNK as usize];
    wrong.ours.bytes = BoundedVec::truncate_from(node(0).to_vec());
    wrong.ours.path.remove(0);
    assert_eq!(wrong.ours.opens(&lie.data.stream, lie.data.tokens), Some(0), "two chunks open as well");
    assert_eq!(lie.check(&StreamEvidence::Byte(wrong)), Err(StreamError::OtherBytes(Bytes::Stream)));
}

/// Changes something of evidence; `others` is more of it, about anything.
fn forge(dice: &mut Dice, evidence: &mut StreamEvidence, others: &[StreamEvidence], world: &Streams) {
    let other = others[dice.below(others.len() as u64) as usize].clone();
    let few = |dice: &mut Dice| [0, 1, 2, 1_023, 1_024, 1_025, u64::MAX][dice.below(7) as usize];
    if dice.below(8) == 0 {
        // The bytes of the encoding.
        let mut bytes = evidence.encode();
        let at = dice.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.below(8);
        if let Ok(decoded) = StreamEvidence::decode_all(&mut &bytes[..]) {
            *evidence = decoded;
        }
        return;
    }
    match (evidence, other) {
        (StreamEvidence::Byte(wrong), StreamEvidence::Byte(other)) => match dice.below(12) {
            0 => wrong.source = dice.below(5) as u16,
            1 => wrong.shard = dice.below(4) as u32,
            2 => wrong.at = if dice.below(2) == 0 { few(dice) } else { dice.below(6_000) },
            3 => wrong.member = other.member,
            4 => wrong.theirs = other.theirs,
            5 => wrong.ours = other.ours,
            6 => std::mem::swap(&mut wrong.theirs, &mut wrong.ours),
            7 => wrong.member.digest = world.data.stream,
            8 => wrong.member.path = other.theirs.path,
            9 => change(dice, &mut wrong.theirs),
            10 => change(dice, &mut wrong.ours),
            _ => {
                // A slice of something else, as it should be.
                let bytes: Vec<u8> = (0..1 + dice.below(5_000)).map(|at| at as u8).collect();
                let at = dice.below(bytes.len() as u64);
                let Ok(slice) = show::chunk(bytes.len() as u64, at, reader(&bytes));
                (wrong.member.digest, wrong.theirs) = (shards(&bytes)[0], slice);
            }
        },
        (StreamEvidence::Length { bytes, last }, other) => match (dice.below(4), other) {
            (0, _) => *bytes = bytes.wrapping_add(few(dice)),
            (1, _) => *bytes = bytes.wrapping_sub(few(dice)),
            (2, StreamEvidence::Byte(other)) => *last = other.ours,
            _ => {
                change(dice, last);
                *bytes = last.first.saturating_mul(CHUNK).saturating_add(last.bytes.len() as u64);
            }
        },
        (evidence, other) => *evidence = other,
    }
}

fn change(dice: &mut Dice, slice: &mut Slice) {
    let digest = Digest([9; 32]);
    match dice.below(8) {
        0 if !slice.bytes.is_empty() => {
            let at = dice.below(slice.bytes.len() as u64) as usize;
            slice.bytes[at] ^= 1 << dice.below(8);
        }
        1 => drop(slice.bytes.pop()),
        2 => drop(slice.bytes.try_push(1)),
        3 => slice.first = dice.below(8),
        4 => drop(slice.path.pop()),
        5 => drop(slice.path.try_push(digest)),
        6 if slice.path.len() > 1 => {
            (slice.path[0], slice.path[1]) = (slice.path[1], slice.path[0]);
        }
        _ if !slice.path.is_empty() => {
            let at = dice.below(slice.path.len() as u64) as usize;
            slice.path[at].0[dice.below(32) as usize] ^= 1;
        }
        _ => slice.bytes.clear(),
    }
}

/// Forged evidence about a stream that is true, or false in one byte. What is accepted is about that byte.
fn cases(dice: &mut Dice, world: &Streams, wrong: Option<usize>, count: u64) -> u64 {
    let mut places: Vec<usize> = (0..6).map(|_| dice.below(world.stream.len() as u64) as usize).collect();
    places.extend(wrong);
    let mut all: Vec<StreamEvidence> = places.iter().map(|place| world.evidence(*place)).collect();
    all.extend([world.length(), StreamEvidence::Sum]);
    let mut accepted = 0;
    for _ in 0..count {
        let mut evidence = all[dice.below(all.len() as u64) as usize].clone();
        (0..1 + dice.below(3)).for_each(|_| forge(dice, &mut evidence, &all, world));
        if world.check(&evidence).is_ok() {
            let shown = byte(evidence);
            let source = usize::from(shown.source);
            let within = shown.shard as usize * SHARD + shown.at as usize;
            let place = world.base(source) + within;
            assert_eq!(Some(place), wrong);
            accepted += 1;
        }
    }
    accepted
}

/// 20,000 forged pieces of evidence, or as many as `SABHA_CASES` says.
#[test]
fn no_forged_evidence_refutes_a_true_stream() {
    let all = std::env::var("SABHA_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20_000u64);
    let mut dice = Dice::new(6);
    let (mut accepted, mut done) = (0, 0);
    let large = large();
    assert_eq!(cases(&mut dice, &large, None, all / 10), 0);
    accepted += cases(&mut dice, &large.flipped(SHARD + 5), Some(SHARD + 5), all / 10);
    while done < all {
        let truth = small(&mut dice);
        let wrong = dice.below(truth.stream.len() as u64) as usize;
        assert_eq!(cases(&mut dice, &truth, None, 100), 0);
        accepted += cases(&mut dice, &truth.flipped(wrong), Some(wrong), 100);
        done += 200;
    }
    // Changes that leave it the same evidence, say one that is undone.
    assert!(accepted > 0, "else nothing but nonsense was tried");
}
