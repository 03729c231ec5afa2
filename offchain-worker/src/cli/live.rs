//! Live views: lines that are drawn anew on a terminal. What the lines say is made elsewhere, by pure functions; only [`Screen`] knows
//! that there is a terminal.

pub mod chart;
pub mod losses;
pub mod source;

use crate::{
    output::Output,
    stop::{self, Stop},
};
use console::Term;
use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
};

/// Alternate screen, no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";

/// The cursor, and what was on the screen before.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// What a terminal has where nobody says how large it is.
const USUAL: Size = Size { rows: 24, columns: 80 };

/// The smallest size that anything is laid out for.
const LEAST: Size = Size { rows: 8, columns: 40 };

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Lines.
    pub rows: usize,
    /// Characters in a line.
    pub columns: usize,
}

/// A terminal's alternate screen, until it is dropped: what stood there before comes back.
#[derive(Debug)]
pub struct Screen(());

impl Screen {
    /// The screen, if standard output is a terminal that can do more than print. Signals that would end the process without a word raise
    /// `stop` from then on, and none leaves the terminal as it is.
    pub fn open(stop: &Stop) -> Option<Self> {
        let dumb = std::env::var_os("TERM").is_none_or(|name| name == "dumb");
        if dumb || !io::stdout().is_terminal() {
            return None;
        }
        stop.also_at_hangup().ok()?;
        stop::at_exit(Some(leave));
        // From here on it is left when dropped.
        let screen = Self(());
        let mut out = Output::lock();
        write!(out, "{ENTER}").and_then(|()| out.flush()).ok()?;
        Some(screen)
    }

    /// How large it is now.
    pub fn size(&self) -> Size {
        let (rows, columns) = Term::stdout().size_checked().unwrap_or((0, 0));
        let or = |found: u16, usual: usize| if found == 0 { usual } else { found.into() };
        Size {
            rows: or(rows, USUAL.rows).max(LEAST.rows),
            columns: or(columns, USUAL.columns).max(LEAST.columns),
        }
    }

    /// Shows these lines, and nothing else.
    ///
    /// # Errors
    /// If the terminal has gone.
    pub fn show(&mut self, lines: &[String]) -> io::Result<()> {
        let mut out = Output::lock();
        out.write_all(frame(lines, self.size()).as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = Output::lock();
        let _ = write!(out, "{LEAVE}").and_then(|()| out.flush());
        stop::at_exit(None);
    }
}

/// Leaves the screen where nothing is dropped. Not through the lock of standard output, which somebody may hold for good.
fn leave() {
    if let Ok(out) = io::stdout().as_fd().try_clone_to_owned() {
        let _ = File::from(out).write_all(LEAVE.as_bytes());
    }
}

/// What is written to a terminal to show these lines: each is cut to its width and clears the rest of its row. Nothing is cleared
/// first, which would flicker.
fn frame(lines: &[String], size: Size) -> String {
    let mut text = String::from("\x1b[H");
    for (index, line) in lines.iter().take(size.rows).enumerate() {
        if index > 0 {
            text.push_str("\r\n");
        }
        text.push_str(&console::truncate_str(line, size.columns, "…"));
        text.push_str("\x1b[K");
    }
    text.push_str("\x1b[J");
    text
}

/// The beginning and the end of an account, for people who compare.
pub fn short(account: &impl std::fmt::Display) -> String {
    let text = account.to_string();
    let count = text.chars().count();
    if count <= 12 {
        return text;
    }
    let (head, tail): (String, String) =
        (text.chars().take(6).collect(), text.chars().skip(count.saturating_sub(4)).collect());
    format!("{head}…{tail}")
}

/// A bar that is full at `of`.
pub fn bar(done: u32, of: u32, width: usize) -> String {
    let full = usize::try_from(done)
        .ok()
        .and_then(|done| done.checked_mul(width)?.checked_div(usize::try_from(of).ok()?))
        .unwrap_or(0)
        .min(width);
    format!("{}{}", "█".repeat(full), "░".repeat(width.saturating_sub(full)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_cut_to_the_terminal() {
        let lines: Vec<String> =
            ["short", "a line that is too long", "three", "four"].map(String::from).into();
        let found = frame(&lines, Size { rows: 3, columns: 10 });
        assert_eq!(found, "\x1b[Hshort\x1b[K\r\na line th…\x1b[K\r\nthree\x1b[K\x1b[J");
    }

    #[test]
    fn a_bar_is_never_wider_than_it_is() {
        assert_eq!(bar(0, 4, 8), "░░░░░░░░");
        assert_eq!(bar(1, 4, 8), "██░░░░░░");
        assert_eq!(bar(9, 4, 8), "████████");
        assert_eq!(bar(1, 0, 4), "░░░░");
    }

    #[test]
    fn accounts_are_shortened_in_the_middle() {
        assert_eq!(short(&"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"), "5Grwva…utQY");
        assert_eq!(short(&"short"), "short");
    }
}
