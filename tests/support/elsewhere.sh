# For scripts: another user's home, with a cargo of its own. It unpacks all sources anew; what has been fetched
# need not be fetched again.
#
#     elsewhere HOME    makes it, and lets all that follows in this shell live there

elsewhere() {
    local cargo=${CARGO_HOME:-$HOME/.cargo} known
    mkdir -p "$1/cargo/registry"
    for known in registry/cache registry/index config.toml; do
        [ ! -e "$cargo/$known" ] || ln -s "$(realpath "$cargo/$known")" "$1/cargo/$known"
    done
    export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} HOME=$1 CARGO_HOME=$1/cargo
}
