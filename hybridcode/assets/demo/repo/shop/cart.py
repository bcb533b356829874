"""The cart: what a customer wants to buy."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """One article and how many of it; the price is net and for one piece."""

    name: str
    price: int
    count: int = 1


@dataclass
class Cart:
    """Lines in the order in which they were added."""

    lines: list[Line] = field(default_factory=list)

    def add(self, name: str, price: int, count: int = 1) -> None:
        """Put an article into the cart."""
        if count < 1:
            raise ValueError("count must be at least 1")
        self.lines.append(Line(name, price, count))

    def calc(self) -> int:
        """The net price of all lines."""
        return sum(line.price * line.count for line in self.lines)
