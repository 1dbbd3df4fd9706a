"""How the demo looks: scenes with two captions, lines with a tick, tables that read well."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.box import ROUNDED, SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

_NUMERALS: Final = "零一二三四五六七八九十"
_TEN: Final = 10


class Stage:
    """Shows the story on a console."""

    def __init__(self, console: Console) -> None:
        """Show everything on `console`."""
        self._console = console
        self._scenes = 0

    def open(
        self,
        url: str,
        day: str,
        *,
        zh: str = "一天的业务，全部由真实的 HTTP 请求完成，逐笔核对",
        en: str = "One day of business, by real HTTP calls, every answer checked",
    ) -> None:
        """Show the title: what is played, when and where."""
        self._console.print(
            Panel(
                Text.assemble(
                    ("汇 通 天 下\n", "bold gold1"),
                    (f"{zh}\n", ""),
                    (f"{en}\n\n", "dim"),
                    (f"{day}   {url}", "cyan"),
                    justify="center",
                ),
                box=ROUNDED,
                border_style="gold1",
                padding=(1, 6),
            )
        )

    def scene(self, title_zh: str, title_en: str) -> None:
        """Begin a scene."""
        self._scenes += 1
        self._console.print()
        self._console.rule(
            f"[bold gold1]{numeral(self._scenes)}、{title_zh}[/]  [dim]{title_en}[/]", align="left"
        )

    def tell(self, zh: str, en: str) -> None:
        """Say in both languages what is about to happen."""
        self._console.print(f"  {escape(zh)}  [dim]{escape(en)}[/]")

    def note(self, is_right: bool, text: str) -> None:
        """Show one fact that was checked."""
        sign = "[green]✓[/]" if is_right else "[bold red]✗[/]"
        self._console.print(f"    {sign} {escape(text)}")

    def aside(self, text: str) -> None:
        """Say something that explains the line above."""
        self._console.print(Padding(Text(text, style="dim"), (0, 6)))

    def problem(self, problem: dict[str, Any]) -> None:
        """Show how the platform said no."""
        title, detail = str(problem.get("title")), str(problem.get("detail"))
        shown = Text.assemble(
            (f"{problem.get('status')} ", "bold red"),
            (f"{problem.get('code')}\n", "bold"),
            detail if title in detail else f"{title}: {detail}",
        )
        panel = Panel(shown, title="application/problem+json", title_align="left", box=ROUNDED)
        self._console.print(Padding(panel, (0, 4)))

    def text(self, text: str, language: str) -> None:
        """Show a text in a language that is coloured: `json`, `console`."""
        shown = Syntax(text, language, background_color="default", word_wrap=True)
        self._console.print(Padding(shown, (0, 6)))

    def picture(self, text: str, beside: str) -> None:
        """Show a QR code with words beside it."""
        table = Table.grid(padding=(0, 3))
        # A code that is cut off or folded is no code: the words beside it give way instead.
        table.add_column(min_width=text.find("\n"), no_wrap=True)
        table.add_column()
        table.add_row(Text(text, style="bold"), Text(beside, overflow="fold"))
        self._console.print(Padding(table, (1, 4)))

    def table(
        self, title: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]
    ) -> None:
        """Show a table; each column has a heading and `left` or `right`."""
        table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
        for heading, side in columns:
            justify: JustifyMethod = "right" if side == "right" else "left"
            table.add_column(heading, justify=justify, overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(Padding(table, (0, 4)))

    def close(self, checks: int, differences: Sequence[str], calls: int, seconds: float) -> None:
        """Show how it ended."""
        self._console.print()
        if differences:
            shown = "\n".join(f"✗ {escape(each)}" for each in differences)
            self._console.print(Panel(shown, title="有出入 Differences", border_style="red"))
            return
        self._console.print(
            Panel(
                Text.assemble(
                    ("账账相符  The books tie\n", "bold green"),
                    (f"{checks} 项核对全部通过，{calls} 次调用，{seconds:.1f} 秒\n", ""),
                    (f"{checks} checks, all right; {calls} calls in {seconds:.1f} s", "dim"),
                    justify="center",
                ),
                border_style="green",
                padding=(1, 6),
            )
        )


def numeral(number: int) -> str:
    """Return a number from 1 to 99 in Chinese, as chapters are numbered."""
    tens, ones = divmod(number, _TEN)
    if tens == 0:
        return _NUMERALS[ones]
    return ("" if tens == 1 else _NUMERALS[tens]) + "十" + (_NUMERALS[ones] if ones else "")
