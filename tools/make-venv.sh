#!/bin/sh
# Make or complete a virtual environment: tools/make-venv.sh DIRECTORY CONSTRAINTS GROUP...
# Installs this project in place with the server's needs, and the named dependency groups.
# Without groups: this project, and exactly what CONSTRAINTS lists, whatever that asks for.
# Uses uv when there is one, otherwise venv and pip. PYTHON names the interpreter to use.
set -eu

venv=$1
constraints=$2
shift 2

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "Python 3.11 or newer is needed: install it, or name one with PYTHON=/path/to/python" >&2
    exit 1
}

wanted="-c $constraints -e .[server]"
for group in "$@"; do
    wanted="$wanted --group $group"
done
if [ $# = 0 ]; then
    wanted="--no-deps -r $constraints -e ."
fi

if command -v uv >/dev/null 2>&1; then
    if ! [ -x "$venv/bin/python" ]; then
        python=$(find_python)
        uv venv --quiet --allow-existing --python "$python" "$venv"
    fi
    # shellcheck disable=SC2086  what is wanted are words
    uv pip install --quiet --python "$venv/bin/python" $wanted
    exit 0
fi

if ! [ -x "$venv/bin/pip" ]; then
    python=$(find_python)
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "$python cannot make environments: apt-get install python$version-venv" >&2
        exit 1
    fi
    "$python" -m venv "$venv"
fi
# The pip that comes with Python 3.11 does not know dependency groups.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
# shellcheck disable=SC2086
"$venv/bin/python" -m pip install --quiet $wanted
