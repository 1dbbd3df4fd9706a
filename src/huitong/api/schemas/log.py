"""The transparency log as it travels: checkpoints, the key that checks them, and proofs.

A proof is sent as the ledger wrote it, and not as a view of ours: whoever keeps it can hand the
very document on, and `huitong log check` takes it.
"""

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from huitong import ledger
from huitong.api.schemas.common import AccountId, EntryId, Instant, MoneyView, TransferId, View
from huitong.api.schemas.ledger import Kind

_EXAMPLE_HASH = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
_NOTE = "A signed note: the log's name, its size, its root, an empty line and signatures (C2SP)."


class CheckpointView(View):
    """What the log says at one size, signed."""

    size: int = Field(description="How many transfers the log has.", ge=1)
    root: str = Field(description="The root of the Merkle tree.", examples=[_EXAMPLE_HASH])
    note: str = Field(description=_NOTE)
    public_key: str = Field(description="The key that checks the note.")
    signed_at: Instant


class LogKeyView(View):
    """The key that checks what the log signs."""

    public_key: str = Field(
        description="The log's name, the key's id, and the key (Ed25519). Fetch it once, on a way "
        "that you trust, and keep it: a key that comes with a proof proves nothing."
    )


class ProvenTransferView(View):
    """A line of the journal with every field that its leaf is made of."""

    id: TransferId
    sequence: int
    recorded_at: str = Field(examples=["2026-11-23T04:00:00.000000Z"])
    debit_account: AccountId
    credit_account: AccountId
    amount: MoneyView
    effective_on: str = Field(examples=["2026-11-23"])
    code: int
    kind: Kind
    entry: EntryId | None
    pending: TransferId | None
    corrects: TransferId | None


class InclusionProofView(View):
    """That a transfer, exactly as shown, is in the log of a checkpoint."""

    format: Literal["huitong-log-inclusion/1"]
    transfer: ProvenTransferView
    leaf_index: int = Field(ge=0)
    hashes: list[str] = Field(
        description="From the leaf up to the root.", examples=[[_EXAMPLE_HASH]]
    )
    checkpoint: str = Field(description=_NOTE)


class ConsistencyProofView(View):
    """That the log of one checkpoint is that of an older one, with nothing but additions."""

    model_config: ClassVar[ConfigDict] = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    format: Literal["huitong-log-consistency/1"]
    from_: str = Field(alias="from", description=f"The older checkpoint. {_NOTE}")
    to: str = Field(description=f"The newer checkpoint. {_NOTE}")
    hashes: list[str] = Field(examples=[[_EXAMPLE_HASH]])


def show_checkpoint(published: ledger.Published) -> CheckpointView:
    """Return a checkpoint as a view."""
    return CheckpointView(
        size=published.size,
        # The note's third line, which is the root as others write it.
        root=published.note.split("\n")[2],
        note=published.note,
        public_key=published.public_key,
        signed_at=published.signed_at,
    )
