"""Rules: facts about a person → what the organisation wants said of them."""

from rules.evaluate import Evaluation, Failure, evaluate
from rules.loader import load
from rules.memory import Memory
from rules.model import RuleSet
from rules.outlook import outlook
from rules.person import Person
from rules.problems import RulesError
from rules.trace import Trace
from rules.yaml_marks import Problem

__all__ = [
    "Evaluation",
    "Failure",
    "Memory",
    "Person",
    "Problem",
    "RuleSet",
    "RulesError",
    "Trace",
    "evaluate",
    "load",
    "outlook",
]
