"""Back up switches of several vendors, over SSH with netmiko.

    pip install azs-backup netmiko
    python with_netmiko.py --root ROOT --cer backup.cer switches.toml

`switches.toml` names each switch, its address and its kind. AZS_SWITCH_USER and AZS_SWITCH_PASSWORD log on there; a share
by its UNC path takes AZS_SMB_USER and AZS_SMB_PASSWORD. Exit code 3 if a switch did not answer.
"""

import sys

import netmiko
from switches import Switch, back_up

COMMANDS = {
    "cisco_nxos": ("show running-config", "show startup-config", "show version", "show inventory"),
    "dell_os10": ("show running-configuration", "show startup-configuration", "show version", "show inventory"),
    "mellanox_mlnxos": ("show running-config", "show version", "show inventory"),
    # NVUE, Cumulus Linux 5 and later.
    "cumulus_linux": ("nv config show -o commands", "cat /etc/network/interfaces", "cat /etc/os-release"),
    "hp_comware": ("display current-configuration", "display saved-configuration", "display version"),
    "aruba_aoscx": ("show running-config", "show startup-config", "show version", "show system"),
}


def fetch(switch: Switch) -> dict[str, str]:
    """Returns what the switch prints for each command."""
    account = {"username": switch.user, "password": switch.password}
    with netmiko.ConnectHandler(device_type=switch.kind, host=switch.address, **account) as connection:
        # A full configuration takes longer than the ten seconds of the default.
        return {command: str(connection.send_command(command, read_timeout=120)) for command in COMMANDS[switch.kind]}


if __name__ == "__main__":
    sys.exit(back_up(fetch))
