#!/usr/bin/env python3
"""Makes the JPEG fixtures and the pixels expected of them with the tools of libjpeg-turbo (tested: 2.1.5).

    python3 generate.py

Every NAME.jpg is written by cjpeg from a small picture drawn here. expected.txt holds, for each, the width, the
height, the channels and the SHA-256 of the pixels that `djpeg -dct int` decodes: the accurate integer method, chroma
enlarged by the triangle filter.
"""
import hashlib
import math
import pathlib
import random
import subprocess

here = pathlib.Path(__file__).parent


def scene(width, height, channels):
    noise = random.Random(7)
    out = bytearray()
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                value = 128 + 100 * math.sin(x * 0.31 + c) * math.cos(y * 0.23 - c)
                if (x + 2 * y) // 12 % 2:
                    value = 255 - value
                out.append(max(0, min(255, int(value) + noise.randint(-6, 6))))
    kind = b"P5" if channels == 1 else b"P6"
    return b"%s\n%d %d\n255\n" % (kind, width, height) + bytes(out)


FIXTURES = {
    "grey": (37, 29, 1, []),
    "grey-progressive": (37, 29, 1, ["-progressive"]),
    "grey-1x1": (1, 1, 1, []),
    "444": (37, 29, 3, ["-sample", "1x1"]),
    "422": (37, 29, 3, ["-sample", "2x1"]),
    "440": (37, 29, 3, ["-sample", "1x2"]),
    "420": (37, 29, 3, ["-sample", "2x2"]),
    "420-even": (48, 32, 3, ["-sample", "2x2"]),
    "420-1x1": (1, 1, 3, ["-sample", "2x2"]),
    "420-5x3": (5, 3, 3, ["-sample", "2x2"]),
    "420-4x17": (4, 17, 3, ["-sample", "2x2"]),
    "411": (37, 29, 3, ["-sample", "4x1"]),
    "410": (37, 29, 3, ["-sample", "4x2"]),
    "1x4": (37, 29, 3, ["-sample", "1x4"]),
    "mixed-factors": (37, 29, 3, ["-sample", "2x2,1x2,2x1"]),
    "progressive": (37, 29, 3, ["-progressive", "-sample", "2x2"]),
    "progressive-restarts": (67, 45, 3, ["-progressive", "-restart", "3B"]),
    "restarts": (67, 45, 3, ["-restart", "1B"]),
    "optimised": (67, 45, 3, ["-optimize"]),
    "rgb": (37, 29, 3, ["-rgb"]),
    "quality-1-wide-steps": (37, 29, 3, ["-quality", "1"]),
    "quality-100": (37, 29, 3, ["-quality", "100", "-sample", "1x1"]),
    "separate-scans": (37, 29, 3, ["-scans", "SCANS"]),
}


def main():
    expected = []
    scans = here / "scans.tmp"
    scans.write_text("0;\n1;\n2;\n")
    for name, (width, height, channels, options) in FIXTURES.items():
        options = [str(scans) if o == "SCANS" else o for o in options]
        jpeg = subprocess.run(
            ["cjpeg", "-quality", "75", "-dct", "int", *options],
            input=scene(width, height, channels), stdout=subprocess.PIPE, check=True).stdout
        (here / f"{name}.jpg").write_bytes(jpeg)
        pnm = subprocess.run(
            ["djpeg", "-dct", "int", "-pnm"], input=jpeg, stdout=subprocess.PIPE, check=True).stdout
        pixels = pnm[-width * height * channels:]
        expected.append(f"{name} {width} {height} {channels} {hashlib.sha256(pixels).hexdigest()}\n")
    scans.unlink()
    (here / "expected.txt").write_text("".join(expected))
    arithmetic = subprocess.run(
        ["cjpeg", "-arithmetic"], input=scene(16, 16, 3), stdout=subprocess.PIPE, check=True).stdout
    (here / "arithmetic.jpg").write_bytes(arithmetic)


main()
