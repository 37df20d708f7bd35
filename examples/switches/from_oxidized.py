"""Back up what Oxidized has fetched, and name each switch that it could not reach.

    pip install azs-backup
    python from_oxidized.py --root ROOT --cer backup.cer --oxidized http://127.0.0.1:8888

Without that, the folder of Oxidized's `file` output is a source like any other; but a switch that has not answered for
a month looks there like one that has not changed.
"""

import json
import sys
from urllib.parse import quote
from urllib.request import urlopen

from switches import Switch, back_up, parser


def get(url: str) -> bytes:
    with urlopen(url, timeout=60) as answer:
        return bytes(answer.read())


def main() -> int:
    given = parser()
    given.add_argument("--oxidized", default="http://127.0.0.1:8888", help="address of oxidized-web")
    base = given.parse_args().oxidized.rstrip("/")
    nodes = {node["full_name"]: node for node in json.loads(get(f"{base}/nodes.json"))}

    def fetch(switch: Switch) -> dict[str, str]:
        last = nodes[switch.name].get("last") or {"status": "never fetched"}
        if last["status"] != "success":
            raise ConnectionError(f"Oxidized: {last['status']}, at {last.get('end', 'no time')}")
        return {"config": get(f"{base}/node/fetch/{quote(switch.name)}").decode()}

    switches = [Switch(name, node.get("ip", ""), node.get("model", "")) for name, node in nodes.items()]
    return back_up(fetch, given, switches)


if __name__ == "__main__":
    sys.exit(main())
