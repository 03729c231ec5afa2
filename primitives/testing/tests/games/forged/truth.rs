//! What a move that was accepted must show, from the defender's own numbers, without any of the checks of the game.

use sabha_numerics::{
    Tree,
    op::{Definition, Range},
    program::{Operand, Source},
    reference::Inputs,
};
use sabha_protocol::{
    Digest, Outcome,
    dispute::{
        Answer, Claim, Game, Input, Judgement, Member, Move, Opened, Part, Side, Slice, Span, Stage,
        StepEnds,
        player::Blob,
        shape::{CHUNK, Content, Join, Shape, chunk_node},
    },
    update,
};

use super::{
    games::{Made, Position, Reader, Table},
    layout::{Layout, Place},
};

/// Nodes of a whole tree, level by level.
fn levels(leaves: Vec<Digest>, join: &impl Join) -> Vec<Vec<Digest>> {
    let mut all = vec![leaves];
    while let Some(level) = all.last().filter(|level| level.len() > 1) {
        let is_root = level.len() == 2;
        let pair = |pair: &[Digest]| match pair {
            [left, right] => join.join(left, right, is_root),
            alone => alone[0],
        };
        let next = level.chunks(2).map(pair).collect();
        all.push(next);
    }
    all
}

/// The nodes beside the way up.
fn way_up(levels: &[Vec<Digest>], mut first: usize, count: usize) -> Vec<Digest> {
    let mut end = first + count;
    let mut path = Vec::new();
    for level in levels {
        if level.len() == 1 {
            break;
        }
        if first % 2 == 1 {
            first -= 1;
            path.push(level[first]);
        }
        if end % 2 == 1 && end < level.len() {
            path.push(level[end]);
        }
        (first, end) = (first / 2, end.div_ceil(2));
    }
    path
}

/// A leaf of the tree over these digests, with its way up.
fn member(tree: Tree, digests: &[Digest], label: impl Fn(usize) -> u32, place: usize) -> Option<Member> {
    let leaf = |(at, digest): (usize, &Digest)| Digest(tree.leaf(label(at), &digest.0));
    let digest = *digests.get(place)?;
    let levels = levels(digests.iter().enumerate().map(leaf).collect(), &tree);
    Some(Member { digest, path: way_up(&levels, place, 1).try_into().ok()? })
}

/// Looks at what an accepted move shows.
struct Truth<'a> {
    table: &'a Table,
    defender: &'a Reader,
}

impl Truth<'_> {
    fn leaf(&self, segment: u32) -> Option<Member> {
        let leaves = self.defender.run.leaves();
        member(Tree::SEGMENTS, &leaves, |at| at as u32, segment as usize)
    }

    /// One of the states that are posted.
    fn state(&self, position: &Position, place: u32) -> Option<Member> {
        let rounds = &self.table.world.spec.rounds;
        let roots = &self.defender.run.roots;
        let posted = match position.game.claim {
            Claim::Segment(segment) => {
                let first = (segment * rounds.segment_steps) as usize;
                &roots[first + 1..first + rounds.segment_steps as usize]
            }
            _ => roots.get(..=self.table.divergence()?.step as usize)?,
        };
        member(Tree::SEGMENTS, posted, |at| at as u32, place as usize)
    }

    /// The digest of a leaf or an output in the tree that binds it.
    fn buffer(&self, layout: &Layout<'_>, part: Part, place: Place) -> Option<Member> {
        match place {
            Place::Buffer(of, place) => {
                member(Tree::STATE, self.defender.buffers(of)?, |at| at as u32, place)
            }
            Place::Inner(place) => {
                let (outputs, inner) = (self.defender.outputs(part)?, &layout.inner);
                let digests: Option<Vec<Digest>> =
                    inner.iter().map(|index| outputs.get(*index as usize).copied()).collect();
                member(Tree::TRACE, &digests?, |at| inner[at], place)
            }
            Place::Content { .. } | Place::Derived => None,
        }
    }

    /// The bytes that hold the words of a leaf or an output, the first one's place, and bytes a word.
    fn bytes(&self, part: Part, source: Source, place: Place) -> Option<(Vec<u8>, u64, u64)> {
        match place {
            Place::Buffer(..) | Place::Inner(_) => {
                let words = self.defender.words(part, source)?;
                Some((words.iter().flat_map(|word| word.to_le_bytes()).collect(), 0, 4))
            }
            Place::Content { of, offset, width } => {
                Some((self.defender.content(of)?.to_vec(), offset, width))
            }
            Place::Derived => None,
        }
    }

    /// Some chunks of content, with their way up.
    fn slice(bytes: &[u8], first: usize, count: usize) -> Option<Slice> {
        let chunk = CHUNK as usize;
        let shape = Shape::of_bytes(bytes.len() as u64);
        let chunks = (0..).zip(bytes.chunks(chunk));
        let levels = levels(chunks.map(|(at, chunk)| chunk_node(shape, at, chunk)).collect(), &Content);
        let end = bytes.len().min((first + count) * chunk);
        Some(Slice {
            first: first as u64,
            bytes: bytes.get(first * chunk..end)?.to_vec().try_into().ok()?,
            path: way_up(&levels, first, count).try_into().ok()?,
        })
    }

    /// Whether words of a leaf or an output are what the defender has.
    fn is_opened(
        &self,
        layout: &Layout<'_>,
        part: Part,
        source: Source,
        place: Place,
        opened: &Opened,
    ) -> bool {
        let Some((bytes, ..)) = self.bytes(part, source, place) else { return false };
        let count = opened.slice.bytes.len().div_ceil(CHUNK as usize);
        opened.member == self.buffer(layout, part, place)
            && Some(&opened.slice) == Self::slice(&bytes, opened.slice.first as usize, count).as_ref()
    }

    /// Opens words of a leaf or an output as the defender has them.
    fn open(
        &self,
        layout: &Layout<'_>,
        part: Part,
        source: Source,
        place: Place,
        [start, len]: [u64; 2],
    ) -> Option<Opened> {
        let (bytes, offset, width) = self.bytes(part, source, place)?;
        let from = start * width + offset;
        let (first, end) = (from / CHUNK, (from + len * width).div_ceil(CHUNK));
        let slice = Self::slice(&bytes, first as usize, (end - first) as usize)?;
        Some(Opened { member: self.buffer(layout, part, place), slice })
    }

    /// A judgement of any element of the part, with everything that it reads as the defender has it.
    fn judgement(&self, span: Span, below: &mut dyn FnMut(u64) -> u64) -> Option<Judgement> {
        let part = span.part;
        let layout = Layout::of(self.table, part);
        let claimed = layout.diverges().map(|claimed| claimed.instruction).filter(|_| below(2) == 0);
        let index = claimed.unwrap_or_else(|| below(layout.count().into()) as u32);
        let instruction = layout.instruction(index)?;
        let element = below(instruction.len());
        let words = |operand: &Operand| self.defender.words(part, operand.source);
        let words: Option<Vec<&[u32]>> = instruction.inputs.iter().map(words).collect();
        let mut inputs = Vec::new();
        for Range { input, start, len } in instruction.op.reads(element, &Inputs(words?)).ok()? {
            let source = instruction.inputs[input].source;
            let place = layout.place(source)?;
            if place != Place::Derived {
                let opened = self.open(&layout, part, source, place, [start, len])?;
                inputs.push(Input { input: input as u8, opened });
            }
        }
        // Now and then another word than the one that is judged.
        let shown = if below(4) == 0 { below(instruction.len()) } else { element };
        let output = match layout.output(index) {
            None | Some(Place::Derived) => None,
            Some(place) => Some(self.open(&layout, part, Source::Output(index), place, [shown, 1])?),
        };
        Some(Judgement { instruction: index, element, output, inputs: inputs.try_into().ok()? })
    }

    /// Whether the openings of a judgement are the defender's words, and who is to lose by them.
    fn judged(&self, span: Span, judgement: &Judgement) -> Result<Side, &'static str> {
        let (part, index) = (span.part, judgement.instruction);
        let layout = Layout::of(self.table, part);
        let side = |convicted| Ok(if convicted { Side::Defender } else { Side::Challenger });
        let claimed = layout.diverges().filter(|claimed| claimed.instruction == index);
        let Some(instruction) = layout.instruction(index) else {
            return if claimed.is_some() { side(true) } else { Err("no such instruction") };
        };
        if claimed.is_some_and(|claimed| u64::from(claimed.element) >= instruction.len()) {
            return side(true);
        }
        // The claim says nothing of what comes after it, which need not be finite either.
        if claimed.is_some_and(|claimed| judgement.element > claimed.element.into()) {
            return Err("an element after the one that is claimed");
        }
        let mut inputs = Vec::new();
        for operand in instruction.inputs.iter() {
            // What the chain derives by itself is right in every book.
            inputs
                .push(self.defender.words(part, operand.source).ok_or("an input that the defender has not")?);
        }
        for input in &judgement.inputs {
            let operand = instruction.inputs.get(usize::from(input.input)).ok_or("no such input")?;
            let place = layout.place(operand.source).ok_or("an input that is nowhere")?;
            if !self.is_opened(&layout, part, operand.source, place, &input.opened) {
                return Err("words of an input that are not the defender's");
            }
        }
        let value =
            instruction.op.element(judgement.element, &Inputs(inputs)).map_err(|_| "no such element")?;
        let finite = !instruction.op.is_float() || f32::from_bits(value).is_finite();
        if let Some(claimed) = claimed {
            return side(finite == (judgement.element == u64::from(claimed.element)));
        }
        let source = Source::Output(index);
        let place = layout.output(index).ok_or("an output that is nowhere")?;
        let theirs = match (&judgement.output, self.table.outcome()) {
            (None, Some(Outcome::Trained(commitment))) if part == Part::Finish => commitment.mean_loss.0,
            (Some(output), _) if self.is_opened(&layout, part, source, place, output) => {
                let words = self.defender.words(part, source).ok_or("an output that the defender has not")?;
                words[judgement.element as usize]
            }
            _ => return Err("words of the output that are not the defender's"),
        };
        let both_nan =
            instruction.op.is_float() && f32::from_bits(value).is_nan() && f32::from_bits(theirs).is_nan();
        let must_be_finite = matches!(part, Part::Step(_) | Part::Diverging(_));
        side((must_be_finite && !finite) || (value != theirs && !both_nan))
    }
}

/// A judgement of what is drawn, all of it opened as the defender has it, where one may be made.
pub fn judgement(table: &Table, game: &Game, below: &mut dyn FnMut(u64) -> u64) -> Option<Made> {
    let Stage::Outputs { span, asked: None, .. } = game.stage else { return None };
    let truth = Truth { table, defender: table.defender };
    Some(Made::Press(Move::Judge(truth.judgement(span, below)?)))
}

/// What an accepted move shows is what the defender is bound to, to the last node, and the verdict is the right one.
pub fn check(
    table: &Table,
    position: &Position,
    made: &Made,
    verdict: Option<Side>,
) -> Result<(), &'static str> {
    let truth = Truth { table, defender: table.defender };
    let game = &position.game;
    let is_true = match made {
        // Nothing else than what was asked for comes to the root; but what a new root is made of is free.
        Made::Answer(Answer::Nodes { .. } | Answer::Chunk { .. }) => *made == position.made,
        Made::Answer(Answer::Ends { first, last, top }) => match &position.made {
            Made::Answer(Answer::Ends { first: own_first, last: own_last, top: own_top }) => {
                (first, last, top.len()) == (own_first, own_last, own_top.len())
            }
            _ => false,
        },
        Made::Answer(Answer::Trace { .. }) | Made::Press(Move::AskPosted(_) | Move::AskEnd(_)) => true,
        Made::Press(Move::AskBuffer { instruction, member, .. }) => {
            let Stage::Outputs { span, .. } = game.stage else { return Err("asks for a buffer") };
            let layout = Layout::of(table, span.part);
            let place = layout.output(*instruction).ok_or("no such output")?;
            *member == truth.buffer(&layout, span.part, place)
        }
        Made::Press(Move::NameSegment { segment, first, last }) => {
            Some(first) == truth.leaf(*segment).as_ref() && Some(last) == truth.leaf(segment + 1).as_ref()
        }
        Made::Press(Move::NameStep { step, ends: StepEnds { from, to } }) => {
            let segment = matches!(game.claim, Claim::Segment(_));
            // In a segment the places are one lower: its first state is not among those posted.
            let places =
                if segment { (step.checked_sub(1), Some(*step)) } else { (Some(*step), step.checked_add(1)) };
            let is_state = |member: &Option<Member>, place: Option<u32>| {
                let posted = place.and_then(|place| truth.state(position, place));
                // What is bound otherwise need not be opened, and is not looked at.
                posted.is_none() || *member == posted
            };
            is_state(from, places.0) && is_state(to, places.1)
        }
        Made::Press(Move::NameBegin { to }) => match game.stage {
            Stage::Leaves { .. } => Some(to) == truth.leaf(0).as_ref(),
            _ => Some(to) == truth.state(position, 0).as_ref(),
        },
        Made::Press(Move::JudgeHeader { bytes, .. }) => {
            let update = table.defender.content(Blob::Own).ok_or("an update")?;
            let own = &update[..update.len().min(CHUNK as usize)];
            let header = update::header(&table.world.spec.hash(), table.world.round, table.defender.run.slot);
            let loser = if own.starts_with(&header) { Side::Challenger } else { Side::Defender };
            bytes.as_slice() == own && verdict == Some(loser)
        }
        Made::Press(Move::Judge(judgement)) => {
            let Stage::Outputs { span, .. } = game.stage else { return Err("judges outputs") };
            let loser = truth.judged(span, judgement)?;
            if verdict != Some(loser) {
                return Err("a verdict that the defender's own numbers do not bear out");
            }
            true
        }
    };
    if is_true { Ok(()) } else { Err("it shows what the defender is not bound to") }
}
