"""Record a command in a terminal: as an asciicast (version 2) that plays as it ran, and as a picture.

python scripts/record_terminal.py docs/screens/t0-terminal -- afterglow simulate --story red-flag
"""

from __future__ import annotations

import json
import os
import pty
import struct
import sys
import time
from fcntl import ioctl
from io import StringIO
from pathlib import Path
from termios import TIOCSWINSZ

from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 110, 40


def record(command: list[str]) -> tuple[int, list[tuple[float, str]]]:
    """Run `command` in a terminal of its own. Gives its exit status, and what it wrote after how many
    seconds."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        os.execvp(command[0], command)
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began, written = time.monotonic(), []
    while True:
        try:
            heard = os.read(terminal, 65536)
        except OSError:  # the terminal is gone with its command
            break
        if not heard:
            break
        written.append((time.monotonic() - began, heard.decode("utf-8", "replace")))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), written


def main() -> int:
    """Record, and write the two files."""
    if "--" not in sys.argv or sys.argv.index("--") != 2:
        print(__doc__, file=sys.stderr)
        return 2
    target, command = Path(sys.argv[1]), sys.argv[3:]
    status, written = record(command)
    title = " ".join(command)
    head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": title}
    lines = [json.dumps(head), *(json.dumps([round(at, 3), "o", text]) for at, text in written)]
    target.with_suffix(".cast").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shown = "".join(text for _at, text in written).replace("\r\n", "\n")
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(Text.from_ansi(shown))
    console.save_svg(str(target.with_suffix(".svg")), title=title)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
