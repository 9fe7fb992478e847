#!/usr/bin/env python3
"""Packs the console into a C source: pack_web.py OUT WEB [--index FILE] [--library NAME=PATH ...] FILE ...

FILEs lie in the folder WEB and are served by their paths in it, libraries as NAME; paths of libraries may be relative to WEB. With
--index a page that needs nothing else takes the console's place: nothing but it is packed, and libraries are only named. What it
writes is declared in src/api/packed.h. All but pages is compressed."""
import argparse
import gzip
import hashlib
import os

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml"}


def content(path):
    """(bytes, whether they are gzip)"""
    with open(path, "rb") as file:
        data = file.read()
    return (data, False) if path.endswith(".html") else (gzip.compress(data, mtime=0), True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("web")
    parser.add_argument("--index")
    parser.add_argument("--library", action="append", default=[])
    parser.add_argument("files", nargs="*")
    args = parser.parse_intermixed_args()
    libraries = [(name, os.path.join(args.web, path)) for name, _, path in (pair.partition("=") for pair in args.library)]
    named = [(os.path.relpath(path, args.web), path) for path in args.files] + libraries
    if args.index:
        named = [("index.html", args.index)]

    rows = []
    with open(args.out, "w", encoding="ascii") as c:
        c.write('#include "api/packed.h"\n')
        for i, (name, path) in enumerate(sorted(named)):
            data, compressed = content(path)
            c.write(f"static const char data{i}[] = {{{','.join(str(b if b < 128 else b - 256) for b in data + bytes(1))}}};\n")
            etag = hashlib.sha256(data).hexdigest()[:16]
            kind = TYPES[os.path.splitext(name)[1]]
            rows.append(f'{{"{name}", "{kind}", data{i}, {len(data)}, "\\"{etag}\\"", {str(compressed).lower()}}}')
        c.write("const struct packed_file packed_files[] = {\n" + "".join(f"    {row},\n" for row in rows) + "};\n")
        c.write(f"const size_t packed_files_n = {len(rows)};\n")
        sources = [f'    {{"{name}", "{os.path.relpath(path, args.web)}"}},\n' for name, path in libraries]
        c.write("const struct packed_library packed_libraries[] = {\n" + "".join(sources) + "    {NULL, NULL},\n};\n")


main()
