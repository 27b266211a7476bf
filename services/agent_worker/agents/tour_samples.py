"""What the tour hands out: text, code, data, a web page and a picture. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator

MARKDOWN = """\
Here is what the page can set.

| river | length, km | mouth |
|---|---:|---|
| Danube | 2850 | Black Sea |
| Mekong | 4350 | South China Sea |
| Okavango | 1600 | a delta in the desert |

The mean speed of water in an open channel follows Manning's formula, $v = \\frac{1}{n} R^{2/3} S^{1/2}$, and the discharge is

$$
Q = v A = \\frac{1}{n} A R^{2/3} \\sqrt{S}
$$

```python
def discharge(area: float, radius: float, slope: float, n: float = 0.035) -> float:
    \"\"\"In cubic metres per second, for metres.\"\"\"
    return area * radius ** (2 / 3) * slope**0.5 / n
```

> A river cuts through rock not because of its power but because it keeps on.

1. Look *upstream* for causes.
2. Look **downstream** for what came of them.
"""

_CODE = """\
from math import sin

width = 40
for row in range(24):
    bend = round((1 + sin(row / 3)) * width / 2)
    print(" " * bend + "~~~")
"""

_DATA = """\
{
  "gauge": "Vienna",
  "unit": "m3/s",
  "readings": [
    {"month": "April", "mean": 2310, "flood": false},
    {"month": "June", "mean": 2580, "flood": true},
    {"month": "November", "mean": 1490, "flood": false}
  ]
}
"""

_PAGE = """\
<!doctype html>
<title>Postcard</title>
<style>
  body { margin: 0; min-height: 100vh; font: 18px/1.5 Georgia, serif;
    background: linear-gradient(#fde3b4, #f6b26b 45%, #2f6f7e 46%, #174a56); }
  main { padding: 12vh 2rem 0; text-align: center; color: #432; }
  h1 { font-size: 2.4rem; margin: 0; }
</style>
<main><h1>Greetings from the river</h1><p>It leaves, and it comes back.</p></main>
"""

SOUVENIRS = (
    ("code", "meander.py", "text/x-python", _CODE),
    ("data", "gauge.json", "application/json", _DATA),
    ("page", "postcard.html", "text/html", _PAGE),
)
"""Kind, name, media type and content."""


async def words(text: str) -> AsyncIterator[str]:
    """The text in pieces as a model would stream it."""
    start = 0
    while start < len(text):
        end = text.find(" ", start + 1)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end


def sunset(width: int = 240, height: int = 120) -> bytes:
    """A PNG (RFC 2083): sky above, water below, a sun between them."""
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in _colour(x, y, width, height)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )


def _colour(x: int, y: int, width: int, height: int) -> tuple[int, int, int]:
    horizon = height * 3 // 5
    sun = (x - width * 2 // 3) ** 2 + (y - horizon) ** 2 < (height // 4) ** 2
    if y < horizon:
        return (255, 236, 170) if sun else (250 - y // 2, 190 - y, 120 - y // 2)
    return (220, 160, 110) if sun and (y // 3) % 2 else (30 + y // 4, 90 + y // 6, 110 + y // 6)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
