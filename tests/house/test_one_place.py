"""What only one file may do: read the clock, read the environment, commit, write a state."""

import ast
import re

from .sources import FUNCTIONS, PRODUCT, Module, assert_none, dotted

CLOCKS = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime|ctime|strftime)"
    r"|func\.(now|current_timestamp|current_date|localtimestamp))$"
)
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
OTHER_STATES = {"RunState", "DeliveryState", "ArchiveState"}  # of runs, deliveries and archives,
OTHER_TABLES = {"JobRun", "Delivery", "Archive"}  # in tables of their own
SQL_STATE = re.compile(r"\bupdate\s+\"?assignment\"?\b[^;]*\bstate\b\s*=", re.IGNORECASE | re.DOTALL)


def everywhere_but(*places: str) -> list[Module]:
    """All modules except these files."""
    return [module for module in PRODUCT if module.where not in places]


def test_only_the_clock_reads_the_clock():
    found = [
        f"{module.at(node)} {dotted(node)}"
        for module in everywhere_but("campaign/clock.py")
        for node in module.walk(ast.Attribute)
        if CLOCKS.search(dotted(node))
    ]
    named = [
        f"{module.where}:{found.line} {found.name}"
        for module in everywhere_but("campaign/clock.py")
        for found in module.imports
        if found.name in ("time.time", "time.time_ns", "time.localtime", "time.gmtime")
    ]
    assert_none(found + named)


def test_only_config_reads_the_environment():
    found = [
        f"{module.at(node)} {dotted(node)}"
        for module in everywhere_but("campaign/config.py")
        for node in module.walk(ast.Attribute)
        if dotted(node) in ENVIRONMENT
    ]
    named = [
        f"{module.where}:{found.line} {found.name}"
        for module in everywhere_but("campaign/config.py")
        for found in module.imports
        if found.name in ENVIRONMENT
    ]
    assert_none(found + named)


def _savepoints(module: Module) -> set[str]:
    """The names that hold a savepoint: releasing one commits nothing."""
    return {
        dotted(target)
        for node in module.walk(ast.Assign)
        if isinstance(node.value, ast.Call) and dotted(node.value.func).endswith(".begin_nested")
        for target in node.targets
    }


def test_only_the_unit_of_work_commits():
    found = [
        module.at(node)
        for module in everywhere_but("campaign/db.py")
        for node in module.walk(ast.Call)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
        if dotted(node.func.value) not in _savepoints(module)
    ]
    assert_none(found)


def test_operations_and_questions_open_no_unit_of_work():
    below = ("operations", "queries", "notify", "evidence", "documents", "models", "rules")
    found = [
        f"{module.where}:{found.line}"
        for module in PRODUCT
        if module.room in below
        for found in module.imports
        if found.name == "campaign.db.unit_of_work"
    ]
    assert_none(found)


def _assigned(node: ast.AST) -> list[ast.Attribute]:
    """The attributes that this statement writes to."""
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.For | ast.With):
        return []
    below = (each for part in ast.iter_child_nodes(node) if not isinstance(part, ast.stmt) for each in ast.walk(part))
    return [each for each in below if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)]


def _is_other_state(value: ast.AST | None) -> bool:
    return value is not None and any(dotted(node).split(".")[0] in OTHER_STATES for node in ast.walk(value))


def _updates_assignment(call: ast.Call) -> bool:
    """Whether this is update(Assignment)….values(state=…), or .update({...: state}) of the old style."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("values", "update"):
        return False
    names_state = any(word.arg == "state" and not _is_other_state(word.value) for word in call.keywords)
    keyed = any(
        (isinstance(key, ast.Constant) and key.value == "state") or dotted(key) == "Assignment.state"
        for arg in call.args
        if isinstance(arg, ast.Dict)
        for key in arg.keys
        if key is not None
    )
    inside = [node for node in ast.walk(call.func) if isinstance(node, ast.Call)]
    updated = [node for node in inside if dotted(node.func).split(".")[-1] == "update"]
    if any(node.args and dotted(node.args[0]).split(".")[-1] in OTHER_TABLES for node in updated):
        return False
    return (names_state or keyed) and (bool(updated) or call.func.attr == "update")


def test_only_move_writes_the_state_of_an_assignment():
    found: list[str] = []
    for module in everywhere_but("campaign/operations/move.py"):
        for node in ast.walk(module.tree):
            targets = [each for each in _assigned(node) if each.attr == "state"]
            if targets and not _is_other_state(getattr(node, "value", None)):
                found.append(f"{module.at(node)} assigns .state")
            if isinstance(node, ast.Call) and _updates_assignment(node):
                found.append(f"{module.at(node)} updates the state")
            if isinstance(node, ast.Call) and dotted(node.func) == "setattr" and "'state'" in ast.unparse(node):
                found.append(f"{module.at(node)} sets the state")
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_STATE.search(node.value):
                found.append(f"{module.at(node)} updates the state in SQL")
    assert_none(found)


def test_actor_and_now_go_by_name():
    """Positional confusion is impossible: below the door they are keyword-only wherever they are arguments."""
    found = [
        f"{module.at(node)} {node.name}"
        for module in PRODUCT
        if module.room in ("operations", "notify")
        for node in module.walk(*FUNCTIONS)
        if not node.name.startswith("_")
        for argument in node.args.posonlyargs + node.args.args
        if argument.arg in ("actor", "now")
    ]
    assert_none(found)
