"""Sets of random files, made without a key: what copies, lists and keyless verification look at."""

import hashlib
import json
import os
import re
from pathlib import Path

PLACES = ["Switches", "HLH/su1", "HLH/su2", "Registration", "My Own-ü", "DeploymentData"]
REGION = "contoso.com/nyc"


def sha(data):
    return hashlib.sha256(data).hexdigest()


def write(path, data):
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def cover_of(place, name, sums, stored_bytes, files, content=5, labels=None):
    component, _, unit = place.partition("/")
    stamp = f"{name[:4]}-{name[4:6]}-{name[6:8]}T{name[9:11]}:{name[11:13]}:{name[13:15]}Z"
    cert = {
        "subject": "CN=x",
        "issuer": "CN=x",
        "serial": "01",
        "sha1_thumbprint": "0" * 40,
        "sha256_thumbprint": "0" * 64,
        "not_before": "2020-01-01T00:00:00Z",
        "not_after": "2040-01-01T00:00:00Z",
        "key": {"algorithm": "RSA", "bits": 3072},
    }
    cover = {
        "format_version": 1,
        "made_by": "oracle",
        "set": name,
        "component": component,
        **({"scale_unit": unit} if unit else {}),
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
        "created": stamp,
        "finished": stamp,
        "status": "Succeeded",
        "certificates": [cert],
        **({"labels": labels} if labels else {}),
        "content": {"files": content, "folders": 1, "links": 0, "bytes": content * 1000, "problems": 0},
        "stored": {"files": files, "bytes": stored_bytes},
        "sha256sums": sha(sums),
    }
    text = json.dumps(cover, indent=2)[:-2]
    return (text + f',\n  "cover_sha256": "{sha(text.encode())}"\n}}\n').encode()


def make_set(root, place, name, files, base=None, **more):
    folder = Path(root, REGION, place, name)
    folder.mkdir(parents=True)
    for file, data in files.items():
        if base is not None and (base / file).is_file() and (base / file).read_bytes() == data:
            os.link(base / file, folder / file)
        else:
            (folder / file).write_bytes(data)
    sums = "".join(f"{sha(d)}  {f}\n" for f, d in files.items()).encode()
    (folder / "SHA256SUMS").write_bytes(sums)
    cover = cover_of(place, name, sums, sum(map(len, files.values())), len(files), **more)
    (folder / "backup.json").write_bytes(cover)
    return folder


def random_files(rng, earlier=None):
    size = lambda: rng.choice([1, 60, 1000, 70_000, rng.randrange(1, 400_000), 1_500_000])
    files = dict(earlier or {})
    for name in [f for f in files if not f.startswith("0")]:
        if name.startswith("extents") or rng.random() < 0.5:
            del files[name]
    number = max([int(f[:6]) for f in files if f[0] == "0"], default=-1) + 1
    for i in range(number, number + rng.randrange(1, 4)):
        files[f"{i:06}-{rng.getrandbits(128):032x}.tar.zst.p7m"] = rng.randbytes(size())
    files["extents.txt.zst.p7m"] = rng.randbytes(rng.randrange(100, 900))
    index = max([int(f[6:12]) for f in files if f.startswith("index")], default=-1) + 1
    for i in range(index, index + 2):
        files[f"index-{i:06}.jsonl.zst.p7m"] = rng.randbytes(rng.randrange(500, 3000))
    order = lambda f: (f[0] != "0", f.startswith("index"), f)
    return {f: files[f] for f in sorted(files, key=order)}


def content(folder):
    found = {}
    for entry in os.scandir(folder):
        found[entry.name] = Path(entry.path).read_bytes() if entry.is_file(follow_symlinks=False) else None
    return found


def is_whole(found, place, name):
    try:
        cover, sums = json.loads(found["backup.json"]), found["SHA256SUMS"]
        lines = [line.split("  ", 1) for line in sums.decode().splitlines()]
        where = "/".join(x for x in (cover["component"], cover.get("scale_unit")) if x)
        body = found["backup.json"]
        sealed = sha(body[: body.rindex(b',\n  "cover_sha256"')]) == cover["cover_sha256"]
        return (
            sealed
            and cover["set"] == name
            and where == place
            and cover["sha256sums"] == sha(sums)
            and all(sha(found[f]) == digest for digest, f in lines)
            and sum(len(found[f]) for _, f in lines) == cover["stored"]["bytes"]
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        return False


def sets_of(root):
    found = {}
    for folder, folders, _ in os.walk(Path(root, REGION)):
        for name in folders:
            path = Path(folder, name)
            if re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", name) and not path.is_symlink():
                found[str(Path(folder).relative_to(Path(root, REGION))), name] = content(path)
    return found


def key_of(s):
    place = s["place"]
    return place["component"] + ("/" + place["scale_unit"] if place.get("scale_unit") else ""), s["name"]


def sets_of_one(root, key):
    folder = Path(root, REGION, *key)
    return content(folder) if folder.is_dir() else {}


def is_damaged_only(old):
    return old is not None and "backup.json" in old
