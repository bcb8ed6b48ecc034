"""What is made from the vocabulary: ``python -m rules schema`` and ``python -m rules reference``."""

import json
import sys

from rules.reference import reference
from rules.schema import schema

if __name__ == "__main__":
    if sys.argv[1:] == ["reference"]:
        sys.stdout.write(reference())
    else:
        json.dump(schema(), sys.stdout, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")
