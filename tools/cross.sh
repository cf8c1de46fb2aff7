# shellcheck shell=bash
# Shell functions shared by the scripts that build for phones and for ARM
# (check-android, check-arm, package-android). To be sourced after toolchain.sh.

# The crates that go into the image, as far as this checkout has them.
device_crates() {
    printf 'twined\ntwinectl\n'
    [ ! -e "$1/jni-bridge/Cargo.toml" ] || printf 'twine-jni\n'
}

# Debian's Rust, which brings the source of the standard library: it builds std
# for targets that no package has. The Rust of the machine stays as it is.
# Afterwards `cross_cargo` is that cargo.
need_cross_rust() {
    local missing=""
    [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] || missing="rustc-web cargo-web"
    [ -e /usr/lib/rustlib/src/rust/library/std/Cargo.toml ] || missing="$missing rust-web-src"
    # shellcheck disable=SC2086
    [ -z "$missing" ] || apt_install $missing
    local have
    have=$(/usr/bin/rustc --version | sed 's/^rustc \([0-9.]*\).*/\1/')
    [ "$(printf '%s\n%s\n' "$(msrv "$1")" "$have" | sort -V | head -n1)" = "$(msrv "$1")" ] ||
        cannot "Debian's Rust $have is too old, Twine needs $(msrv "$1")" \
            "apt-get update && apt-get install rustc-web cargo-web rust-web-src"
}

# Low priority: it builds a standard library. RUSTC_BOOTSTRAP lets a released
# compiler do that.
cross_cargo() {
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc nice -n 10 \
        /usr/bin/cargo "$@"
}

# Installs packages for commands that are missing: need_commands COMMAND PACKAGE …
need_commands() {
    local missing=""
    while [ $# -gt 1 ]; do
        command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
        shift 2
    done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || apt_install $missing
}
