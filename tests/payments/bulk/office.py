"""A business with money, two people who act for it, and people whom it pays."""

from dataclasses import dataclass, field
from typing import Any

from huitong import customers, ledger
from huitong.kernel.money import Money
from huitong.ledger import AccountState, show_account
from huitong.payments import bulk, corporate

TITLES = "reference,account,name,amount,currency,note"
LINES = ((0, "10.00"), (1, "20.00"), (2, "30.00"), (3, "40.00"), (4, "50.00"))
ALL = ["10.00", "20.00", "30.00", "40.00", "50.00"]


@dataclass
class Office:
    """A business with money, two people who act for it, and people whom it pays."""

    town: Any
    now: Any
    new_id: Any
    merchant: customers.Merchant
    maker: customers.Customer
    checker: customers.Customer
    staff: list[customers.Customer]
    #: The worker that pays.
    payer: bulk.FilePayer = field(init=False)

    def __post_init__(self) -> None:
        self.payer = self.new_payer()

    def write(self, *lines: tuple[int, str], purpose: str = "payroll") -> bytes:
        rows = [
            f"R{at},{show_account(self.staff[who].account_id)},员工{who},{amount},CNY,"
            for at, (who, amount) in enumerate(lines)
        ]
        total = Money.total([Money.parse(amount, "CNY") for _, amount in lines], "CNY")
        head = f"huitong-bulk,1,{purpose},CNY,{len(lines)},{total.format()}"
        return "\n".join([head, TITLES, *rows]).encode()

    async def submit(self, content: bytes, **more: Any) -> bulk.BulkFile:
        values = {
            "file_id": self.new_id(),
            "merchant_id": self.merchant.id,
            "submitted_by": self.maker.id,
            "content": content,
            "now": self.now,
        }
        reader = bulk.find_reader(content)
        file: bulk.BulkFile = await self.town.database.run(
            lambda uow: bulk.submit_bulk_file(uow, self.town.vault, reader, **(values | more))
        )
        return file

    async def approve(self, file: bulk.BulkFile, **more: Any) -> bulk.BulkFile:
        values = {"file_id": file.id, "approved_by": self.checker.id, "digest": file.digest}
        approved: bulk.BulkFile = await self.town.run(
            lambda uow, **named: bulk.approve_bulk_file(uow, corporate.count_file, **named),
            **(values | more),
        )
        return approved

    def new_payer(self, batch_lines: int = 2) -> bulk.FilePayer:
        return bulk.FilePayer(self.town.database, batch_lines=batch_lines)

    async def step(self, decider: Any = None) -> bool:
        return await self.payer.step(decider, self.now)

    async def pay_all(self, decider: Any = None) -> None:
        while await self.step(decider):
            pass

    async def get(self, file: bulk.BulkFile) -> bulk.BulkFile:
        found: bulk.BulkFile = await self.town.read(
            bulk.get_bulk_file, file.id, customer_id=self.maker.id
        )
        return found

    async def balances(self) -> list[str]:
        return [await self.town.balance(each.account_id) for each in self.staff]

    async def funds(self) -> str:
        shown: str = await self.town.available(self.merchant.account_id)
        return shown

    async def transit(self) -> str:
        account = await self.town.read(ledger.find_system_account, "payments.bulk.CNY")
        shown: str = await self.town.balance(account.id)
        return shown

    async def freeze(self, account_id: int, state: AccountState) -> None:
        await self.town.run(
            ledger.set_account_state, account_id=account_id, state=state, reason="a court order"
        )
