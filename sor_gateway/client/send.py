"""`sor-gateway send`: one order through the bundled EMS, watched by a person or a script.

Owns: the command's options, the live lines, the final table, the exit code.
May not know: FIX beyond the words of `client.ems`.

Exit codes: 0 the order ended as wanted (filled; canceled because we asked for it; IOC with a part
filled), 1 it ended otherwise, 2 the options make no order, 3 it is not over or the gateway was
not reached in time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from sor_gateway.client.ems import ORD_TYPES, SIDES, TIMES_IN_FORCE, Ems, EmsSettings, NewOrder
from sor_gateway.client.ledger import FILL_TYPES, Order, OrderState, is_status
from sor_gateway.client.session import SessionSettings
from sor_gateway.client.wire import Received, Tag

EXIT_AS_WANTED: Final = 0
EXIT_OTHERWISE: Final = 1
EXIT_NOT_OVER: Final = 3
SETTLE_S: Final = 0.25
"""After the last report, so that late ones (a fill behind a cancel) are seen."""
BEGIN_STRINGS: Final = ("FIX.4.2", "FIX.4.4")
PRICE_DIGITS: Final = Decimal("0.000001")


@dataclass(slots=True)
class Wish:
    """What `send` was asked for."""

    settings: EmsSettings
    order: NewOrder
    cancel_after_s: float | None = None
    timeout_s: float | None = None
    as_json: bool = False


async def send(wish: Wish, console: Console) -> int:
    """Send one order, follow it to its end. Returns the exit code. Raises StateCorruptError,
    StateUnwritableError."""
    show: Callable[[str], None] = (lambda _: None) if wish.as_json else console.print

    ours = ""

    def listen(message: Received, order: Order | None) -> None:
        line = describe(message)
        if line and order is not None and order.cl_ord_id != ours:
            # The gateway was not sure that an earlier run of ours got it (97=Y).
            line = f"(earlier order {order.cl_ord_id}) {line}"
        if line:
            show(line)

    ems = Ems(wish.settings, listen)
    await ems.start()
    try:
        if not await ems.wait_active(wish.timeout_s):
            where = f"{wish.settings.host}:{wish.settings.port}"
            why = ems.log[-1] if ems.log else "nobody answers"
            console.print(f"no session with {where}: {why}", markup=False)
            return EXIT_NOT_OVER
        cl_ord_id = ours = ems.submit(wish.order)
        show(f"sent {cl_ord_id}: {wish.order.side} {wish.order.quantity} {wish.order.symbol}")
        order = await follow(ems, cl_ord_id, wish)
    finally:
        await ems.stop()
    render(order, ems, wish.as_json, console)
    return exit_code(order, wish)


async def follow(ems: Ems, cl_ord_id: str, wish: Wish) -> Order:
    """Wait for the end, asking for a cancel on the way where that is wanted."""

    async def to_the_end() -> Order:
        if wish.cancel_after_s is not None:
            order = await ems.wait(cl_ord_id, wish.cancel_after_s)
            if not order.over:
                ems.cancel(cl_ord_id)
        order = await ems.wait(cl_ord_id)
        await asyncio.sleep(SETTLE_S)
        return order

    return await within(to_the_end(), wish.timeout_s, lambda: ems.wait(cl_ord_id, 0))


async def within(
    work: Awaitable[Order], timeout_s: float | None, otherwise: Callable[[], Awaitable[Order]]
) -> Order:
    """The result of some work, or of something else when the time is up."""
    try:
        return await asyncio.wait_for(work, timeout_s)
    except TimeoutError:
        return await otherwise()


def exit_code(order: Order, wish: Wish) -> int:
    """See the module."""
    if not order.over:
        return EXIT_NOT_OVER
    if order.state is OrderState.FILLED:
        return EXIT_AS_WANTED
    asked = wish.cancel_after_s is not None
    partial = wish.order.time_in_force == "ioc" and order.cum_quantity > 0
    ended = order.state in (OrderState.CANCELED, OrderState.EXPIRED)
    return EXIT_AS_WANTED if ended and (asked or partial) else EXIT_OTHERWISE


# --- what people see ------------------------------------------------------------------------


def describe(message: Received) -> str:
    """One line for a message from the gateway; empty for what needs none."""
    text = message.get(Tag.TEXT)
    tail = f"  {text}" if text else ""
    if message.msg_type == "8":
        return report_line(message) + tail
    if message.msg_type == "9":
        return f"refused: cancel or replace {message.get(Tag.CL_ORD_ID)}{tail}"
    return f"rejected ({message.msg_type}){tail}"


def report_line(message: Received) -> str:
    """An ExecutionReport in one line."""
    cum, leaves = message.get(Tag.CUM_QTY), message.get(Tag.LEAVES_QTY)
    if is_status(message):
        return f"status: done {cum}, open {leaves}"
    if message.get(Tag.EXEC_TYPE) not in FILL_TYPES:
        return f"{STATE_WORDS.get(message.get(Tag.EXEC_TYPE), 'report')}: done {cum}, open {leaves}"
    quantity, price = message.get(Tag.LAST_QTY), message.get(Tag.LAST_PX)
    market = message.get(Tag.LAST_MKT, "?")
    return f"fill: {quantity} at {price} on {market}; done {cum}, open {leaves}"


STATE_WORDS: Final = {
    "0": "accepted",
    "3": "done for day",
    "4": "canceled",
    "5": "replaced",
    "6": "cancel pending",
    "8": "rejected",
    "C": "expired",
    "E": "replace pending",
}
"""ExecType (150) for people."""


def render(order: Order, ems: Ems, as_json: bool, console: Console) -> None:
    """The final report."""
    if as_json:
        typer.echo(json.dumps(summary(order, ems)))
        return
    console.print(table(order))
    for violation in ems.ledger.violations:
        console.print(f"contradiction in the reports: {violation}", markup=False)


def summary(order: Order, ems: Ems) -> dict[str, object]:
    """The final report as plain data; money as text, exact."""
    return {
        "cl_ord_id": order.cl_ord_id,
        "order_id": order.order_id,
        "state": order.state.value,
        "symbol": order.symbol,
        "quantity": order.quantity,
        "filled": order.cum_quantity,
        "average_price": price_text(order.average_price),
        "fees": f"{order.fees:f}",
        "text": order.text,
        "markets": {
            market: {
                "fills": total.fills,
                "quantity": total.quantity,
                "average_price": price_text(total.value / total.quantity),
                "fees": f"{total.fees:f}",
            }
            for market, total in order.by_market().items()
        },
        "violations": list(ems.ledger.violations),
        "duplicates_flagged": ems.ledger.duplicates_flagged,
        "duplicates_unflagged": ems.ledger.duplicates_unflagged,
    }


def table(order: Order) -> Table:
    """Per market and in total: fills, quantity, average price, fees."""
    done = f"{order.cum_quantity:,} of {order.quantity:,}"
    title = f"{order.cl_ord_id}  {order.symbol}  {order.state.value}  {done}"
    result = Table(title=title, show_footer=bool(order.fills))
    result.add_column("market", footer="total")
    result.add_column("fills", justify="right", footer=str(len(order.fills)))
    result.add_column("quantity", justify="right", footer=f"{order.cum_quantity:,}")
    result.add_column("average price", justify="right", footer=price_text(order.average_price))
    result.add_column("fees USD", justify="right", footer=f"{order.fees:f}")
    for market, total in order.by_market().items():
        average = price_text(total.value / total.quantity)
        result.add_row(market, str(total.fills), f"{total.quantity:,}", average, f"{total.fees:f}")
    return result


def price_text(price: Decimal | None) -> str:
    """A price with at most six decimals; a dash for none."""
    if price is None:
        return "-"
    text = f"{price.quantize(PRICE_DIGITS):f}".rstrip("0")
    return text + "0" * max(0, 2 - len(text.partition(".")[2]))


# --- the command ----------------------------------------------------------------------------


def read_price(text: str | None) -> Decimal | None:
    """The --price option. Raises typer.BadParameter."""
    if text is None:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise typer.BadParameter(f"--price {text}: expected a number such as 49.95") from None
    if not price.is_finite() or price <= 0:
        raise typer.BadParameter(f"--price {text}: expected a price above 0")
    return price


def check_word(option: str, word: str, known: Collection[str]) -> str:
    """A word of a known list. Raises typer.BadParameter."""
    if word not in known:
        raise typer.BadParameter(f"{option} {word}: expected one of {', '.join(known)}")
    return word


def send_command(
    side: Annotated[str, typer.Option(help="buy, sell, sell-short or sell-short-exempt")],
    symbol: Annotated[str, typer.Option(help="what to trade")],
    qty: Annotated[int, typer.Option(min=1, help="shares")],
    order_type: Annotated[str, typer.Option(help="market or limit")] = "market",
    price: Annotated[str | None, typer.Option(help="limit price; only with limit")] = None,
    strategy: Annotated[
        str, typer.Option(help="a preset of the gateway; its default if empty")
    ] = "",
    tif: Annotated[str, typer.Option(help="day or ioc")] = "day",
    account: Annotated[str, typer.Option(help="Account (1)")] = "",
    host: Annotated[str, typer.Option(help="the gateway's address")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="the gateway's EMS port")] = 9880,
    sender: Annotated[str, typer.Option(help="our SenderCompID (49)")] = "EMS",
    target: Annotated[str, typer.Option(help="the gateway's CompID (56)")] = "SOR",
    begin_string: Annotated[str, typer.Option(help="FIX.4.4 or FIX.4.2")] = "FIX.4.4",
    state: Annotated[Path | None, typer.Option(help="state file: our numbers and messages")] = None,
    reset: Annotated[
        bool, typer.Option(help="forget the state file, start the numbers at 1")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the final report as JSON only")] = False,
    cancel_after: Annotated[
        float | None, typer.Option(help="ask for a cancel after seconds")
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="give up waiting after seconds")] = None,
) -> None:
    """Send one order to a gateway, show every report, and the account at the end."""
    limit = read_price(price)
    if (order_type == "limit") != (limit is not None):
        raise typer.BadParameter("--order-type limit needs --price, and only limit takes one")
    order = NewOrder(
        check_word("--side", side, SIDES),
        symbol,
        qty,
        check_word("--order-type", order_type, ORD_TYPES),
        limit,
        check_word("--tif", tif, TIMES_IN_FORCE),
        strategy,
        account,
    )
    version = check_word("--begin-string", begin_string, BEGIN_STRINGS)
    session = SessionSettings(version, sender, target)
    # Without a state file there are no numbers to go on with: both sides start anew.
    settings = EmsSettings(host, port, session, state, anew=reset or state is None)
    wish = Wish(settings, order, cancel_after, timeout, as_json)
    console = Console(stderr=as_json, highlight=False)
    raise typer.Exit(asyncio.run(send(wish, console)))


def add_send_command(app: typer.Typer) -> None:
    """Give a command line the `send` command."""
    app.command("send")(send_command)
