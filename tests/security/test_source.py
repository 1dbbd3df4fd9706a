"""What the program never does, whoever writes the next line: read from its own source.

The benchmarks and the demonstration are left out: they meet nobody's input.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "src" / "huitong"
#: Code that runs text, readers of data that make objects of any type, and interpreters that we
#: don't speak to. What is not imported needs no safe way to be used.
FORBIDDEN = {
    "pickle", "marshal", "shelve", "dill", "jsonpickle", "xml", "lxml", "xmlrpc", "ldap", "ldap3",
    "jinja2", "mako", "telnetlib", "ftplib", "smtplib", "imaplib", "zipfile", "tarfile", "gzip",
    "bz2", "lzma", "pymemcache", "memcache", "markdown", "jwt", "jose", "graphene", "strawberry",
    "websockets", "aiortc", "requests", "urllib3", "aiohttp", "ctypes",
}  # fmt: skip
#: ctypes: asks the kernel for limits and a signal, with constants.
EXCEPTIONS = {"customers/evidence/picture_desk", "kernel/database", "wiring/lifeline.py"}
#: Looks at what a workbook says it unpacks to before a reader opens it; it unpacks nothing itself.
#: And packs papers, stored as they are; and published cases of loans, which the operator names.
#: And packs our own OpenAPI document.
ARCHIVES = {
    ("api/document_file.py", "gzip"),
    ("lending/tie_out/report.py", "gzip"),
    ("payments/bulk/xlsx_reader.py", "zipfile"),
    ("payments/documents/receipt_packs.py", "zipfile"),
}
#: Expat's own events, with every declaration and entity refused as it begins; and its escapes.
MESSAGES = {
    ("payments/iso20022/reading.py", "xml.parsers"),
    ("payments/iso20022/writing.py", "xml.sax.saxutils"),
}
#: Texts that are tables of messages' elements, where COPY is the code of a copy.
TABLES_OF_MESSAGES = "payments/iso20022/"
HASHES = {"sha256", "sha512", "blake2b"}
#: Where chance need not be secret: a free port, and a pause between two tries.
CHANCE = {
    "kernel/database/embedded.py",
    "kernel/database/unit_of_work.py",
    #: Which call of a simulated channel goes wrong.
    "payments/channels/simulator/faults.py",
}
#: Everybody whom the platform asks, as docs/security.md lists them.
CLIENTS = {
    "lending/bureau/client.py",
    "customers/checks/client.py",
    "identity/code_senders.py",
    "payments/channels/http_bank.py",
    "payments/reconciliation/fetching.py",
    #: A simulated channel calls the house back.
    "payments/channels/simulator/calling.py",
    "payments/crossborder/rate_source.py",
}
_SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|GRANT|COPY)\b")
_CONSTANT = re.compile(r"(?:\w+\.)*_?[A-Z][A-Z0-9_]*")


def list_trees() -> list[tuple[str, ast.Module]]:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(("bench/", "demo/")):
            found.append((name, ast.parse(path.read_text(encoding="utf-8"))))
    return found


TREES = list_trees()


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    for name, tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, ast.unparse(node.func), node


def imports() -> Iterator[tuple[str, str]]:
    for name, tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((name, each.name) for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield name, node.module or ""


def test_there_is_something_to_read() -> None:
    assert len(TREES) > 300
    assert {"api/app.py", "identity/tokens.py"} <= {name for name, _ in TREES}


def test_runs_no_text_as_code() -> None:
    names = {"eval", "exec", "compile", "__import__"}
    assert [(name, call) for name, call, _ in calls() if call in names] == []


def test_loads_modules_by_constant_names_only() -> None:
    found = {
        (name, ast.unparse(node.args[0]))
        for name, call, node in calls()
        if call.endswith(("import_module", "resolve_name"))
    }
    unknown = {each for each in found if not each[1].startswith("'")}
    # An edge is loaded by the name that another edge's source holds.
    # So are commands, by the names of a constant table.
    assert unknown == {
        ("cli/process.py", "name"),
        ("cli/lazy_commands.py", "f'huitong.cli.{module}:register'"),
    }
    entries = {ast.unparse(n.args[0]) for _, call, n in calls() if call == "load_entry_point"}
    assert all(entry.startswith("'huitong.") for entry in entries)


def test_imports_no_reader_or_interpreter_that_is_not_safe() -> None:
    found = {
        (name, module)
        for name, module in imports()
        if module.partition(".")[0] in FORBIDDEN
        and not (module == "ctypes" and name.startswith(tuple(EXCEPTIONS)))
    }
    assert found == ARCHIVES | MESSAGES


def test_reads_yaml_of_its_own_only_by_safe_loaders() -> None:
    loads = {
        (name, call) for name, call, _ in calls() if call.startswith("yaml.") and "load" in call
    }
    assert {call for _, call in loads} == {"yaml.safe_load", "yaml.load"}
    assert {name for name, call in loads if call == "yaml.load"} == {
        "kernel/rulebook/loader.py",
        "kernel/yaml_text.py",
    }
    loader = (ROOT / "kernel/rulebook/loader.py").read_text()
    assert "Loader=_StrictLoader" in loader
    assert "class _StrictLoader(SafeLoader)" in loader
    reader = (ROOT / "kernel/yaml_text.py").read_text()
    assert "Loader=SafeLoader" in reader
    assert 'SafeLoader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)' in reader


def test_starts_programs_without_a_shell() -> None:
    names = {"os.system", "os.popen", "asyncio.create_subprocess_shell", "subprocess.getoutput"}
    assert [(name, call) for name, call, _ in calls() if call in names] == []
    given = [node for _, _, node in calls() if any(key.arg == "shell" for key in node.keywords)]
    assert given == []


def test_puts_only_constants_into_statements() -> None:
    """A value is a parameter; what stands in a text is another text of ours, or a number."""
    allowed = {
        # A choice between two constants, the number of parameters, and the ledger's invariants.
        ("identity/store/staff.py", "lock"),
        ("ledger/store.py", "len(resolved)"),
        # Names of columns of ours, and the numbers of their parameters.
        ("lending/closing/copying.py", "', '.join((f'b.{_column(name)}' for name in NAMES))"),
        ("lending/loans/store.py", "', '.join(COLUMNS)"),
        (
            "lending/loans/store.py",
            "', '.join((f'${place}' for place in range(1, len(COLUMNS) + 1)))",
        ),
        ("ledger/verify.py", "invariant.differences"),
        # Rules that were parsed, checked and written anew; quoted names; a limit.
        ("risk/decisioning/rules/backtests/running.py", "', '.join(bits)"),
        ("risk/decisioning/backtesting/comparing.py", "acts"),
        ("risk/decisioning/backtesting/comparing.py", "asked"),
        ("risk/decisioning/backtesting/comparing.py", "quote_name(table)"),
        ("risk/decisioning/rules/backtests/running.py", "limits.BACKTEST_PATTERNS_MAX + 1"),
        ("risk/decisioning/rules/backtests/running.py", "names"),
        ("risk/decisioning/rules/backtests/running.py", "quote_name(table)"),
    }
    found = set()
    for name, tree in TREES:
        for node in ast.walk(tree):
            if not isinstance(node, ast.JoinedStr) or name.startswith(TABLES_OF_MESSAGES):
                continue
            text = "".join(str(p.value) for p in node.values if isinstance(p, ast.Constant))
            if _SQL.search(text):
                parts = [
                    ast.unparse(p.value) for p in node.values if isinstance(p, ast.FormattedValue)
                ]
                found |= {(name, part) for part in parts if not _CONSTANT.fullmatch(part)}
    assert found == allowed


LIKE = ("escape", "re", "part", "join", "char")


def test_makes_patterns_of_constants_only() -> None:
    functions = re.compile(r"re\.(compile|match|search|fullmatch|sub|findall|split|finditer)")
    found = set()
    for name, call, node in calls():
        if functions.fullmatch(call):
            names = {
                each.id if isinstance(each, ast.Name) else each.attr
                for each in ast.walk(node.args[0])
                if isinstance(each, ast.Name | ast.Attribute)
            }
            # Modules, and constants by their capitals.
            found |= {(name, each) for each in names if not (each.isupper() or each == "limits")}
    assert found == {
        # A prefix out of a constant, and the patterns of the rulebook, which ship with us.
        ("identity/tokens.py", "prefix"),
        ("ledger/numbers.py", "ids"),
        # Shapes of amounts by the decimals of a currency, and a channel's name, escaped.
        *(
            ("payments/reconciliation/reading.py", each)
            for each in ("encode", "exponent", "shape", "line", "_amount_shape")
        ),
        ("kernel/rulebook/validation.py", "text"),
        # What LIKE looks for in a rule, every character of it escaped.
        *(("risk/decisioning/rules/programs/kernels.py", each) for each in LIKE),
    }


def test_uses_approved_hash_functions_only() -> None:
    used = {found[1] for _, call, _ in calls() if (found := re.fullmatch(r"hashlib\.(\w+)", call))}
    # PBKDF2 makes the verifier of SCRAM, which PostgreSQL prescribes, of 256 random bits.
    assert used == {"sha256", "blake2b", "pbkdf2_hmac"}
    imported = {
        each.name
        for _, tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module in ("hashlib", "cryptography.hazmat.primitives.hashes")
        for each in node.names
    }
    assert {name.lower() for name in imported} <= HASHES
    text = "\n".join(ast.unparse(tree) for _, tree in TREES)
    assert re.findall(r"hashes\.(?!SHA256\b|SHA512\b|HashAlgorithm\b)[A-Z]\w+", text) == []


def test_encrypts_in_authenticated_modes_only() -> None:
    text = "\n".join(ast.unparse(tree) for _, tree in TREES)
    assert set(re.findall(r"\bmodes\.(\w+)", text)) == {"GCM"}
    assert set(re.findall(r"\balgorithms\.(\w+)", text)) == {"SM4"}
    aead = re.findall(r"from cryptography\.\S+\.aead import ([\w, ]+)", text)
    assert {name for line in aead for name in line.split(", ")} == {"AESGCM"}
    assert {
        name for name, module in imports() if ".padding" in module or module.endswith(".rsa")
    } == (set())


def test_takes_chance_that_matters_from_the_system() -> None:
    assert {name for name, module in imports() if module == "random"} == CHANCE
    assert {"identity/tokens.py", "identity/totp.py", "identity/commands/codes.py"} <= {
        name for name, module in imports() if module == "secrets"
    }


#: Who trusts an authority of our own: what it gives is a context that checks, never a flag.
TRUSTING = {"payments/channels/simulator/calling.py"}


def test_asks_only_those_that_the_settings_name() -> None:
    clients = {name for name, call, _ in calls() if call in ("httpx.AsyncClient", "httpx.Client")}
    assert clients == CLIENTS
    direct = {
        name
        for name, call, _ in calls()
        if re.fullmatch(r"httpx\.(get|post|put|request|stream|delete|patch)", call)
    }
    assert direct == set()
    for name, call, node in calls():
        if call == "httpx.AsyncClient":
            given = {key.arg: ast.unparse(key.value) for key in node.keywords}
            # No `follow_redirects`, no `cert`, and what is trusted by default, read once.
            verify = given.pop("verify", "load_trust()")
            assert verify == "load_trust()" or (name in TRUSTING and verify == "verify"), name
            assert given.keys() == {"base_url", "timeout"}, name
    # What is trusted is the library's default, with nothing switched off.
    made = [(name, node) for name, call, node in calls() if call == "httpx.create_ssl_context"]
    assert [(name, node.args, node.keywords) for name, node in made] == [
        ("kernel/trust.py", [], [])
    ]


@pytest.mark.parametrize("word", ["verify_mode", "CERT_NONE", "_create_unverified_context"])
def test_never_turns_the_check_of_certificates_off(word: str) -> None:
    assert [name for name, tree in TREES if word in ast.unparse(tree)] == []


def test_holds_no_secret_in_its_source() -> None:
    shapes = re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|ht[ks]_[A-Za-z0-9_-]{43}\b"
        r"|postgresql://[^\s:/@'\"]+:[^\s@'\"…{]+@"
    )
    example = re.compile("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA|user:password@|htk_0|hts_q83")
    suffixes = {".py", ".yaml", ".json", ".sql", ".conf", ".html"}
    paths = [path for path in sorted(ROOT.rglob("*")) if path.suffix in suffixes]
    found = [
        (path.relative_to(ROOT).as_posix(), match[0][:40])
        for path in paths
        for match in shapes.finditer(path.read_text(encoding="utf-8"))
        if not example.search(match[0])
    ]
    assert len(paths) > 400
    assert found == []
