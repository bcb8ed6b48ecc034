"""``python -m rules > rules/schema.json``: the JSON Schema made anew from the vocabulary."""

import json
import sys

from rules.schema import schema

if __name__ == "__main__":
    json.dump(schema(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
