//! A phone's folder and a running daemon, for tests with the real process.
#![allow(dead_code, reason = "no test uses everything")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use twine_control::blocking::Client;
use twine_control::pb;

pub(crate) const TWINED: &str = env!("CARGO_BIN_EXE_twined");
pub(crate) const OWN: &str = "+254712345678";
pub(crate) const PEER: &str = "+2348031234567";

/// A phone's folder: configuration, root, data.
pub(crate) struct Phone {
    dir: TempDir,
}

/// A running daemon; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Phone {
    pub(crate) fn new(extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut root = rcgen::CertificateParams::default();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = root
            .self_signed(&rcgen::KeyPair::generate().unwrap())
            .unwrap();
        fs::write(dir.path().join("root.pem"), root.pem()).unwrap();
        let uid = fs::metadata("/proc/self").unwrap().uid();
        let config = format!(
            "data_dir = \"data\"\nsocket = \"twined.sock\"\nlog.level = \"debug\"\n\
             [roles]\napp = [{uid}]\ntelephony = [{uid}]\ndiagnostics = [{uid}]\n\
             [gateway]\nhost = \"127.0.0.1\"\nroots = [\"root.pem\"]\n{extra}"
        );
        fs::write(dir.path().join("twined.toml"), config).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(TWINED);
        command.arg("--config").arg(self.path("twined.toml"));
        command
    }

    /// Starts the daemon and waits until it says that it is ready.
    pub(crate) fn start(&self) -> Daemon {
        Daemon::start(self.command())
    }

    pub(crate) fn output(&self) -> Output {
        self.command().output().unwrap()
    }

    pub(crate) fn connect(&self, name: &str, roles: &[pb::Role]) -> Client {
        Client::connect(self.path("twined.sock"), name, roles, None).unwrap()
    }

    pub(crate) fn app(&self) -> Client {
        self.connect("com.example", &[pb::Role::App])
    }
}

impl Daemon {
    /// As [`Phone::start`], with a command of the test's own.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut daemon = Self { child, log };
        daemon.wait_for_log("is ready");
        daemon
    }

    pub(crate) fn wait_for_log(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.log.read_line(&mut line).unwrap(),
                0,
                "ended before {words:?}"
            );
            if line.contains(words) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Its exit code and the rest of its log.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended already is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn register() -> pb::Register {
    pb::Register {
        number: OWN.to_owned(),
        iccid: "8925402000000000001".to_owned(),
        consent: true,
    }
}
