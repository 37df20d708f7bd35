"""Back up switches with NAPALM: running, startup and candidate configuration, the same for each driver.

    pip install azs-backup napalm
    python with_napalm.py --root ROOT --cer backup.cer switches.toml

The kinds are NAPALM's drivers: `nxos_ssh` or `nxos` for Cisco NX-OS. For the rest see with_netmiko.py.
"""

import sys

import napalm
from switches import Switch, back_up


def fetch(switch: Switch) -> dict[str, str]:
    """Returns each configuration of the switch, with its secrets: a switch is not restored without them."""
    driver = napalm.get_network_driver(switch.kind)
    with driver(switch.address, switch.user, switch.password, timeout=120) as device:
        configurations = device.get_config(sanitized=False)
    return {f"{name}-config": text for name, text in configurations.items() if text}


if __name__ == "__main__":
    sys.exit(back_up(fetch))
