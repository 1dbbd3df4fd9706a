"""The elements of reports, statements and notifications of accounts; see `tables` for the signs."""

from typing import Final

_PARTS: Final = """
@CashHeader CashHeader
  MsgId text35 message_id
  CreDtTm datetime created
  MsgRcpt? @Party recipient
  MsgPgntn?
    PgNb count page
    LastPgInd boolean last_page
  ~ OrgnlBizQry
  AddtlInf? text500 text
@StatementAccount Account
  Id
    | IBAN iban iban
    | Othr @OtherAccount other
  ~ Tp
  Ccy? currency currency
  Nm? text70 name
  ~ Prxy
  Ownr? @Party owner
  Svcr? @Agent servicer
@Balance Balance
  Tp
    CdOrPrtry
      | Cd code4 code
      | Prtry text35 proprietary
    ~ SubTp
  ~ CdtLine
  Amt money amount
  CdtDbtInd CRDT/DBIT direction
  Dt
    | Dt date day
    | DtTm datetime moment
  ~ Avlbty
@BankCode BankCode
  Domn?
    Cd code4 domain
    Fmly
      Cd code4 family
      SubFmlyCd code4 sub_family
  Prtry?
    Cd text35 proprietary
    Issr? text35 issuer
@EntryDetail EntryDetail
  Refs?
    MsgId? text35 message_id
    AcctSvcrRef? text35 servicer_reference
    PmtInfId? text35 batch_id
    InstrId? text35 instruction_id
    EndToEndId? text35 end_to_end_id
    UETR? uetr uetr >=2019
    TxId? text35 transaction_id
    ~ MndtId ChqNb
    ClrSysRef? text35 clearing_reference
    ~ AcctOwnrTxId AcctSvcrTxId MktInfrstrctrTxId PrcgId Prtry
  Amt? money amount >=2013
  CdtDbtInd? CRDT/DBIT direction >=2013
  ~ AmtDtls Avlbty
  BkTxCd? @BankCode bank_code
  ~ Chrgs Intrst
  RltdPties?
    ~ InitgPty
    Dbtr? @Party debtor <2019
    Dbtr? >=2019
      | Pty @Party debtor
      | Agt @Agent debtor_bank
    DbtrAcct? @Account debtor_account
    UltmtDbtr? @Party ultimate_debtor <2019
    UltmtDbtr? >=2019
      | Pty @Party ultimate_debtor
      | Agt @Agent ultimate_debtor_bank
    Cdtr? @Party creditor <2019
    Cdtr? >=2019
      | Pty @Party creditor
      | Agt @Agent creditor_bank
    CdtrAcct? @Account creditor_account
    UltmtCdtr? @Party ultimate_creditor <2019
    UltmtCdtr? >=2019
      | Pty @Party ultimate_creditor
      | Agt @Agent ultimate_creditor_bank
    ~ TradgPty Prtry
  RltdAgts?
    ~ InstgAgt InstdAgt
    DbtrAgt? @Agent debtor_agent
    CdtrAgt? @Agent creditor_agent
    ~ IntrmyAgt1 IntrmyAgt2 IntrmyAgt3 RcvgAgt DlvrgAgt IssgAgt SttlmPlc Prtry
  ~ LclInstrm
  Purp? @Choice purpose
  ~ RltdRmtInf
  RmtInf? @Remittance remittance
  ~ RltdDts RltdPric RltdQties FinInstrmId Tax
  RtrInf?
    ~ OrgnlBkTxCd Orgtr
    Rsn?
      | Cd code4 return_code
      | Prtry text35 return_proprietary
    ~ AddtlInf
  ~ CorpActn SfkpgAcct CshDpst CardTx
  AddtlTxInf? text500 text
  ~ SplmtryData
@EntryBatch EntryBatch
  Btch?
    MsgId? text35 message_id
    PmtInfId? text35 batch_id
    NbOfTxs? count count
    TtlAmt? money total
    CdtDbtInd? CRDT/DBIT direction
  TxDtls* @EntryDetail details
@Entry Entry
  NtryRef? text35 reference
  Amt money amount
  CdtDbtInd CRDT/DBIT direction
  RvslInd? boolean reversal
  Sts BOOK/PDNG/INFO status <2019
  Sts >=2019
    | Cd code4 status
    | Prtry text35 proprietary_status
  BookgDt?
    | Dt date booking_day
    | DtTm datetime booking_moment
  ValDt?
    | Dt date value_day
    | DtTm datetime value_moment
  AcctSvcrRef? text35 servicer_reference
  ~ Avlbty
  BkTxCd @BankCode bank_code
  ~ ComssnWvrInd AddtlInfInd AmtDtls Chrgs TechInptChanl Intrst CardTx
  NtryDtls* @EntryBatch batches
  AddtlNtryInf? text500 text
"""


def _build(root: str, type_: str, part: str, *, page: str, balances: str, text: str) -> str:
    return f"""
{_PARTS}
@Statement Statement
  Id text35 id
  {page}?
    PgNb count page
    LastPgInd boolean last_page
  ElctrncSeqNb? number electronic_number
  ~ RptgSeq
  LglSeqNb? number legal_number
  CreDtTm? datetime created
  FrToDt?
    FrDtTm datetime begin
    ToDtTm datetime end
  CpyDplctInd? CODU/COPY/DUPL copy
  ~ RptgSrc
  Acct @StatementAccount account
  ~ RltdAcct Intrst
{balances}
  ~ TxsSummry
  Ntry* @Entry entries
  {text}? text500 text
@{root} {type_}
  GrpHdr @CashHeader header
  {part}+ @Statement statements
  ~ SplmtryData
"""


CAMT_052: Final = _build(
    "BkToCstmrAcctRpt",
    "CashReport",
    "Rpt",
    page="RptPgntn",
    balances="  Bal* @Balance balances",
    text="AddtlRptInf",
)
CAMT_053: Final = _build(
    "BkToCstmrStmt",
    "CashStatement",
    "Stmt",
    page="StmtPgntn",
    balances="  Bal+ @Balance balances",
    text="AddtlStmtInf",
)
CAMT_054: Final = _build(
    "BkToCstmrDbtCdtNtfctn",
    "CashNotification",
    "Ntfctn",
    page="NtfctnPgntn",
    balances="",
    text="AddtlNtfctnInf",
)
