"""
Nutshell's command line, one command after the other in one process: starting Python takes longer than most of them. Each
line on standard input is a JSON list, arguments and what is typed in; each is answered by a line of JSON.
"""

import json
import sys

from cashu.wallet.cli.cli import cli
from click.testing import CliRunner

answers = sys.stdout
for line in sys.stdin:
    args, typed = json.loads(line)
    result = CliRunner().invoke(cli, args, input=typed)
    error = None if result.exit_code == 0 else str(result.exception) or result.stdout
    print(json.dumps({"out": result.stdout, "error": error}), file=answers, flush=True)
