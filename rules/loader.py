"""load(): the text of a rules file → a RuleSet, or every problem in it at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from connectors.facts import Shows
from rules import load_values as read
from rules.cases import CaseLoader, TestCase
from rules.check import warnings_about
from rules.custom_xml import RESERVED
from rules.load_effects import STATE_KEYS, EffectLoader
from rules.load_rules import RuleLoader
from rules.model import AVAILABLE_STATE, Rule, RuleSet, StateDefinition
from rules.problems import Problems, in_order
from rules.reading import CalendarMeaning, Reading
from rules.shipped import Reader, pack_reader
from rules.source import Node, parse
from rules.values import duration
from rules.yaml_marks import Problem

TOP_KEYS = (
    "version", "include", "without", "namespaces", "states", "precedence", "calendars", "dwell", "otherwise",
    "rules", "tests",
)  # fmt: skip
BUILT_IN = "states"
"The pack with the states that everybody uses; every rules file stands on it."
MAX_INCLUDES = 50


@dataclass(slots=True)
class _Gathering:
    """All documents that belong together, the including one before what it includes."""

    problems: Problems
    reader: Reader
    documents: list[dict[str, Node]] = field(default_factory=list)
    rule_nodes: list[Node] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def gather(self, text: str, file: str, chain: tuple[str, ...]) -> None:
        root, wrong = parse(text, file)
        self.files.append(file)
        self.problems.found += wrong
        if root.kind != "map":
            self.problems.add(root, "a rules file must be a mapping", "begin it with `version: 1`")
            return
        document = read.mapping(root, self.problems, "the rules file", TOP_KEYS)
        self.documents.append(document)
        version = document.get("version")
        if version is None and not wrong:
            self.problems.add(root, "`version` is missing", "begin the file with `version: 1`")
        elif version is not None and version.text != "1":
            self.problems.add(version, f"version `{version.text}` is not known", "write `version: 1`")
        rules = document.get("rules")
        if rules is not None and rules.kind != "list":
            self.problems.add(rules, "`rules` must be a list", "begin each rule with a dash")
        for node in rules.items if rules is not None and rules.kind == "list" else []:
            pack = node.get("pack") if node.kind == "map" else None
            if pack is None:
                self.rule_nodes.append(node)
                continue
            if len(node.pairs) > 1:
                self.problems.add(node, "`pack` stands alone in its list item")
            self.include(pack, chain)
        includes = document.get("include")
        for node in includes.listed() if includes is not None else []:
            self.include(node, chain)

    def include(self, node: Node, chain: tuple[str, ...]) -> None:
        name = read.text(node, self.problems, "what is included")
        if name is None:
            return
        if name in chain:
            circle = " → ".join([*chain[chain.index(name) :], name])
            self.problems.add(node, f"files include one another in a circle: {circle}")
            return
        if name in self.seen:
            return
        self.seen.append(name)
        if len(self.seen) > MAX_INCLUDES:
            self.problems.add(node, f"more than {MAX_INCLUDES} files are included")
            return
        try:
            text, file = self.reader(name, node.file)
        except (OSError, UnicodeDecodeError):
            hint = "a pack is named without .yaml, a file with it"
            self.problems.add(node, f"`{name}` cannot be read or is no pack", hint)
            return
        self.gather(text, file, (*chain, name))


def load(text: str, filename: str = "rules.yaml", reader: Reader = pack_reader) -> RuleSet:
    """Load a rules file. ``reader`` finds what it includes; by itself it finds packs.

    Raises RulesError with every problem. What is only doubtful is in ``RuleSet.warnings``.
    """
    problems = Problems()
    gathering = _Gathering(problems, reader)
    gathering.gather(text, filename, (filename,))
    own = len(gathering.documents)
    if gathering.documents and BUILT_IN not in gathering.seen:
        built_in, file = reader(BUILT_IN, filename)
        gathering.gather(built_in, file, (filename, BUILT_IN))
    documents = gathering.documents
    namespaces = _namespaces(documents, problems)
    effects = EffectLoader(problems, namespaces)
    states = effects.states(_state_nodes(documents, problems))
    rules = _rules(gathering, effects, states, problems)
    tests = _tests(documents[:1] if own else [], states, rules, problems)
    rule_set = RuleSet(
        filename,
        MappingProxyType(states),
        rules,
        Reading(_precedence(documents, problems), _calendars(documents, problems)),
        _otherwise(documents, states, problems),
        MappingProxyType(namespaces),
        tests,
        (),
        tuple(gathering.files),
    )
    problems.raise_if_any()
    doubts = in_order([*problems.warnings, *warnings_about(rule_set)])
    return _with_warnings(rule_set, doubts)


def cases_of(text: str, filename: str, rules: RuleSet) -> tuple[TestCase, ...]:
    """The tests of a file that holds nothing but ``version`` and ``tests``. Raises RulesError."""
    root, wrong = parse(text, filename)
    problems = Problems(list(wrong))
    document = read.mapping(root, problems, "the tests file", ("version", "tests"))
    cases = _tests([document], rules.states, rules.rules, problems)
    problems.raise_if_any()
    return cases


def _with_warnings(rules: RuleSet, warnings: tuple[Problem, ...]) -> RuleSet:
    return RuleSet(
        rules.file,
        rules.states,
        rules.rules,
        rules.reading,
        rules.otherwise,
        rules.namespaces,
        rules.tests,
        warnings,
        rules.files,
    )


def _first(documents: list[dict[str, Node]], key: str) -> Node | None:
    """Of a setting that stands in several files, the including file's counts."""
    return next((document[key] for document in documents if key in document), None)


def _namespaces(documents: list[dict[str, Node]], problems: Problems) -> dict[str, str]:
    found: dict[str, str] = {}
    for document in documents:
        node = document.get("namespaces")
        if node is None:
            continue
        if node.kind != "map":
            problems.add(node, "`namespaces` must be a mapping from prefixes to namespaces")
            continue
        for key, value in node.pairs:
            uri = read.text(value, problems, "a namespace")
            if (
                not key.text.replace("-", "").isalnum()
                or not key.text[0].isalpha()
                or key.text.lower().startswith("xml")
            ):
                problems.add(key, f"`{key.text}` cannot be a prefix", "use letters, digits and dashes")
            elif uri is not None and (uri.startswith(RESERVED) or not _is_uri(uri)):
                problems.add(
                    value, f"`{uri}` cannot be your namespace", "use a URI under a name that you own"
                )
            elif uri is not None:
                found.setdefault(key.text, uri)
    return found


def _is_uri(text: str) -> bool:
    scheme, colon, rest = text.partition(":")
    return bool(colon and rest) and scheme[:1].isalpha() and not set(text) & set(' <>"&{}|\\^`\n\t')


def _state_nodes(documents: list[dict[str, Node]], problems: Problems) -> dict[str, tuple[Node, Node]]:
    found: dict[str, tuple[Node, Node]] = {}
    for document in documents:
        node = document.get("states")
        if node is None:
            continue
        if node.kind != "map":
            problems.add(node, "`states` must be a mapping from names to what they mean")
            continue
        for key, value in node.pairs:
            if value.kind != "map":
                hint = f"write it like {key.text}: {{{STATE_KEYS[0]}: open}}"
                problems.add(value, f"the state `{key.text}` must be a mapping", hint)
            elif key.text in ("auto", "nothing") or not key.text.strip() or "{" in key.text:
                problems.add(
                    key, f"a state cannot be called `{key.text}`", "the word has a meaning of its own"
                )
            else:
                found.setdefault(key.text, (key, value))
    return found


def _rules(
    gathering: _Gathering, effects: EffectLoader, states: Mapping[str, StateDefinition], problems: Problems
) -> tuple[Rule, ...]:
    dwell_node = _first(gathering.documents, "dwell")
    dwell = read.converted(dwell_node, problems, "`dwell`", duration) if dwell_node is not None else None
    without: dict[str, Node] = {}
    for document in gathering.documents:
        node = document.get("without")
        for item in node.listed() if node is not None else []:
            without[item.text] = item
    loader = RuleLoader(problems, effects, states, dwell)
    rules = [rule for node in gathering.rule_nodes if (rule := loader.load(node)) is not None]
    for name, node in without.items():
        if name not in loader.names:
            problems.unknown(node, "the rule", loader.names)
    return tuple(rule for rule in rules if rule.name not in without)


def _tests(
    documents: list[dict[str, Node]],
    states: Mapping[str, StateDefinition],
    rules: tuple[Rule, ...],
    problems: Problems,
) -> tuple[TestCase, ...]:
    """Those of the file itself; packs have their own."""
    loader = CaseLoader(problems, states.keys(), [rule.name for rule in rules])
    found: list[TestCase] = []
    for document in documents:
        node = document.get("tests")
        if node is not None and node.kind != "list":
            problems.add(node, "`tests` must be a list", "begin each test with a dash")
        elif node is not None:
            cases = (loader.load(item, number) for number, item in enumerate(node.items, 1))
            found += [case for case in cases if case is not None]
    return tuple(found)


def _precedence(documents: list[dict[str, Node]], problems: Problems) -> tuple[Shows, ...]:
    node = _first(documents, "precedence")
    if node is None:
        return Reading().precedence
    known = [shows.value for shows in Shows if shows is not Shows.FREE]
    words = [read.choice(item, problems, "in `precedence`", known) for item in node.listed()]
    return tuple(dict.fromkeys(Shows(word) for word in words if word is not None))


def _calendars(documents: list[dict[str, Node]], problems: Problems) -> Mapping[str, CalendarMeaning]:
    node = _first(documents, "calendars")
    found: dict[str, CalendarMeaning] = {}
    if node is not None and node.kind != "map":
        problems.add(node, "`calendars` must be a mapping from calendars to how they count")
    for key, value in node.pairs if node is not None else []:
        pairs = read.mapping(value, problems, f"the calendar `{key.text}`", ("counts", "shows_as"))
        counts = read.yes_no(pairs["counts"], problems, "`counts`") if "counts" in pairs else True
        shows: str | None = None
        if "shows_as" in pairs:
            shows = read.choice(pairs["shows_as"], problems, "`shows_as`", [one.value for one in Shows])
        found[key.text] = CalendarMeaning(counts is not False, Shows(shows) if shows else None)
    return MappingProxyType(found)


def _otherwise(
    documents: list[dict[str, Node]], states: Mapping[str, StateDefinition], problems: Problems
) -> str:
    node = _first(documents, "otherwise")
    if node is None:
        return AVAILABLE_STATE
    return read.choice(node, problems, "the state", states.keys()) or AVAILABLE_STATE
