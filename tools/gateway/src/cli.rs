//! The command line: arguments, help, exit codes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::{Long, Short, Value, ValueExt};
use twine_gateway_core::DeviceKey;
use twine_proto::E164;

use crate::commands::{numbers, restored, serve, stats};
use crate::config::{self, ConfigError, GatewayConfig};
use crate::dev_cert;
use twine_out::{errln, say, sayln};

/// Not done; the message says why.
const FAILED: u8 = 1;
/// The command line is wrong.
const USAGE: u8 = 2;
/// The configuration is wrong.
const BAD_CONFIG: u8 = 3;

const HELP: &str = "\
twine-gateway: takes messages from handsets, keeps them, and delivers them

usage:
  twine-gateway serve --config FILE [--ready-file PATH] [--check-config]
      Serve until SIGTERM or SIGINT; then tell every handset to come back soon,
      flush, and exit 0. Prints \"listening quic=ADDRESS tls=ADDRESS\" on stderr
      when ready.
      --ready-file PATH  write \"quic=ADDRESS\" and \"tls=ADDRESS\" lines there when
                         ready (useful with port 0)
      --check-config     only check the file, and print the settings in effect

  twine-gateway dev-cert --out DIR --name NAME [--name NAME …]
      Make root.pem (for handsets), server.pem and server.key (for this gateway)
      for development. NAME is a DNS name or an IP address.

  twine-gateway provision --config FILE --number +NUMBER --key HEX
      Bind a number to the device with this key. Works beside a running server.
  twine-gateway unprovision --config FILE --number +NUMBER
      Take a number from its device. Its mail waits.
  twine-gateway list --config FILE
      Show all numbers, in full: for the operator's eyes.
  twine-gateway stats --config FILE
      Show what is in the database.
  twine-gateway restored --config FILE
      Say this once after the database came back from a backup, before serving:
      nothing that waits is then taken back as if it had never been handed over.

  twine-gateway --help | --version

exit codes:
  0  done
  1  not done; stderr says why
  2  wrong usage
  3  the configuration is not valid; stderr names file, line and key

configuration (TOML; paths are relative to the file):
  data_dir = \"PATH\"            where the database lives; created if missing
  listen_quic = \"IP:PORT\"      QUIC; port 0: any free port
  listen_tls = \"IP:PORT\"       TLS 1.3 over TCP; at least one of the two
  cert = \"PATH\"                PEM, the server's certificate first
  key = \"PATH\"                 PEM
  log = \"info\"                 error, warn, info or debug

  and under [limits]:
";

/// A command with its options.
#[derive(Debug, PartialEq)]
enum Command {
    Help,
    Version,
    Serve {
        config: PathBuf,
        ready_file: Option<PathBuf>,
        check_only: bool,
    },
    DevCert {
        out: PathBuf,
        names: Vec<String>,
    },
    Provision {
        config: PathBuf,
        number: E164,
        key: DeviceKey,
    },
    Unprovision {
        config: PathBuf,
        number: E164,
    },
    List {
        config: PathBuf,
    },
    Stats {
        config: PathBuf,
    },
    Restored {
        config: PathBuf,
    },
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(command) => execute(command),
        Err(error) => {
            errln!("twine-gateway: {error}\nsee twine-gateway --help");
            ExitCode::from(USAGE)
        }
    }
}

#[derive(Default)]
struct Options {
    config: Option<PathBuf>,
    ready_file: Option<PathBuf>,
    check_only: bool,
    out: Option<PathBuf>,
    names: Vec<String>,
    number: Option<E164>,
    key: Option<DeviceKey>,
}

fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut command: Option<OsString> = None;
    let mut options = Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Long("config") => options.config = Some(parser.value()?.into()),
            Long("ready-file") => options.ready_file = Some(parser.value()?.into()),
            Long("check-config") => options.check_only = true,
            Long("out") => options.out = Some(parser.value()?.into()),
            Long("name") => options.names.push(parser.value()?.string()?),
            Long("number") => {
                // The number itself is not repeated in an error.
                let number = parser.value()?.string()?;
                options.number = Some(
                    number
                        .parse()
                        .map_err(|error| lexopt::Error::from(format!("--number: {error}")))?,
                );
            }
            Long("key") => {
                let key = parser.value()?.string()?;
                let key = numbers::parse_key(&key).map_err(|error| format!("--key: {error}"))?;
                options.key = Some(key);
            }
            Value(name) if command.is_none() => command = Some(name),
            _ => return Err(argument.unexpected()),
        }
    }
    let Some(command) = command else {
        return Err("no command given".into());
    };
    options.command(&command.to_string_lossy())
}

impl Options {
    fn command(self, name: &str) -> Result<Command, lexopt::Error> {
        let missing = |option: &str| lexopt::Error::from(format!("{name} needs {option}"));
        let given = self.given();
        let allowed: &[&str] = match name {
            "serve" => &["--config", "--ready-file", "--check-config"],
            "dev-cert" => &["--out", "--name"],
            "provision" => &["--config", "--number", "--key"],
            "unprovision" => &["--config", "--number"],
            "list" | "stats" | "restored" => &["--config"],
            _ => return Err(format!("there is no command '{name}'").into()),
        };
        if let Some(option) = given.iter().find(|option| !allowed.contains(option)) {
            return Err(format!("{name} has no option {option}").into());
        }
        if name == "dev-cert" {
            let out = self.out.ok_or_else(|| missing("--out DIR"))?;
            if self.names.is_empty() {
                return Err(missing("--name NAME"));
            }
            let names = self.names;
            return Ok(Command::DevCert { out, names });
        }
        let config = self.config.ok_or_else(|| missing("--config FILE"))?;
        let number = self.number.ok_or_else(|| missing("--number +NUMBER"));
        Ok(match name {
            "serve" => Command::Serve {
                config,
                ready_file: self.ready_file,
                check_only: self.check_only,
            },
            "provision" => Command::Provision {
                config,
                number: number?,
                key: self.key.ok_or_else(|| missing("--key HEX"))?,
            },
            "unprovision" => Command::Unprovision {
                config,
                number: number?,
            },
            "list" => Command::List { config },
            "restored" => Command::Restored { config },
            _ => Command::Stats { config },
        })
    }

    fn given(&self) -> Vec<&'static str> {
        let options = [
            ("--config", self.config.is_some()),
            ("--ready-file", self.ready_file.is_some()),
            ("--check-config", self.check_only),
            ("--out", self.out.is_some()),
            ("--name", !self.names.is_empty()),
            ("--number", self.number.is_some()),
            ("--key", self.key.is_some()),
        ];
        let given = options.into_iter().filter(|(_, given)| *given);
        given.map(|(option, _)| option).collect()
    }
}

fn execute(command: Command) -> ExitCode {
    let done = match command {
        Command::Help => {
            say!("{HELP}{}", config::describe_limits());
            Ok(true)
        }
        Command::Version => {
            sayln!("twine-gateway {}", env!("CARGO_PKG_VERSION"));
            Ok(true)
        }
        Command::Serve {
            config,
            ready_file,
            check_only,
        } => with_config(&config, |config| {
            if check_only {
                say!("{}", config.to_toml());
                return Ok(true);
            }
            serve::run(config, ready_file.as_deref()).map(|()| true)
        }),
        Command::DevCert { out, names } => make_dev_cert(&out, names).map(|()| true),
        Command::Provision {
            config,
            number,
            key,
        } => with_config(&config, |config| {
            numbers::bind(config, number, key).map(|()| true)
        }),
        Command::Unprovision { config, number } => {
            with_config(&config, |config| numbers::unbind(config, number))
        }
        Command::List { config } => {
            with_config(&config, |config| numbers::list(config).map(|()| true))
        }
        Command::Stats { config } => {
            with_config(&config, |config| stats::print(config).map(|()| true))
        }
        Command::Restored { config } => {
            with_config(&config, |config| restored::mark(config).map(|()| true))
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            errln!("twine-gateway: this number is not bound");
            ExitCode::from(FAILED)
        }
        Err(error) => {
            errln!("twine-gateway: {error:#}");
            let bad_config = error.downcast_ref::<ConfigError>().is_some();
            ExitCode::from(if bad_config { BAD_CONFIG } else { FAILED })
        }
    }
}

fn with_config(
    path: &Path,
    run: impl FnOnce(&GatewayConfig) -> anyhow::Result<bool>,
) -> anyhow::Result<bool> {
    run(&GatewayConfig::load(path)?)
}

fn make_dev_cert(out: &Path, names: Vec<String>) -> anyhow::Result<()> {
    let files = dev_cert::write(out, names)?;
    sayln!("root (for handsets): {}", files.root.display());
    sayln!("cert (for the gateway): {}", files.cert.display());
    sayln!("key (for the gateway): {}", files.key.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Result<Command, String> {
        let arguments = line.split_whitespace();
        parse(lexopt::Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn commands_are_understood() {
        assert_eq!(command("--help").unwrap(), Command::Help);
        assert_eq!(command("serve -h").unwrap(), Command::Help);
        let key = "ab".repeat(32);
        let line = format!("provision --config c.toml --number +254712345678 --key {key}");
        let Command::Provision { number, key, .. } = command(&line).unwrap() else {
            panic!("not provision");
        };
        assert_eq!(number.get(), 254_712_345_678);
        assert_eq!(key, DeviceKey([0xab; 32]));
        let Command::DevCert { names, .. } =
            command("dev-cert --out d --name a --name ::1").unwrap()
        else {
            panic!("not dev-cert");
        };
        assert_eq!(names, ["a", "::1"]);
    }

    #[test]
    fn mistakes_are_said_and_numbers_not_repeated() {
        let cases = [
            ("", "no command given"),
            ("fly", "there is no command 'fly'"),
            ("serve", "serve needs --config FILE"),
            (
                "serve --config c --number +254712345678",
                "serve has no option --number",
            ),
            (
                "unprovision --config c",
                "unprovision needs --number +NUMBER",
            ),
            (
                "unprovision --config c --number 0712345678",
                "--number: a phone number must be in international form and start with '+'",
            ),
            (
                "provision --config c --number +254712345678 --key ab",
                "--key: a device key is 64 hexadecimal digits",
            ),
            ("list --config c extra", "unexpected argument \"extra\""),
        ];
        for (line, expected) in cases {
            assert_eq!(command(line).unwrap_err(), expected);
        }
    }
}
