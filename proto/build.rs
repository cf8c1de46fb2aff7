//! Compiles the .proto files with protox, so that no protoc has to be installed.

use std::error::Error;

/// Messages that hold numbers, texts, tokens or card numbers: their `Debug` is
/// in `src/debug.rs` and leaves those out.
const PRIVATE: [&str; 32] = [
    ".twine.wire.v1.Content",
    ".twine.wire.v1.Submit",
    ".twine.wire.v1.Deliver",
    ".twine.wire.v1.HelloSlot",
    ".twine.wire.v1.ReadMark",
    ".twine.wire.v1.Lookup",
    ".twine.wire.v1.Capability",
    ".twine.wire.v1.Typing",
    ".twine.control.v1.Send",
    ".twine.control.v1.SetTyping",
    ".twine.control.v1.GetHistory",
    ".twine.control.v1.Register",
    ".twine.control.v1.Registered",
    ".twine.control.v1.LookupPeers",
    ".twine.control.v1.Peer",
    ".twine.control.v1.Conversation",
    ".twine.control.v1.Message",
    ".twine.control.v1.Event",
    ".twine.control.v1.IdentityStatus",
    ".twine.control.v1.Sim",
    ".twine.control.v1.SmsReceived",
    ".twine.control.v1.Preview",
    ".twine.control.v1.Previewed",
    ".twine.control.v1.SmsCost",
    ".twine.control.v1.GetSettings",
    ".twine.control.v1.SetSettings",
    ".twine.control.v1.Settings",
    ".twine.control.v1.StoryLine",
    ".twine.control.v1.SmsAttempt",
    ".twine.control.v1.SendSms",
    ".twine.control.v1.SmsTaken",
    ".twine.control.v1.OrderResult",
];

fn main() -> Result<(), Box<dyn Error>> {
    let files = [
        "proto/twine/wire/v1/wire.proto",
        "proto/twine/control/v1/control.proto",
    ];
    for file in files {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["proto"])?;
    prost_build::Config::new()
        // A frame's content stays a slice of the frame's body.
        .bytes([
            ".twine.wire.v1.Submit.content",
            ".twine.wire.v1.Deliver.content",
        ])
        .skip_debug(PRIVATE)
        .compile_fds(descriptors)?;
    Ok(())
}
