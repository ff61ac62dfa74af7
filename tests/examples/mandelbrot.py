# SPDX-License-Identifier: Apache-2.0
# usage: mandelbrot.py PICTURE TEXT: whether both show the Mandelbrot set, computed here once more
import sys

WIDTH, HEIGHT, STEP = 320, 240, 3 / 320


def steps_at(x, y):
    c, z = complex(x, y), 0j
    for n in range(1, 256):
        z = z * z + c
        if z.real * z.real + z.imag * z.imag > 4:
            return n
    return 0


data = open(sys.argv[1], "rb").read()
head = b"P5\n%d %d\n255\n" % (WIDTH, HEIGHT)
if not data.startswith(head) or len(data) != len(head) + WIDTH * HEIGHT:
    sys.exit(f"no picture: {len(data)} bytes, {data[:20]!r}")
wanted = [steps_at(-2.25 + x * STEP, -1.125 + y * STEP) for y in range(HEIGHT) for x in range(WIDTH)]
greys = [255 - n if n else 0 for n in wanted]
wrong = sum(a != b for a, b in zip(greys, data[len(head):]))
if wrong > WIDTH * HEIGHT / 200:  # where rounding decides, at the edge
    sys.exit(f"{wrong} points are wrong")

lines = [line.rstrip("\n") for line in open(sys.argv[2])]
text = [line for line in lines if len(line) == 80]
inside = [[n == 0 for n in wanted[y * WIDTH + 2:(y + 1) * WIDTH:4]] for y in range(5, HEIGHT, 10)]
shown = [[c == "@" for c in line] for line in text]
if len(text) != 24 or sum(a != b for r, s in zip(inside, shown) for a, b in zip(r, s)) > 10:
    sys.exit("the text does not show it")
