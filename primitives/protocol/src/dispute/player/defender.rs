//! The defender: shows what it is asked for.

use super::{
    super::{
        Answer, Asked, Claim, Facts, Game, GameError, Member, Path, Row, Stage,
        proof::Labelled,
        scope::{Part, Place, Scope, Span},
        shape::{Node, beside},
    },
    Blob, Book, PlayError, bytes_of, first_step,
    seen::{Bytes, Digests},
};
use crate::{Digest, Outcome};
use alloc::{borrow::Cow, vec::Vec};
use bounded_collections::{BoundedVec, Get};
use sabha_numerics::program::Source;

/// The defender's answer to a position.
///
/// # Errors
/// If it is not its move, or the book has no answer.
pub fn answer<B: Book>(facts: &Facts<'_>, game: &Game, book: &mut B) -> Result<Answer, PlayError<B::Error>> {
    match game.stage {
        Stage::Leaves { asked: Some(node) } => {
            let own = leaves(facts, book)?;
            let (row, path) = nodes(&game.leaves(facts), &own, node).ok_or(GameError::NoSuchElement)?;
            Ok(Answer::Nodes { row, path })
        }
        Stage::Opening => open(facts, game, book),
        Stage::Between { .. } => {
            between(facts, game, book).map(|top| Answer::Ends { first: None, last: None, top })
        }
        Stage::States { asked: Some(node), .. } => {
            let own = states(facts, game, book)?;
            let tree = game.states(facts)?;
            let (row, path) = nodes(&tree, &own, node).ok_or(GameError::NoSuchElement)?;
            Ok(Answer::Nodes { row, path })
        }
        Stage::Tracing(span) => {
            let scope = Scope::of(facts, span, Digest::default()).ok_or(GameError::NoSuchClaim)?;
            let own = traced(&scope, span.part, book)?;
            let top = scope.traced(|tree| nodes(tree, &own, tree.shape().root()));
            Ok(Answer::Trace { top: top.ok_or(GameError::NoSuchElement)?.0 })
        }
        Stage::Outputs { span, trace, asked: Some(asked) } => {
            let scope = Scope::of(facts, span, trace).ok_or(GameError::NoSuchClaim)?;
            show(&scope, span, asked, book)
        }
        Stage::Leaves { .. } | Stage::States { .. } | Stage::Outputs { .. } => Err(PlayError::NotMyMove),
    }
}

fn show<B: Book>(
    scope: &Scope<'_>,
    span: Span,
    asked: Asked,
    book: &mut B,
) -> Result<Answer, PlayError<B::Error>> {
    let shown = match asked {
        Asked::Posted(node) => {
            let own = traced(scope, span.part, book)?;
            scope.traced(|tree| nodes(tree, &own, node))
        }
        Asked::End(node) => {
            let own = ended(scope, span.part, book)?;
            nodes(&scope.ended(), &own, node)
        }
        Asked::Buffer { digest, node, .. } => {
            let bytes = output_with(scope, span.part, digest, book)?;
            let tree = Bytes::of(&bytes);
            let own = |node| tree.own(node);
            let span = tree.shape().below(node).ok_or(GameError::NoSuchElement)?;
            let path = beside(tree.shape(), span.height, span.first, span.count, &own)
                .and_then(bounded)
                .ok_or(GameError::NoSuchElement)?;
            if node.height == 0 {
                let at = usize::try_from(node.index).unwrap_or(usize::MAX);
                let chunk = bytes.chunks(1_024).nth(at).unwrap_or_default().to_vec();
                return Ok(Answer::Chunk { bytes: bounded(chunk).ok_or(GameError::NoSuchElement)?, path });
            }
            let indices = span.first..span.first.saturating_add(span.count);
            let row: Option<Vec<Digest>> =
                indices.map(|index| own(Node { height: span.height, index })).collect();
            row.and_then(bounded).map(|row| (row, path))
        }
    };
    let (row, path) = shown.ok_or(GameError::NoSuchElement)?;
    Ok(Answer::Nodes { row, path })
}

fn bounded<T, S: Get<u32>>(all: Vec<T>) -> Option<BoundedVec<T, S>> {
    BoundedVec::try_from(all).ok()
}

/// What a reveal of a node shows, with the nodes beside the way up.
fn nodes(tree: &Labelled<'_>, own: &[Digest], node: Node) -> Option<(Row, Path)> {
    let digests = Digests { tree, own, seen: None };
    let span = tree.shape().below(node)?;
    let path = beside(tree.shape(), span.height, span.first, span.count, &|node| digests.node(node))?;
    let indices = span.first..span.first.checked_add(span.count)?;
    let show = |index| match span.height {
        0 => digests.digest(index),
        height => digests.node(Node { height, index }),
    };
    Some((bounded(indices.map(show).collect::<Option<_>>()?)?, bounded(path)?))
}

/// One digest with the nodes beside its way up.
pub(super) fn member(digests: &Digests<'_>, place: u64) -> Option<Member> {
    let path = beside(digests.tree.shape(), 0, place, 1, &|node| digests.node(node))?;
    Some(Member { digest: digests.digest(place)?, path: bounded(path)? })
}

fn open<B: Book>(facts: &Facts<'_>, game: &Game, book: &mut B) -> Result<Answer, PlayError<B::Error>> {
    let (mut first, mut last) = (None, None);
    if let Some(Outcome::Trained(_)) = facts.outcome() {
        let (own, tree) = (leaves(facts, book)?, game.leaves(facts));
        let leaf = |index: u32| member(&Digests { tree: &tree, own: &own, seen: None }, index.into());
        (first, last) = match game.claim {
            Claim::Begin => (None, leaf(0)),
            Claim::Finish => (leaf(facts.spec.segments()), None),
            Claim::Segment(segment) => (leaf(segment), leaf(segment.saturating_add(1))),
            Claim::Slot | Claim::Divergence | Claim::Aggregate => (None, None),
        };
    }
    Ok(Answer::Ends { first, last, top: between(facts, game, book)? })
}

/// The top of the tree over the states that are posted.
fn between<B: Book>(facts: &Facts<'_>, game: &Game, book: &mut B) -> Result<Row, PlayError<B::Error>> {
    let tree = game.states(facts)?;
    if tree.leaves == 0 {
        return Ok(Row::default());
    }
    let own = states(facts, game, book)?;
    Ok(nodes(&tree, &own, tree.shape().root()).ok_or(GameError::NoSuchElement)?.0)
}

/// One's own leaves of the slot, as far as there are any.
pub(super) fn leaves<B: Book>(facts: &Facts<'_>, book: &mut B) -> Result<Vec<Digest>, PlayError<B::Error>> {
    let mut all = Vec::new();
    for segment in 0..=facts.spec.segments() {
        let steps = segment.saturating_mul(facts.spec.rounds.segment_steps);
        let Some(root) = book.state(steps).map_err(PlayError::Book)? else { break };
        all.push(root);
    }
    Ok(all)
}

/// One's own states of those that are posted, as far as there are any.
pub(super) fn states<B: Book>(
    facts: &Facts<'_>,
    game: &Game,
    book: &mut B,
) -> Result<Vec<Digest>, PlayError<B::Error>> {
    let count = game.states(facts)?.leaves;
    let first = match game.claim {
        // Between the ends.
        Claim::Segment(_) => first_step(game, facts.spec.rounds.segment_steps).saturating_add(1),
        _ => 0,
    };
    let mut all = Vec::new();
    for step in (first..).take(usize::try_from(count).unwrap_or(0)) {
        let Some(root) = book.state(step).map_err(PlayError::Book)? else { break };
        all.push(root);
    }
    Ok(all)
}

/// One's own digests of the outputs that the part's end does not hold, as far as there are any.
pub(super) fn traced<B: Book>(
    scope: &Scope<'_>,
    part: Part,
    book: &mut B,
) -> Result<Vec<Digest>, PlayError<B::Error>> {
    let outputs = book.outputs(part).map_err(PlayError::Book)?;
    let of = |index: &u32| outputs.get(usize::try_from(*index).ok()?).copied();
    Ok(scope.inner.iter().map_while(of).collect())
}

/// One's own digests of what the part ends with; of those that there are none of, zeros.
pub(super) fn ended<B: Book>(
    scope: &Scope<'_>,
    part: Part,
    book: &mut B,
) -> Result<Vec<Digest>, PlayError<B::Error>> {
    let outputs = book.outputs(part).map_err(PlayError::Book)?;
    let of = |end| {
        let index = usize::try_from(scope.end_instruction(end)?).ok()?;
        outputs.get(index).copied()
    };
    Ok((0..scope.end_leaves()).map(|end| of(end).unwrap_or_default()).collect())
}

/// The bytes of one's own buffer with this digest: an output's, or the update.
fn output_with<'b, B: Book>(
    scope: &Scope<'_>,
    part: Part,
    digest: Digest,
    book: &'b mut B,
) -> Result<Cow<'b, [u8]>, PlayError<B::Error>> {
    if let Some(Place::Content { digest: own, .. }) = scope.output(0)
        && own == digest
    {
        return book.content(Blob::Own).map_err(PlayError::Book);
    }
    let outputs = book.outputs(part).map_err(PlayError::Book)?;
    let index = outputs.iter().position(|output| *output == digest).and_then(|at| u32::try_from(at).ok());
    let index = index.ok_or(GameError::NoSuchElement)?;
    let words = book.words(part, Source::Output(index)).map_err(PlayError::Book)?;
    Ok(Cow::Owned(bytes_of(&words)))
}
