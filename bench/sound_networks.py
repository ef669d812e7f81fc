"""Networks of the assets, put where the program looks for those that it has fetched."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess


def put(program, assets, data):
    """Into the folder `data`, each by its checksum; the environment for runs with them, None where the assets have none."""
    rows = subprocess.run([program, "models", "list", "--json"], stdout=subprocess.PIPE, check=True).stdout
    names = {r["sha256"]: os.path.basename(r["path"]) for r in json.loads(rows) if r["purpose"] == "sound"}
    folder, env = pathlib.Path(data) / "terminalai/models", None
    for path in pathlib.Path(assets, "models/audio").glob("*/*"):
        name = names.get(hashlib.sha256(path.read_bytes()).hexdigest())
        if name:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)
            env = {**os.environ, "XDG_DATA_HOME": str(data), "TERMINALAI_ENGINE_LIBRARY": os.environ.get("TERMINALAI_ENGINE_LIBRARY") or
                   str(pathlib.Path(program).resolve().parent / "engines")}
    return env


if __name__ == "__main__":
    print(__doc__)
