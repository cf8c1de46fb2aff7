//! Why a command did not do what was asked, and the exit code that says so.

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

use twine_control::{ClientError, ConnectError, Ending};

use crate::json::Value;
use crate::words::error_code;

/// What each exit code means, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  not done: the daemon said no, or what was given cannot be read, and why
  2  wrong usage
  3  cannot reach the daemon, or it gives no sign of life
  4  the daemon said something that this version cannot understand
  5  result not known: the connection ended before the answer. Repeating is
     safe; repeat a send with the same --token
  6  the answer could not be written out
";

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    /// A stable word for programs.
    code: String,
    message: String,
}

impl Failure {
    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: 2,
            code: "usage".to_owned(),
            message: message.into(),
        }
    }

    /// What was given cannot be read, or cannot be sent.
    pub(crate) fn input(code: &str, message: impl Into<String>) -> Self {
        Self {
            exit: 1,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// The answer cannot be written.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        Self {
            exit: 6,
            code: "output".to_owned(),
            message: format!("cannot write the answer: {error}"),
        }
    }

    /// No token could be made.
    pub(crate) fn no_token(error: &std::io::Error) -> Self {
        Self::usage(format!(
            "cannot make a token from /dev/urandom ({error}); give one with --token"
        ))
    }

    /// The same failure with more to say.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        let _ = write!(self.message, "\n  {hint}");
        self
    }

    /// Whether the request may have been carried out.
    pub(crate) const fn result_unknown(&self) -> bool {
        self.exit == 5
    }

    /// Of a request that only reads: no result is open, there was just no
    /// answer.
    pub(crate) fn of_reading(mut self) -> Self {
        if self.result_unknown() {
            self.exit = 3;
            self.code = "unreachable".to_owned();
        }
        self
    }

    /// Whether the role that was asked for is not granted to this user.
    pub(crate) fn denied(&self) -> bool {
        self.code == error_code(twine_control::pb::ErrorCode::PermissionDenied)
    }

    /// Leaves numbers out of what will be said.
    pub(crate) fn redacted(mut self) -> Self {
        self.message = crate::redact::free_text(&self.message);
        self
    }

    /// Says it on stderr, and returns its exit code.
    pub(crate) fn report(&self, wants_json: bool) -> ExitCode {
        if wants_json {
            let error = Value::object([
                ("code", Value::text(&self.code)),
                ("message", Value::text(&self.message)),
                ("exit", Value::from(u64::from(self.exit))),
            ]);
            eprintln!("{}", Value::object([("error", error)]));
        } else {
            eprintln!("twinectl: {}", self.message);
        }
        ExitCode::from(self.exit)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let (exit, code) = match &error {
            ConnectError::Name(_) => (2, "usage".to_owned()),
            ConnectError::Refused(refusal) => (1, error_code(refusal.code)),
            ConnectError::Unreachable { .. } | ConnectError::TimedOut => {
                (3, "unreachable".to_owned())
            }
            ConnectError::Ended(Ending::Eof | Ending::Io(_)) => (3, "unreachable".to_owned()),
            ConnectError::Ended(_) | ConnectError::Version { .. } => (4, "protocol".to_owned()),
        };
        Self {
            exit,
            code,
            message: with_sources(&error),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (exit, code) = match &error {
            ClientError::Refused(refusal) => (1, error_code(refusal.code)),
            ClientError::TooLarge { .. } | ClientError::NoRequest { .. } => (2, "usage".to_owned()),
            ClientError::NoRoom => (1, "busy".to_owned()),
            ClientError::Unfitting { .. } => (4, "protocol".to_owned()),
            ClientError::TimedOut => (5, "result_unknown".to_owned()),
            ClientError::ResultUnknown(ended) | ClientError::NotSent(ended) => {
                match (&ended.ending, error.result_unknown()) {
                    (Ending::Closed(refusal), false) => (1, error_code(refusal.code)),
                    (Ending::Framing(_) | Ending::Frame(_) | Ending::Unexpected(_), _) => {
                        (4, "protocol".to_owned())
                    }
                    (_, true) => (5, "result_unknown".to_owned()),
                    (_, false) => (3, "unreachable".to_owned()),
                }
            }
        };
        Self {
            exit,
            code,
            message: with_sources(&error),
        }
    }
}

/// The error and its causes on one line. Some repeat their cause; it is said
/// once.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    text
}
