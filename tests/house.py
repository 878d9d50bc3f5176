"""The plan of the house, drawn from its imports: `python -m tests.house` prints it."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAIRCASE = ("flows", "warehouse", "lamas")
"""The packages, the topmost first: an import goes down it."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import statement between two rooms."""

    source: str
    target: str
    place: str
    """File and line."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The rooms of one package and what they take from each other.

    A room is a file or a subfolder directly below the package; a package's face is none.
    """

    package: str
    rooms: frozenset[str]
    imports: tuple[Import, ...]

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Who takes from whom."""
        return frozenset((item.source, item.target) for item in self.imports)

    @property
    def circles(self) -> tuple[frozenset[str], ...]:
        """Rooms that reach each other, each circle once."""
        reach = reached(self.rooms, self.pairs)
        found = {
            frozenset({room, *(other for other in reach[room] if room in reach[other])})
            for room in self.rooms
            if room in reach[room]
        }
        return tuple(sorted(found, key=sorted))

    @property
    def floors(self) -> dict[str, int]:
        """By room: the longest way down from it, upward imports left out; 0 imports no other."""
        against = {(item.source, item.target) for item in self.upward}
        floors: dict[str, int] = {}
        for room in self.upstairs:
            below = {target for source, target in self.pairs - against if source == room}
            floors[room] = max((floors[other] + 1 for other in below), default=0)
        return floors

    @property
    def upward(self) -> tuple[Import, ...]:
        """Imports against the order of the rooms; there are some exactly if there are circles."""
        place = {room: number for number, room in enumerate(self.upstairs)}
        return tuple(item for item in self.imports if place[item.target] > place[item.source])

    @cached_property
    def upstairs(self) -> tuple[str, ...]:
        """The rooms from the lowest on: each after those it takes from, as far as that goes.

        In a circle the one comes first that many take from and that takes from few (Eades, Lin and
        Smyth, 1993).
        """
        order: list[str] = []
        left = set(self.rooms)
        while left:
            inner = [pair for pair in self.pairs if left.issuperset(pair)]
            takes = Counter(source for source, _ in inner)
            gives = Counter(target for _, target in inner)
            lowest = min(left, key=lambda room: (takes[room] > 0, takes[room] - gives[room], room))
            order.append(lowest)
            left.remove(lowest)
        return tuple(order)


def reached(
    rooms: frozenset[str], pairs: frozenset[tuple[str, str]]
) -> Mapping[str, frozenset[str]]:
    """By room: every room at the end of a way of one step or more."""
    steps = {room: {target for source, target in pairs if source == room} for room in rooms}
    found: dict[str, frozenset[str]] = {}
    for room in rooms:
        seen: set[str] = set()
        waiting = [*steps[room]]
        while waiting:
            if (next_room := waiting.pop()) not in seen:
                seen.add(next_room)
                waiting += steps[next_room]
        found[room] = frozenset(seen)
    return found


def plan(package: str, root: Path = ROOT) -> Plan:
    """Draw the plan of a package below `root`."""
    folder = root / package
    rooms = frozenset(
        item.stem
        for item in folder.iterdir()
        if (item.suffix == ".py" and item.stem != "__init__")
        or (item.is_dir() and any(item.glob("*.py")))
    )
    imports = [
        Import(source=source, target=target, place=place)
        for source, module, place in imports_of(folder)
        if (target := room_of(module, package, rooms)) is not None and target != source
    ]
    return Plan(
        package=package,
        rooms=rooms,
        imports=tuple(item for item in imports if item.source in rooms),
    )


def room_of(module: str, package: str, rooms: frozenset[str]) -> str | None:
    """The room of a package that a dotted name lies in."""
    first, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return room if first == package and room in rooms else None


def imports_of(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Room of the importing file, imported module, file and line; lazy and typing imports too."""
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder)
        package = [folder.name, *inside.parts[:-1]]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for module in modules(node, package):
                    room = inside.parts[0].removesuffix(".py")
                    yield room, module, f"{folder.name}/{inside}:{node.lineno}"


def modules(node: ast.Import | ast.ImportFrom, package: list[str]) -> list[str]:
    """Dotted names of what a statement imports; a name may also be one inside its module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    above = package[: len(package) - node.level + 1] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{base}.{alias.name}" for alias in node.names]


def upstairs(root: Path = ROOT) -> list[str]:
    """Imports from a package into one that stands above it, as `place: module`."""
    return [
        f"{place}: {module}"
        for number, package in enumerate(STAIRCASE)
        for _, module, place in imports_of(root / package)
        if module.partition(".")[0] in STAIRCASE[:number]
    ]


def lines(drawn: Plan) -> list[str]:
    """The plan in words, the uppermost floor first."""
    floors = drawn.floors
    by_floor = {
        floor: sorted(room for room, of in floors.items() if of == floor)
        for floor in sorted(set(floors.values()), reverse=True)
    }
    return [
        f"{drawn.package}: {len(drawn.rooms)} rooms on {len(by_floor)} floors, "
        f"{len(drawn.pairs)} imports between them, {len(drawn.upward)} upward, "
        f"{len(drawn.circles)} circles",
        *(f"  {floor:2}  {'  '.join(rooms)}" for floor, rooms in by_floor.items()),
        *(f"  circle: {', '.join(sorted(circle))}" for circle in drawn.circles),
        *(f"  upward: {item.place}: {item.source} -> {item.target}" for item in drawn.upward),
    ]


def main() -> None:
    """Print the plan of every package, and what goes upstairs between them."""
    for package in STAIRCASE:
        print("\n".join(lines(plan(package))))
    between = upstairs()
    print(f"{' > '.join(STAIRCASE)}: {len(between)} imports upward", *between, sep="\n  ")


if __name__ == "__main__":
    main()
