#!/usr/bin/env python3
"""Turns files into a C source: embed.py OUT NAME FILE [NAME FILE ...] writes `const char NAME[]`, ended by NUL, and `const size_t NAME_size`."""
import sys

out, pairs = sys.argv[1], sys.argv[2:]
with open(out, "w", encoding="ascii") as c:
    c.write("#include <stddef.h>\n")
    for name, path in zip(pairs[::2], pairs[1::2]):
        with open(path, "rb") as f:
            data = f.read()
        c.write(f"extern const char {name}[];\nextern const size_t {name}_size;\n")
        c.write(f"const char {name}[] = {{{','.join(str(b if b < 128 else b - 256) for b in data + bytes(1))}}};\n")
        c.write(f"const size_t {name}_size = {len(data)};\n")
