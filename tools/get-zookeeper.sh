#!/bin/sh
# Make sure there is a real Apache ZooKeeper for the tests, and a Java to run it.
# Looks for Debian's jars, else installs the package as root, else unpacks the five packages it
# needs into .tools/zookeeper. Says in one line what to install when neither can be had.
set -eu

packages="libzookeeper-java libnetty-java libslf4j-java libdropwizard-metrics-java libsnappy-java"
unpacked=.tools/zookeeper
cd "$(dirname "$0")/.."

give_up() {
    echo "the tests need $1" >&2
    exit 1
}

have_jars() {
    [ -e /usr/share/java/zookeeper.jar ] || [ -e "$unpacked/usr/share/java/zookeeper.jar" ]
}

have_java() {
    command -v java >/dev/null 2>&1
}

install_as_root() {
    apt-get update -qq </dev/null >/dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq zookeeper </dev/null >/dev/null
}

unpack() {
    mkdir -p "$unpacked/packages"
    # shellcheck disable=SC2086  the packages are words
    (cd "$unpacked/packages" && apt-get download -qq $packages </dev/null >/dev/null) || return 1
    for package in "$unpacked"/packages/*.deb; do
        dpkg -x "$package" "$unpacked" || return 1
    done
}

if have_jars && have_java; then
    exit 0
fi
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then
        install_as_root || true
    elif have_java && ! have_jars; then
        unpack || true
    fi
fi
have_java || give_up "Java, to run ZooKeeper: apt-get install default-jre-headless"
have_jars || give_up "a real ZooKeeper: apt-get install zookeeper"
