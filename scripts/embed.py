#!/usr/bin/env python3
"""Turns files into a C source: embed.py OUT NAME FILE [NAME FILE ...] writes `const char NAME[]`, ended by NUL, `const size_t NAME_size`
and `const char NAME_etag[]`. With --gzip before OUT the content is compressed."""
import gzip
import hashlib
import sys

args = sys.argv[1:]
compressed = args[0] == "--gzip"
out, *pairs = args[1:] if compressed else args
with open(out, "w", encoding="ascii") as c:
    c.write("#include <stddef.h>\n")
    for name, path in zip(pairs[::2], pairs[1::2]):
        with open(path, "rb") as f:
            data = f.read()
        if compressed:
            data = gzip.compress(data, mtime=0)
        c.write(f"extern const char {name}[];\nextern const size_t {name}_size;\nextern const char {name}_etag[];\n")
        c.write(f"const char {name}[] = {{{','.join(str(b if b < 128 else b - 256) for b in data + bytes(1))}}};\n")
        c.write(f"const size_t {name}_size = {len(data)};\n")
        c.write(f'const char {name}_etag[] = "\\"{hashlib.sha256(data).hexdigest()[:16]}\\"";\n')
