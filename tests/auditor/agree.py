"""The product and the auditor, end to end: the believable company, one sync, the auditor's verdict; then the customers pay, another
sync, and the auditor's verdict on what came back to Salesforce.

Usage: python3 tests/auditor/agree.py [--deals N] [--seed S]. Needs the release binaries (cargo build --release -p footbridge
-p footbridge-simulators). It reads nothing of the product's data: the simulators, the sync's exit code and the auditor decide.
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

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
    # The way back is off in a newcomer's file.
    with (folder / "footbridge.toml").open("a") as file:
        file.write('\n[flows.deals-to-invoices.reflect]\nwrite-off-accounts = ["409"]\n')
    mapping = (ROOT / "templates" / "mappings" / "lead-to-cash.toml").read_text()
    (folder / "lead-to-cash.toml").write_text(mapping)
    policy = json.loads((ROOT / "tests" / "auditor" / "policy-of-the-company.json").read_text())
    policy.update(go_live=world["go_live"], as_of=world["as_of"])
    (folder / "policy.json").write_text(json.dumps(policy))
    return folder / "footbridge.toml"


def customers_pay(world: dict, seed: int) -> dict:
    """What the company's customers do until some weeks from now: pay, in parts, too much, bounce, claim back, never."""
    until = datetime.datetime.fromisoformat(world["as_of"].replace("Z", "+00:00")) + datetime.timedelta(days=75)
    body = json.dumps({"until": until.isoformat(), "seed": seed}).encode()
    request = urllib.request.Request(
        world["xero"]["base_url"] + "/_sim/customers-pay", data=body, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


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
            product = [BINARIES / "footbridge", "-c", config]
            subprocess.run(product + ["provision", "--yes"], check=True)
            subprocess.run(audit + ["--snapshot", str(folder / "before.json")], check=True)
            time.sleep(61)  # Xero's calls a minute are counted for the auditor as well.
            subprocess.run(product + ["sync"], check=True)
            time.sleep(61)
            forth = subprocess.run(audit + ["--before", str(folder / "before.json")]).returncode
            print(json.dumps(customers_pay(world, int(arguments.seed))))
            time.sleep(61)
            subprocess.run(product + ["sync"], check=True)
            time.sleep(61)
            back = subprocess.run(audit + ["--reflected"]).returncode
            return max(forth, back)
    finally:
        simulators.kill()


if __name__ == "__main__":
    sys.exit(main())
