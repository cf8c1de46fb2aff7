//! Every limit of the library, named once. Those of one connection are in
//! [`twine_control::limits`].

use std::time::Duration;

/// The wait for the daemon's greeting. Init listens on the socket even while
/// the daemon does not run: a connection made then is greeted as soon as it
/// does.
pub const GREETING_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause before the first new attempt to connect; doubled for each further one.
pub const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause. A connection that lasted as long makes the next pause
/// the first again.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Requests of unknown result that one notice names; of more, the newest.
pub const MAX_UNKNOWN_NAMED: usize = 1024;
/// Stack of the thread that reads.
pub const STACK_BYTES: usize = 128 * 1024;
/// Longest path of a socket, as in Linux (`sockaddr_un`, without its zero).
pub const MAX_PATH_BYTES: usize = 107;
/// Roles that one connection asks for: there are three.
pub const MAX_ROLES: usize = 8;
