# Shell functions shared by tools/demo and tools/test: what a fresh machine
# needs before it can build Twine. To be sourced.

# The Rust version stated in Cargo.toml.
msrv() { sed -n 's/^rust-version = "\(.*\)"/\1/p' "$1/Cargo.toml"; }

say() { printf '%s\n' "$*" >&2; }

# Ends with a plain reason.
cannot() {
    say ""
    say "cannot go on: $1"
    [ $# -lt 2 ] || say "what to do:   $2"
    exit 1
}

# Installs Debian packages if this machine has apt and we may use it.
apt_install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        cannot "$* is missing and this machine has no apt-get" "install $* by hand and start again"
    fi
    local as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || cannot "$* is missing and we are not root" "install $* and start again"
        as_root=sudo
    fi
    say "installing $* …"
    $as_root apt-get update -qq >/dev/null 2>&1 || say "  (the package lists could not be refreshed; trying all the same)"
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
        cannot "installing $* failed" "run 'apt-get install $*' and read what it says"
}

# Makes sure that cargo of the right age and a C compiler (for SQLite and ring)
# are there.
need_toolchain() {
    local top=$1 want have
    command -v cc >/dev/null 2>&1 || apt_install gcc libc6-dev
    [ -x "$HOME/.cargo/bin/cargo" ] && PATH="$HOME/.cargo/bin:$PATH"
    # Debian's own Rust where there is none: rustc-web is kept recent.
    command -v cargo >/dev/null 2>&1 || apt_install rustc-web cargo-web
    want=$(msrv "$top")
    have=$(rustc --version 2>/dev/null | sed 's/^rustc \([0-9.]*\).*/\1/')
    if [ -z "$have" ] || [ "$(printf '%s\n%s\n' "$want" "$have" | sort -V | head -n1)" != "$want" ]; then
        cannot "Rust ${have:-(none)} is too old, Twine needs $want" "rustup update, or install a newer Rust"
    fi
}

# Ends if the disk of the build has less than so many GiB free: compilers die of a
# full disk in ways that do not say so.
need_space() {
    local top=$1 gib=$2 target free
    target=${CARGO_TARGET_DIR:-$top/target}
    [ -d "$target" ] || target=$top
    free=$(df -Pk "$target" | awk 'NR == 2 {print int($4 / 1048576)}')
    [ "$free" -ge "$gib" ] ||
        cannot "$free GiB are free for $target, and the build takes up to $gib" "make room, or set CARGO_TARGET_DIR to another disk"
}
