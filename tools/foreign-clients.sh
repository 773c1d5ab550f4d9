#!/bin/sh
# Build the programs of tests/conformance/foreign: tools/foreign-clients.sh [java] [go] [node] [rust] [registry]
# Sources are copied to .tools/foreign and built there; what they need comes from the registries,
# in the exact versions named here and beside the sources. What is built already is not built again.
# Says in one line what to install when a toolchain is missing.
set -eu

cd "$(dirname "$0")/.."
sources=tests/conformance/foreign
target=$PWD/.tools/foreign

jdbc="org.apache.arrow:flight-sql-jdbc-driver:18.3.0"
pool="com.zaxxer:HikariCP:5.1.0 org.slf4j:slf4j-api:2.0.17 org.slf4j:slf4j-nop:2.0.17"

need() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "the conformance tests need $1: $2" >&2
    exit 1
}

# Copies keep their times, so that compilers see what has changed and what has not.
copy() {
    mkdir -p "$target/$1"
    for name in $2; do
        rm -rf "${target:?}/$1/$name"
        cp -Rp "$sources/$1/$name" "$target/$1/$name"
    done
}

# Runs a build; its output is shown only when it fails.
quietly() {
    "$@" >"$log" 2>&1 && return
    cat "$log" >&2
    exit 1
}

build_java() {
    need javac "apt-get install default-jdk-headless"
    need mvn "apt-get install maven"
    mkdir -p "$target/java/jars"
    for artifact in $jdbc $pool; do
        name=$(echo "$artifact" | cut -d: -f2)
        version=$(echo "$artifact" | cut -d: -f3)
        if ! [ -e "$target/java/jars/$name-$version.jar" ]; then
            rm -f "$target/java/jars/$name"-*.jar
            quietly mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
                "-Dartifact=$artifact" "-DoutputDirectory=$target/java/jars"
        fi
    done
    if [ -n "$(find "$sources/java" -name '*.java' -newer "$target/java/classes" 2>&1)" ]; then
        rm -rf "$target/java/classes"
        mkdir "$target/java/classes"
        quietly javac -Xlint:all -d "$target/java/classes" -cp "$target/java/jars/*" \
            "$sources"/java/*.java
    fi
}

build_registry() {
    need javac "apt-get install default-jdk-headless"
    need mvn "apt-get install maven"
    mkdir -p "$target/registry"
    if ! cmp -s "$sources/registry/pom.xml" "$target/registry/pom.xml"; then
        rm -rf "$target/registry/jars"
        quietly mvn -B -q -f "$sources/registry/pom.xml" \
            org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
            -DincludeScope=runtime "-DoutputDirectory=$target/registry/jars"
        cp "$sources/registry/pom.xml" "$target/registry/pom.xml"
    fi
    programs="$sources/registry/Registry.java $sources/java/Report.java"
    # shellcheck disable=SC2086  the programs are words
    if [ -n "$(find $programs -newer "$target/registry/classes" 2>&1)" ]; then
        rm -rf "$target/registry/classes"
        mkdir "$target/registry/classes"
        quietly javac -Xlint:all -d "$target/registry/classes" -cp "$target/registry/jars/*" $programs
    fi
}

build_go() {
    need go "install Go 1.25 or newer from your distribution"
    rm -f "$target"/go/*.go
    copy go "go.mod $(cd $sources/go && echo *.go)"
    (cd "$target/go" && GOTOOLCHAIN=local GOFLAGS=-mod=mod quietly go build -o program .)
}

build_node() {
    need npm "apt-get install npm"
    copy node "package.json $(cd $sources/node && echo *.mjs)"
    if ! cmp -s "$target/node/package.json" "$target/node/installed"; then
        (cd "$target/node" && quietly npm install --no-package-lock --ignore-scripts)
        cp "$target/node/package.json" "$target/node/installed"
    fi
}

build_rust() {
    need cargo "install Rust 1.88 or newer, with rustup or from your distribution"
    copy rust "Cargo.toml src"
    (cd "$target/rust" && CARGO_TARGET_DIR=$target/rust/target quietly cargo build --quiet)
}

mkdir -p "$target"
# One at a time: the tests' processes build what they run.
exec 9>"$target/lock"
flock 9
for language in ${*:-java go node rust registry}; do
    log=$target/$language.log
    "build_$language"
done
