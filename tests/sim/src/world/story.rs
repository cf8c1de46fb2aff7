//! What happened, line by line, and the lines that concern one message.

use std::fmt::Write;

use twine_proto::{Content, Frame, Seq};

use super::World;
use crate::coverage::Group;
use crate::poison;

/// Longer runs of one letter are told by their length.
const LONGEST_RUN: usize = 8;

/// One line of a world's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// World milliseconds.
    pub at_ms: u64,
    /// A fault happened.
    pub fault: bool,
    /// What.
    pub text: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (s, ms) = (self.at_ms / 1000, self.at_ms % 1000);
        write!(f, "{s:>9}.{ms:03}  {}", self.text)
    }
}

impl World {
    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        self.add_line(false, line);
    }

    /// A fault happened.
    pub(super) fn broke(&mut self, name: &'static str, line: impl FnOnce() -> String) {
        self.coverage.count(Group::Fault, name);
        self.add_line(true, line);
    }

    fn add_line(&mut self, fault: bool, line: impl FnOnce() -> String) {
        let at_ms = self.now;
        if let Some(story) = &mut self.story {
            let text = short(&line());
            story.push(Line { at_ms, fault, text });
        }
    }
}

/// A frame with the text it carries, which a frame does not show by itself.
pub(super) fn told(frame: &Frame) -> String {
    let content = match frame {
        Frame::Submit(submit) => &submit.content,
        Frame::Deliver(deliver) => &deliver.content,
        _ => return format!("{frame:?}"),
    };
    let text = poison::text_of(content).unwrap_or_default();
    let note = Content::decode(content).map_or_else(|_| Vec::new(), |content| content.note);
    let note = note.iter().fold(String::new(), |told, entry| {
        format!("{told} {}:{:?}", entry.lane_seq, entry.filled)
    });
    format!("{frame:?} = {text:?}{note}")
}

/// A text for people: a run of one letter, with which texts are made long, is told by
/// its length.
pub fn short(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let end = rest.find(|other| other != letter).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let count = run.chars().count();
        if count > LONGEST_RUN {
            let _ = write!(out, "[{letter:?} × {count}]");
        } else {
            out.push_str(run);
        }
        rest = after;
    }
    out
}

/// The lines that mention a message, one of its seqs, or a fault between the first
/// and the last of these. The message may be quoted whole, or by the beginning of its
/// text, which is its name in the world: `h0m5`.
pub fn about(story: &[Line], message: &str) -> Vec<Line> {
    let name = name_of(message).unwrap_or(message);
    let names = |line: &Line| mentions(&line.text, name);
    let mut seqs: Vec<(String, String)> = Vec::new();
    for line in story.iter().filter(|line| names(line)) {
        let handset = line.text.split(' ').next().unwrap_or_default();
        if let Some((_, rest)) = line.text.split_once("Submit { ")
            && let Some((_, rest)) = rest.split_once("seq: Seq(")
            && let Some((seq, _)) = rest.split_once(')')
            && let Ok(seq) = seq.parse()
        {
            seqs.push((handset.to_owned(), format!("{:?}", Seq(seq))));
        }
    }
    let concerns = |line: &Line| {
        names(line)
            || seqs.iter().any(|(handset, seq)| {
                let of_it = line.text.split(' ').next() == Some(handset);
                of_it && mentions(&line.text, seq)
            })
    };
    let Some(first) = story.iter().position(concerns) else {
        return Vec::new();
    };
    let last = story.iter().rposition(concerns).unwrap_or(first);
    story
        .iter()
        .enumerate()
        .filter(|(at, line)| concerns(line) || line.fault && (first..=last).contains(at))
        .map(|(_, line)| line.clone())
        .collect()
}

/// The name with which each text of a world begins: `h0m5`.
pub fn name_of(text: &str) -> Option<&str> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_digit());
        from + end.unwrap_or(rest.len())
    };
    let middle = digits(1);
    let end = digits(middle + 1);
    let is_name = text.starts_with('h') && text.get(middle..).is_some_and(|m| m.starts_with('m'));
    (is_name && end > middle + 1).then(|| &text[..end])
}

/// Whether a name or a seq stands there: as a word of its own, unlike in `LaneSeq(1)`
/// or in `h0m51`. What makes a text long, a letter or more, may follow.
fn mentions(line: &str, word: &str) -> bool {
    !word.is_empty()
        && line.match_indices(word).any(|(at, _)| {
            let before = line[..at].ends_with(char::is_alphanumeric);
            let after = line[at + word.len()..].starts_with(|c: char| c.is_ascii_digit());
            !before && !after
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_told_by_their_length() {
        let text = format!("h0m5{}!content", "x".repeat(900));
        assert_eq!(short(&text), "h0m5['x' × 900]!content");
        assert_eq!(short("h0m5 ж"), "h0m5 ж");
    }

    #[test]
    fn a_message_is_found_by_its_name_and_by_nothing_like_it() {
        let line = |text: &str| Line {
            at_ms: 0,
            fault: false,
            text: text.into(),
        };
        let story = [
            "h0 app sends h0m5xxx",
            "h0 app sends h0m51",
            "h0 app sends hh0m5",
        ]
        .map(line);
        for message in ["h0m5", "h0m5xxx", "h0m5['x' × 900]"] {
            assert_eq!(about(&story, message), story[..1]);
        }
        assert_eq!(about(&story, "h7m1"), []);
    }
}
