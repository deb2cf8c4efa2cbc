# SPDX-License-Identifier: MIT
"""A workload for the first recording: measurements of a few hundred sensors arrive as JSON, are decoded,
grouped and averaged, and the answer is encoded again. The same allocations in every run."""

import json
import random

SENSORS = 200
BATCHES = 60


def batch(generator, number):
    return json.dumps(
        [
            {
                "sensor": "sensor-%03d" % generator.randrange(SENSORS),
                "time": number * 1000 + i,
                "values": [round(generator.uniform(-20, 60), 2) for _ in range(6)],
                "note": "calibrated" if generator.random() < 0.1 else None,
            }
            for i in range(SENSORS)
        ]
    )


def main():
    generator = random.Random(20160317)
    latest = {}
    answer = ""
    for number in range(BATCHES):
        for entry in json.loads(batch(generator, number)):
            latest.setdefault(entry["sensor"], []).append(sum(entry["values"]) / len(entry["values"]))
        answer = json.dumps({name: sum(values) / len(values) for name, values in sorted(latest.items())})
    print("%d sensors, answer of %d characters" % (len(latest), len(answer)))


if __name__ == "__main__":
    main()
