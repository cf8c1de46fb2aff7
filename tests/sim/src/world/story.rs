//! What happened, line by line, and the lines that concern one message.

use twine_proto::{Frame, Seq};

use super::World;
use crate::coverage::Group;
use crate::poison;

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
            let text = line();
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
    format!("{frame:?} = {text:?}")
}

/// The lines that mention a message's text, one of its seqs, or a fault between
/// the first and the last of these.
pub fn about(story: &[Line], message: &str) -> Vec<Line> {
    let quoted = format!("\"{message}\"");
    let names = |line: &Line| {
        line.text.contains(&quoted) || line.text.split(' ').any(|word| word == message)
    };
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
                line.text.starts_with(handset.as_str()) && mentions(&line.text, seq)
            })
    };
    let first = story.iter().position(concerns).unwrap_or(0);
    let last = story.iter().rposition(concerns).unwrap_or(0);
    story
        .iter()
        .enumerate()
        .filter(|(at, line)| concerns(line) || line.fault && (first..=last).contains(at))
        .map(|(_, line)| line.clone())
        .collect()
}

/// Whether a seq stands there: as a word of its own, unlike in `LaneSeq(1)`.
fn mentions(line: &str, seq: &str) -> bool {
    line.match_indices(seq)
        .any(|(at, _)| !line[..at].ends_with(char::is_alphanumeric))
}
