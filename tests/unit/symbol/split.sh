#!/bin/sh
# SPDX-License-Identifier: MIT
# split.sh OBJCOPY PROGRAM DIRECTORY: in DIRECTORY, the debug information of PROGRAM as places.debug, a program
# with a link to it (places_linked), one with only its build-id (places_split), a tree of debug files by
# build-id (debug), and a program with its symbols in .gnu_debugdata (places_mini).
set -e
objcopy=$1 program=$2 directory=$3
"$objcopy" --only-keep-debug "$program" "$directory/places.debug"
"$objcopy" --strip-all "$program" "$directory/places_split"
"$objcopy" --strip-all --add-gnu-debuglink="$directory/places.debug" "$program" "$directory/places_linked"
id=$(readelf -n "$program" | sed -n 's/^ *Build ID: //p')
rest=${id#??}
rm -rf "$directory/debug"
mkdir -p "$directory/debug/.build-id/${id%"$rest"}"
cp "$directory/places.debug" "$directory/debug/.build-id/${id%"$rest"}/$rest.debug"
"$objcopy" --strip-debug "$program" "$directory/places_mini.debug"
xz -kf "$directory/places_mini.debug"
"$objcopy" --strip-all --add-section=.gnu_debugdata="$directory/places_mini.debug.xz" "$program" \
    "$directory/places_mini"
