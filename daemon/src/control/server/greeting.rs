//! The first word of a client: who it says it is, and whether it may be that.

use twine_engine::store_ops::ClientName;
use twine_proto::control::{CONTROL_VERSION, parse_client_name};
use twine_proto::control_pb::{self as pb, ErrorCode};

use crate::control::client::Greeted;
use crate::control::roles::Roles;

/// Judges a greeting.
pub(super) fn greet(connect: &pb::Connect, allowed: Roles) -> Result<Greeted, (ErrorCode, String)> {
    if connect.version != CONTROL_VERSION {
        let message = format!(
            "version {} of the control protocol is not spoken here, only {CONTROL_VERSION}",
            connect.version
        );
        return Err((ErrorCode::Unsupported, message));
    }
    let name = parse_client_name(&connect.client)
        .map_err(|error| (ErrorCode::InvalidArgument, error.to_string()))?;
    let mut roles = Roles::NONE;
    for &number in &connect.roles {
        match pb::Role::try_from(number) {
            Ok(role) if role != pb::Role::Unspecified => roles = roles.with(Roles::of(role)),
            _ => {
                let message = format!("there is no role number {number}");
                return Err((ErrorCode::InvalidArgument, message));
            }
        }
    }
    if roles == Roles::NONE {
        let message = format!("a connection needs a role; this uid may have {allowed}");
        return Err((ErrorCode::InvalidArgument, message));
    }
    let denied = roles.without(allowed);
    if denied != Roles::NONE {
        let message = format!("this uid may not be {denied}; it may have {allowed}");
        return Err((ErrorCode::PermissionDenied, message));
    }
    Ok(Greeted {
        name: ClientName(name.as_str().to_owned()),
        roles,
    })
}
