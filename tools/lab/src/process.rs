//! Child processes that never outlive the lab.
//!
//! Owns starting, signalling and reaping. Three nets catch a child: it is
//! killed when its handle is dropped, when the thread that started it dies
//! (PR_SET_PDEATHSIG), and at the start if that happened already.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use thiserror::Error;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::limits::{LOG_TAIL_BYTES, LOG_TAIL_LINES, MAX_LOG_ERRORS, STOP_TIMEOUT};

/// What could not be done to a process.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// It cannot be started.
    #[error("cannot start {name} ({})", program.display())]
    Start {
        /// For people.
        name: String,
        /// Which file.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended by itself.
    #[error("{name} ended by itself ({status}); the end of its log:\n{log_tail}")]
    Ended {
        /// For people.
        name: String,
        /// How.
        status: ExitStatus,
        /// Its last lines.
        log_tail: String,
    },
    /// It was not ready in time.
    #[error("{name} was not ready in time; the end of its log:\n{log_tail}")]
    NotReady {
        /// For people.
        name: String,
        /// Its last lines.
        log_tail: String,
    },
    /// A signal or a wait failed.
    #[error("cannot control {name}")]
    Control {
        /// For people.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// How to run a program.
#[derive(Debug, Clone)]
pub struct Spec {
    /// For people, and the name of its log.
    pub name: String,
    /// Which file.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Where its output goes, appended.
    pub log: PathBuf,
}

/// A program that runs, or has run.
#[derive(Debug)]
pub struct Process {
    spec: Spec,
    child: Option<Child>,
}

impl Process {
    /// Not running yet.
    #[must_use]
    pub const fn new(spec: Spec) -> Self {
        Self { spec, child: None }
    }

    /// Starts it. One that runs is killed first.
    pub async fn start(&mut self) -> Result<(), ProcessError> {
        self.kill().await?;
        let failed = |source| ProcessError::Start {
            name: self.spec.name.clone(),
            program: self.spec.program.clone(),
            source,
        };
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.spec.log)
            .map_err(failed)?;
        let mut command = Command::new(&self.spec.program);
        command
            .args(&self.spec.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .kill_on_drop(true);
        die_with_parent(&mut command);
        self.child = Some(command.spawn().map_err(failed)?);
        Ok(())
    }

    /// SIGKILL, and waits until it is gone. Nothing to do if it does not run.
    pub async fn kill(&mut self) -> Result<(), ProcessError> {
        if let Some(mut child) = self.child.take() {
            child.kill().await.map_err(|source| self.control(source))?;
        }
        Ok(())
    }

    /// SIGTERM, and SIGKILL if that is not heard. Returns how it ended.
    pub async fn stop(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        if self.child.is_none() {
            return Ok(None);
        }
        self.signal(Signal::SIGTERM)?;
        let Some(child) = &mut self.child else {
            return Ok(None);
        };
        let waited = timeout(STOP_TIMEOUT, child.wait()).await;
        match waited {
            Ok(Ok(status)) => {
                self.child = None;
                Ok(Some(status))
            }
            Ok(Err(source)) => Err(self.control(source)),
            Err(_) => {
                self.kill().await?;
                Ok(None)
            }
        }
    }

    /// SIGSTOP: it hangs, as a frozen or starved process does. Returns when it
    /// stands still.
    pub fn pause(&self) -> Result<(), ProcessError> {
        self.signal(Signal::SIGSTOP)?;
        let Some(id) = self.child.as_ref().and_then(Child::id) else {
            return Ok(());
        };
        // Blocks for as long as the signal takes, which is microseconds. Leaves
        // the status for whoever reaps the child.
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(Pid::from_raw(id as i32)), flags)
            .map(|_| ())
            .map_err(|errno| self.control(errno.into()))
    }

    /// SIGCONT.
    pub fn resume(&self) -> Result<(), ProcessError> {
        self.signal(Signal::SIGCONT)
    }

    /// Whether it runs. One that ended by itself is an error: nothing under
    /// test may do that.
    pub fn check(&mut self) -> Result<bool, ProcessError> {
        let Some(child) = &mut self.child else {
            return Ok(false);
        };
        match child.try_wait() {
            Ok(None) => Ok(true),
            Ok(Some(status)) => {
                self.child = None;
                Err(ProcessError::Ended {
                    name: self.spec.name.clone(),
                    status,
                    log_tail: self.log_tail(),
                })
            }
            Err(source) => Err(self.control(source)),
        }
    }

    /// Lines of its log that tell of an error or a panic, the first few.
    #[must_use]
    pub fn log_errors(&self) -> Vec<String> {
        let Ok(file) = File::open(&self.spec.log) else {
            return Vec::new();
        };
        BufReader::new(file)
            .lines()
            .map_while(Result::ok)
            .filter(|line| line.contains("ERROR") || line.contains("panicked"))
            .take(MAX_LOG_ERRORS)
            .map(|line| format!("{}: {line}", self.spec.name))
            .collect()
    }

    /// It took too long.
    pub(crate) fn not_ready(&self) -> ProcessError {
        ProcessError::NotReady {
            name: self.spec.name.clone(),
            log_tail: self.log_tail(),
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        let Some(id) = self.child.as_ref().and_then(Child::id) else {
            return Ok(());
        };
        // A pid fits: the system made it.
        kill(Pid::from_raw(id as i32), signal).map_err(|errno| self.control(errno.into()))
    }

    fn control(&self, source: io::Error) -> ProcessError {
        ProcessError::Control {
            name: self.spec.name.clone(),
            source,
        }
    }

    fn log_tail(&self) -> String {
        tail(&self.spec.log).unwrap_or_else(|error| format!("(no log: {error})"))
    }
}

/// The last lines of a file.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(LOG_TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().rev().take(LOG_TAIL_LINES).collect();
    let lines: Vec<_> = lines.iter().rev().map(|line| format!("  {line}")).collect();
    Ok(lines.join("\n"))
}

/// The child gets SIGKILL when the thread that starts it dies.
#[expect(
    unsafe_code,
    reason = "the one place where a child is prepared between fork and exec"
)]
fn die_with_parent(command: &mut Command) {
    let parent = nix::unistd::getpid();
    let prepare = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The parent may have died before the call above.
        if nix::unistd::getppid() != parent {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe functions may run;
    // `prctl` and `getppid` are plain system calls, and making an `io::Error`
    // of an errno or a kind does not allocate.
    unsafe {
        command.pre_exec(prepare);
    }
}
