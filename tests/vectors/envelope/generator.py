"""What both generators of vectors do: run OpenSSL, and read and write the files beside them."""
import os, subprocess, sys

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def run(command, *args, data=None):
    run = subprocess.run([command, *args], input=data, capture_output=True)
    if run.returncode:
        sys.exit(f"openssl {' '.join(args)}: {run.stderr.decode()}")
    return run.stdout


def read(name):
    with open(name, "rb") as file:
        return file.read()


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)
    return name
