#!/usr/bin/env bash
# Installs hybridcode for one user, or runs its demo and its tests from this clone. Needs no root and writes nothing
# outside the user's own folders and this clone's .venv.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export HOME=${HOME:-$(cd ~ && pwd)}
readonly clone=$PWD
readonly data=${XDG_DATA_HOME:-$HOME/.local/share}/hybridcode
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/hybridcode
readonly bin=$HOME/.local/bin
readonly venv=$clone/.venv
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

usage() {
    cat <<'TEXT'
./install.sh              install hybridcode for you alone: a private environment and a link in ~/.local/bin
./install.sh demo [ARGS]  run the shipped example: real models, no key, no download of a model
./install.sh test [ARGS]  run the tests (ARGS go to pytest)
./install.sh dev          make or refresh .venv with everything that tests and checks need, and run nothing
./install.sh uninstall    remove what the first form installed; settings, sessions and models stay

The local model runs in llama.cpp, which is compiled once (5-15 minutes, needs cc and c++) and then kept in
~/.cache/hybridcode/wheels. Without a compiler hybridcode still installs and uses a model server instead.

  HYBRIDCODE_NO_LOCAL=1     leave llama.cpp out
  CMAKE_ARGS=-DGGML_CUDA=ON compile it for a graphics card (or another switch of llama.cpp's build)
  HYBRIDCODE_NATIVE=1       compile llama.cpp for exactly this processor (faster, not portable)
  HYBRIDCODE_PYTHON=PATH    use this Python (3.11 or newer)
TEXT
}

say() { printf '%s\n' "$*" >&2; }
die() {
    say "install.sh: $1"
    shift
    local line
    for line in "$@"; do say "  $line"; done
    exit 2
}

# --- what must be there -------------------------------------------------------------------------------------------

is_recent_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local name
    for name in "${HYBRIDCODE_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [[ -n $name ]] && is_recent_python "$name"; then
            command -v "$name"
            return
        fi
    done
    die "no Python 3.11 or newer found (python3 is $(python3 --version 2>/dev/null || echo missing))" \
        "Debian 12, Ubuntu 24.04 or newer:  sudo apt install python3 python3-venv" \
        "or name one:  HYBRIDCODE_PYTHON=/path/to/python3.12 ./install.sh"
}

need_tools() {
    command -v git >/dev/null || die "git is missing; hybridcode reads repositories with it" "sudo apt install git"
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null && ! command -v uv >/dev/null; then
        die "$python cannot make virtual environments (module venv or ensurepip is missing)" \
            "sudo apt install python3-venv"
    fi
}

has_compiler() {
    { command -v cc || command -v gcc || command -v clang; } >/dev/null &&
        { command -v c++ || command -v g++ || command -v clang++; } >/dev/null
}

wants_engine() { [[ -z ${HYBRIDCODE_NO_LOCAL:-} ]]; }

say_without_engine() {
    say "The local engine (llama.cpp) was left out: $1."
    say "  Use a model server on this machine or in the building instead, in ~/.config/hybridcode/config.toml:"
    say '    [models.local]'
    say '    base_url = "http://127.0.0.1:8080/v1"    # llama-server; Ollama: port 11434, LM Studio: port 1234'
    say '    name = "the model it serves"'
}

# --- long steps ---------------------------------------------------------------------------------------------------

background='' watcher='' scratch='' unfinished=''

clean_up() {
    [[ -z $watcher ]] || kill "$watcher" 2>/dev/null || true
    if [[ -n $background ]]; then
        kill -TERM -- "-$background" 2>/dev/null || true
        wait "$background" 2>/dev/null || true
    fi
    if [[ -n $scratch$unfinished ]]; then rm -rf ${scratch:+"$scratch"} ${unfinished:+"$unfinished"}; fi
    background='' watcher='' scratch='' unfinished=''
}
trap clean_up EXIT
trap 'say ""; say "interrupted; nothing half-made is left"; exit 130' INT
trap 'exit 143' TERM
trap 'code=$?; ((code == 2)) || say "install.sh stopped at line $LINENO (exit $code)"' ERR

# step LABEL LOG COMMAND...: runs COMMAND with its output in LOG and shows that time passes.
step() {
    local label=$1 log=$2 start=$SECONDS
    shift 2
    set -m
    env TMPDIR="$scratch/tmp" "$@" >"$log" 2>&1 </dev/null &
    background=$!
    set +m
    watch_step "$label" "$log" "$start" &
    watcher=$!
    local code=0
    wait "$background" || code=$?
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
    background='' watcher=''
    if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
    if ((code != 0)); then
        tail -n 25 "$log" >&2
        die "$label failed (exit $code)" "The whole log: $log"
    fi
    if ((SECONDS - start > 1)); then say "$label: done in $(clock $((SECONDS - start)))"; fi
}

watch_step() {
    trap - EXIT INT TERM ERR
    local label=$1 log=$2 start=$3 waited
    while sleep 1; do
        waited=$((SECONDS - start))
        if [[ -t 2 ]]; then
            printf '\r\033[K%s: %s%s' "$label" "$(clock $waited)" "$(ninja_steps "$log")" >&2
        elif ((waited > 0 && waited % 15 == 0)); then
            say "$label: $(clock $waited)$(ninja_steps "$log")"
        fi
    done
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

ninja_steps() {
    local last
    last=$(grep -aoE '\[[0-9]+/[0-9]+\]' "$1" 2>/dev/null | tail -n 1) || true
    [[ -z $last ]] || printf ' %s' "$last"
}

make_venv() {
    if [[ -e $1 && ! -x $1/bin/python ]]; then rm -rf "$1"; fi
    [[ -x $1/bin/python ]] && "$1/bin/python" -c '' 2>/dev/null && return
    mkdir -p "$cache"
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        step "making $1" "$cache/venv.log" "$python" -m venv --clear "$1"
    else
        step "making $1" "$cache/venv.log" uv venv --clear --seed --python "$python" "$1"
    fi
}

# pip 25.1 is the first that reads dependency groups.
modern_pip() {
    "$1/bin/python" -c 'import pip; assert tuple(map(int, pip.__version__.split(".")[:2])) >= (25, 1)' 2>/dev/null ||
        step "updating pip" "$cache/pip.log" "$1/bin/python" -m pip install --upgrade 'pip>=25.1'
}

# The versions of uv.lock as pip constraints, so that everybody runs what was tested.
write_constraints() {
    "$python" - "$clone/uv.lock" >"$1" <<'PYTHON'
import collections, sys, tomllib
with open(sys.argv[1], "rb") as file:
    packages = tomllib.load(file)["package"]
count = collections.Counter(package["name"] for package in packages)
for package in packages:
    if "registry" in package["source"] and count[package["name"]] == 1:
        print(f"{package['name']}=={package['version']}")
PYTHON
}

# --- the local engine ---------------------------------------------------------------------------------------------

engine_flags() {
    local native=OFF
    [[ -z ${HYBRIDCODE_NATIVE:-} ]] || native=ON
    printf '%s' "-DLLAVA_BUILD=OFF -DGGML_NATIVE=$native${CMAKE_ARGS:+ $CMAKE_ARGS}"
}

# Sets `engine` to the wheel to install, or leaves it empty and says why.
engine=''
find_engine() {
    if ! wants_engine; then
        say_without_engine "HYBRIDCODE_NO_LOCAL is set"
    elif ! has_compiler; then
        say_without_engine "no C and C++ compiler found (sudo apt install gcc g++)"
    else
        find_wheel
    fi
}

# Sets `engine` to the wheel compiled with these flags; compiles it if none is kept from an earlier time.
find_wheel() {
    local version flags shelf pip_cache=()
    version=$(sed -n 's/^llama-cpp-python==//p' "$scratch/constraints.txt")
    flags=$(engine_flags)
    shelf=$cache/wheels/$version-$(uname -s)-$(uname -m)-$(cksum <<<"$flags" | cut -d' ' -f1)
    engine=$(wheel_in "$shelf")
    [[ -z $engine ]] || return 0
    say "compiling llama.cpp $version once, 5-15 minutes (kept in $cache/wheels)"
    make_venv "$scratch/builder"
    # pip keeps compiled wheels too, but does not know with which flags.
    [[ $flags == "-DLLAVA_BUILD=OFF -DGGML_NATIVE=OFF" ]] || pip_cache=(--no-cache-dir)
    CMAKE_ARGS=$flags step "compiling llama.cpp" "$cache/llama-build.log" \
        "$scratch/builder/bin/python" -m pip wheel --verbose --no-deps ${pip_cache[@]+"${pip_cache[@]}"} \
        --wheel-dir "$scratch/wheels" "llama-cpp-python==$version"
    mkdir -p "$shelf"
    mv "$scratch"/wheels/*.whl "$shelf/"
    engine=$(wheel_in "$shelf")
}

wheel_in() {
    local file
    for file in "$1"/llama_cpp_python-*.whl; do
        [[ ! -e $file ]] || printf '%s\n' "$file"
    done
}

# --- this clone's .venv -------------------------------------------------------------------------------------------

stamp_of() { cat "$venv/hybridcode-$1.stamp" 2>/dev/null || true; }

wanted_stamp() {
    local engine_kind=none
    if wants_engine && has_compiler; then engine_kind="$(engine_flags)"; fi
    { cat pyproject.toml uv.lock && printf '%s %s %s' "$("$python" --version)" "$engine_kind" "$clone"; } |
        "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}

# clone_venv run|test: makes .venv hold this clone and what it needs; at once if nothing changed since.
clone_venv() {
    need_tools
    local kind=$1 stamp
    stamp=$(wanted_stamp)
    if [[ -x $venv/bin/python && ($(stamp_of "$kind") == "$stamp" || $(stamp_of test) == "$stamp") ]]; then
        return
    fi
    prepare
    make_venv "$venv"
    rm -f "$venv"/hybridcode-*.stamp
    modern_pip "$venv"
    find_engine
    local wanted=(--editable "$clone")
    [[ -z $engine ]] || wanted+=("$engine")
    [[ $kind != test ]] || wanted+=(--group dev)
    step "installing packages into .venv" "$cache/packages.log" \
        "$venv/bin/python" -m pip install --constraint "$scratch/constraints.txt" "${wanted[@]}"
    printf '%s\n' "$stamp" >"$scratch/stamp"
    mv "$scratch/stamp" "$venv/hybridcode-$kind.stamp"
}

prepare() {
    mkdir -p "$cache"
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/hybridcode.XXXXXX")
    mkdir "$scratch/tmp"
    write_constraints "$scratch/constraints.txt"
}

# --- the user's installation --------------------------------------------------------------------------------------

install_for_user() {
    need_tools
    prepare
    find_engine
    if command -v uv >/dev/null; then
        install_with_uv
    else
        install_with_venv
    fi
    say "hybridcode $("$command_path" --version | cut -d' ' -f2) is installed: $command_path"
    local found
    found=$(command -v hybridcode || true)
    [[ -z $found || $found == "$command_path" ]] || say "Another hybridcode comes first on your PATH: $found"
    case ":$PATH:" in
    *":$(dirname "$command_path"):"*) say "Try it: hybridcode demo" ;;
    *)
        say "$(dirname "$command_path") is not on your PATH. Add this line to your shell's start-up file:"
        say "  export PATH=\"$(dirname "$command_path"):\$PATH\""
        ;;
    esac
}

install_with_uv() {
    local with=()
    [[ -z $engine ]] || with=(--with "$engine")
    step "installing with uv" "$cache/packages.log" uv tool install --force --reinstall-package hybridcode \
        --python "$python" --constraints "$scratch/constraints.txt" ${with[@]+"${with[@]}"} "$clone"
    command_path=$(uv tool dir --bin)/hybridcode
}

# Each installation gets a folder of its own; the link moves when it is complete, and the one before stays for
# sessions that still run from it.
install_with_venv() {
    local home before app link=$bin/hybridcode
    mkdir -p "$data" "$bin"
    if [[ -e $link && ! -L $link ]]; then
        die "$link exists and is not ours" "Move it away and run ./install.sh again."
    fi
    home=$(mktemp -d "$data/app.XXXXXX")
    unfinished=$home
    make_venv "$home/venv"
    modern_pip "$home/venv"
    step "installing packages" "$cache/packages.log" "$home/venv/bin/python" -m pip install \
        --constraint "$scratch/constraints.txt" "$clone" ${engine:+"$engine"}
    before=$(readlink "$link" 2>/dev/null || true)
    ln -s "$home/venv/bin/hybridcode" "$link.new.$$"
    mv -f "$link.new.$$" "$link"
    unfinished=''
    command_path=$link
    for app in "$data"/app.*; do
        [[ $app == "$home" || $before == "$app"/* ]] || rm -rf "$app"
    done
}

uninstall() {
    if command -v uv >/dev/null; then uv tool uninstall hybridcode 2>/dev/null || true; fi
    case $(readlink "$bin/hybridcode" 2>/dev/null || true) in
    "$data"/app.*) rm -f "$bin/hybridcode" ;;
    esac
    rm -rf "$data"/app.*
    say "hybridcode is removed. Yours to keep or delete:"
    say "  ${XDG_CONFIG_HOME:-$HOME/.config}/hybridcode    settings"
    say "  ${XDG_STATE_HOME:-$HOME/.local/state}/hybridcode    sessions and approvals"
    say "  $data    models"
    say "  $cache    rebuilt when needed"
}

case ${1-} in
'') install_for_user ;;
demo)
    shift
    clone_venv run
    clean_up
    exec "$venv/bin/hybridcode" demo "$@"
    ;;
test)
    shift
    clone_venv test
    clean_up
    exec "$venv/bin/python" -m pytest "$@"
    ;;
dev) clone_venv test ;;
uninstall) uninstall ;;
-h | --help | help) usage ;;
*)
    usage >&2
    die "unknown command: $1"
    ;;
esac
