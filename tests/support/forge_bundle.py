#!/usr/bin/env python3
"""Writes archives as docs/archive.md says, but with any names and types of members.

  forge_bundle.py OUT MEMBER...     MEMBER: NAME=FILE, or NAME@TARGET for a symbolic link

Index and digests are right: what refuses such an archive has looked at the names.
"""
import hashlib
import io
import struct
import subprocess
import sys
import tarfile


def frame(data):
    """One zstd frame with content size and checksum."""
    return subprocess.run(["zstd", "-q", "-c", "--check", f"--stream-size={len(data)}", "-"],
                          input=data, stdout=subprocess.PIPE, check=True).stdout


def leb128(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def header_of(entry):
    """Like Python's, with the device numbers that our writer fills in."""
    block = bytearray(entry.tobuf(tarfile.USTAR_FORMAT))
    block[329:345] = b"0000000\0" * 2
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(word):
    """Its name, its bytes in the tar, and the size of its content."""
    at = min(i for i in (word.find("="), word.find("@")) if i > 0)
    name, rest = word[:at], word[at + 1:]
    entry = tarfile.TarInfo(name)
    entry.mode = 0o644
    data = b""
    if word[at] == "@":
        entry.type, entry.linkname = tarfile.SYMTYPE, rest
    else:
        data = open(rest, "rb").read()
        entry.size = len(data)
    return name.encode(), header_of(entry) + data + bytes(-len(data) % 512), len(data)


def main():
    out, words = sys.argv[1], sys.argv[2:]
    body, names, frames = io.BytesIO(), b"", b""
    for name, raw, size in map(member, words):
        packed = frame(raw)
        body.write(packed)
        names += leb128(len(name)) + name + leb128(size)
        frames += leb128(len(packed))
    end = frame(bytes(1024))
    body.write(end)
    table = names + frames
    total = body.tell() + 8 + len(table) + 56
    footer = struct.pack("<IIIIIIQ", len(words), 2 << 20, len(table), len(table), len(end), 1, total)
    digest = hashlib.sha256(table + footer).digest()[:16]
    body.write(struct.pack("<II", 0x184D2A5D, len(table) + 56) + table + footer + digest + b"DSWPINDX")
    with open(out, "wb") as file:
        file.write(body.getvalue())


if __name__ == "__main__":
    main()
