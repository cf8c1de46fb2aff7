//! The daemon's process: arguments, configuration, log, signals, exit code.

use std::ffi::OsString;
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use twined::config::{self, DEFAULT_FILE, Source};
use twined::logging;
use twined::startup::{self, RunError, VERSION, chain};

const HELP: &str = "\
twined: Twine's daemon

Usage: twined [--config FILE]... [--overlay FILE]... [--check-config]

  --config FILE   read this file; may be repeated, later files win
                  (default: /system_ext/etc/twine/twined.toml)
  --overlay FILE  as --config, but the file may be missing
  --check-config  print the effective configuration with the origin of each
                  value, or everything that is wrong with it, and exit
  --version       print the version and exit
  --help          print this and exit

Stops on SIGTERM and SIGINT. Being killed at any moment is safe.

Exit codes: 0 stopped, or the configuration is good; 1 the configuration is
wrong, or the daemon could not start or go on; 2 wrong arguments.
";

/// Name look-ups are the only work that goes to other threads.
const LOOKUP_THREADS: usize = 2;
/// Enough for the resolver of the C library.
const LOOKUP_STACK_BYTES: usize = 256 * 1024;

enum Task {
    Run,
    CheckConfig,
    Print(String),
}

fn main() -> ExitCode {
    logging::install(log::LevelFilter::Info);
    let (task, files) = match arguments(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("twined: {error}\nTry: twined --help");
            return ExitCode::from(2);
        }
    };
    if let Task::Print(text) = task {
        return print(&text);
    }
    let effective = match config::load(&files) {
        Ok(effective) => effective,
        Err(errors) => {
            if matches!(task, Task::CheckConfig) {
                eprintln!("{errors}");
            } else {
                // On a phone nobody sees standard error.
                for error in &errors.0 {
                    log::error!("configuration: {error}");
                }
            }
            return ExitCode::FAILURE;
        }
    };
    if matches!(task, Task::CheckConfig) {
        return print(&effective.describe());
    }
    logging::set_level(effective.config.log_level);
    let ended = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let stop = stop_signal()?;
            startup::run(effective.config, stop).await
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// To standard output; that may be closed or full.
fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twined: cannot write to standard output: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(Task, Vec<Source>), lexopt::Error> {
    use lexopt::Arg::Long;
    let mut parser = lexopt::Parser::from_iter(arguments);
    let mut files = Vec::new();
    let mut task = Task::Run;
    while let Some(argument) = parser.next()? {
        match argument {
            Long(name @ ("config" | "overlay")) => {
                let optional = name == "overlay";
                let file = parser.value()?.into();
                files.push(Source { file, optional });
            }
            Long("check-config") => task = Task::CheckConfig,
            Long("version") => {
                return Ok((Task::Print(format!("twined {VERSION}\n")), files));
            }
            Long("help") => return Ok((Task::Print(HELP.to_owned()), files)),
            _ => return Err(argument.unexpected()),
        }
    }
    if files.is_empty() {
        files.push(Source {
            file: DEFAULT_FILE.into(),
            optional: false,
        });
    }
    Ok((task, files))
}

fn runtime() -> Result<Runtime, RunError> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(LOOKUP_THREADS)
        .thread_stack_size(LOOKUP_STACK_BYTES)
        .thread_name("twine-lookup")
        .build()
        .map_err(missing("an event loop"))
}

fn missing(what: &'static str) -> impl Fn(io::Error) -> RunError {
    move |source| RunError::System { what, source }
}

/// Done when the process is asked to end.
fn stop_signal() -> Result<impl Future<Output = ()>, RunError> {
    let mut signals: [Signal; 2] = [
        signal(SignalKind::terminate()).map_err(missing("signals"))?,
        signal(SignalKind::interrupt()).map_err(missing("signals"))?,
    ];
    Ok(poll_fn(move |context| {
        let came = signals
            .iter_mut()
            .any(|signal| signal.poll_recv(context).is_ready());
        if came { Poll::Ready(()) } else { Poll::Pending }
    }))
}
