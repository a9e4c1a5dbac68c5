#!/usr/bin/env python3
"""Judges the reports of the Autobahn TestSuite.

Every case has to behave, and to close, as OK or INFORMATIONAL: NON-STRICT is
a failure here. A case may be UNIMPLEMENTED only in the sections named with
--may-lack. A report that lacks cases fails as well, so that a crash in the
middle of a run is not taken for success.
"""

import argparse
import json
import pathlib
import sys

GOOD = {"OK", "INFORMATIONAL"}


def main():
    options = parse_arguments()
    try:
        agents = json.loads((options.reports / "index.json").read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"{options.name}: no readable report: {error}")

    passed, skipped, failures = 0, 0, []
    for agent, cases in agents.items():
        for case, result in sorted(cases.items(), key=lambda item: case_key(item[0])):
            if is_good(result):
                passed += 1
            elif is_unimplemented(result) and case.split(".")[0] in options.may_lack:
                skipped += 1
            else:
                failures.append(describe(agent, case, result))

    missing = options.cases - passed - skipped - len(failures)
    if missing > 0:
        failures += [f"{missing} of {options.cases} cases have no report"] * missing
    for failure in dict.fromkeys(failures):
        print(f"FAILED {failure}")
    if failures:
        print(f"wire logs: {options.reports}")
    print(summary(options.name, passed, len(failures), skipped))
    sys.exit(1 if failures or not passed else 0)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", type=pathlib.Path, help="the directory with index.json")
    parser.add_argument("--name", default="autobahn", help="one word for the summary line")
    parser.add_argument("--cases", type=int, required=True, help="how many there have to be")
    parser.add_argument("--may-lack", nargs="*", default=[], metavar="SECTION",
                        help="sections whose cases may be UNIMPLEMENTED")
    return parser.parse_args()


def is_good(result):
    return result["behavior"] in GOOD and result["behaviorClose"] in GOOD


def is_unimplemented(result):
    return result["behavior"] == "UNIMPLEMENTED"


def describe(agent, case, result):
    return (f"{agent} {case}: {result['behavior']}, closing {result['behaviorClose']}"
            f" (close code {result['remoteCloseCode']}), {result['reportfile']}")


def case_key(case):
    return [int(part) for part in case.split(".")]


def summary(name, passed, failed, skipped):
    line = f"{name}: {passed} passed, {failed} failed"
    return f"{line}, {skipped} skipped" if skipped else line


if __name__ == "__main__":
    main()
