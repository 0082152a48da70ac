"""Serve one event in a function's process: `one_login.py`, the event on its input, its result on its output.

The last line is the answer's status, its body, and which modules of the packages that its arguments name were imported.
"""

import json
import sys

if __name__ == "__main__":
    from app import app

    answer = app(json.load(sys.stdin), None)
    imported = sorted(name for name in sys.modules if name.partition(".")[0] in sys.argv[1:])
    sys.stdout.write(json.dumps([answer["statusCode"], json.loads(answer["body"] or "{}"), imported]) + "\n")
