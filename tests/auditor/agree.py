"""The product and the auditor, end to end: the believable company, one sync, the auditor's verdict.

Usage: python3 tests/auditor/agree.py [--deals N] [--seed S]. Needs the release binaries (cargo build --release -p footbridge
-p footbridge-simulators). It reads nothing of the product's data: the simulators, the sync's exit code and the auditor decide.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = ROOT / "target" / "release"


def configuration(folder: pathlib.Path, world: dict) -> pathlib.Path:
    """What `footbridge init` writes, with the simulators' addresses filled in."""
    xero, salesforce = world["xero"], world["salesforce"]
    for name, side in (("xero", xero), ("salesforce", salesforce)):
        (folder / (name + ".secret")).write_text(side["client_secret"])
    marks = {
        "{{salesforce-url}}": salesforce["base_url"],
        "{{salesforce-client}}": salesforce["client_id"],
        "{{salesforce-secret}}": '{ file = "%s" }' % (folder / "salesforce.secret"),
        "{{xero-client}}": xero["client_id"],
        "{{xero-secret}}": '{ file = "%s" }' % (folder / "xero.secret"),
        "{{xero-urls}}": 'base-url = "%s"\ntoken-url = "%s"' % (xero["base_url"], xero["token_url"]),
        "{{go-live}}": world["go_live"],
    }
    text = (ROOT / "templates" / "footbridge.toml").read_text()
    for mark, value in marks.items():
        text = text.replace(mark, value)
    (folder / "footbridge.toml").write_text(text)
    mapping = (ROOT / "templates" / "mappings" / "lead-to-cash.toml").read_text()
    (folder / "lead-to-cash.toml").write_text(mapping)
    policy = json.loads((ROOT / "tests" / "auditor" / "policy-of-the-company.json").read_text())
    policy.update(go_live=world["go_live"], as_of=world["as_of"])
    (folder / "policy.json").write_text(json.dumps(policy))
    return folder / "footbridge.toml"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--deals", default="1000")
    parser.add_argument("--seed", default="7")
    arguments = parser.parse_args()
    simulators = subprocess.Popen(
        [BINARIES / "footbridge-simulators", "--company", "--deals", arguments.deals, "--seed", arguments.seed],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        world = json.loads(simulators.stdout.readline())
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            config = configuration(folder, world)
            audit = [
                "bash", str(ROOT / "tests" / "auditor" / "run.sh"),
                "--xero-url", world["xero"]["base_url"],
                "--xero-token-url", world["xero"]["token_url"],
                "--salesforce-url", world["salesforce"]["base_url"],
                "--policy", str(folder / "policy.json"),
            ]
            subprocess.run(audit + ["--snapshot", str(folder / "before.json")], check=True)
            time.sleep(61)  # Xero's calls a minute are counted for the auditor as well.
            subprocess.run([BINARIES / "footbridge", "-c", config, "sync"], check=True)
            time.sleep(61)
            return subprocess.run(audit + ["--before", str(folder / "before.json")]).returncode
    finally:
        simulators.kill()


if __name__ == "__main__":
    sys.exit(main())
