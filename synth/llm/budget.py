"""Money that was spent, money that is promised to requests under way, and the cap that both together never pass."""

from __future__ import annotations

from decimal import Decimal


class Budget:
    """``cap`` in dollars; None for none. What a request may cost at most is held back before it is sent."""

    def __init__(self, cap: Decimal | None, spent: Decimal = Decimal(0)) -> None:
        self.cap = cap
        self.spent = spent
        self.held = Decimal(0)

    def hold(self, most: Decimal) -> bool:
        """Hold back ``most``; False, and nothing held, when the cap leaves no room for it."""
        if self.cap is not None and self.spent + self.held + most > self.cap:
            return False
        self.held += most
        return True

    def settle(self, held: Decimal, cost: Decimal) -> None:
        """Release what was held and book what it cost."""
        self.held -= held
        self.spent += cost
