"""The elements of each payment message: one table that reading, checking and writing follow.

Source: the message definitions of ISO 20022 (www.iso20022.org, catalogue of messages), as far as
named here. A head line names a record and its type. A line below is an element in its place:

    [| ]Name[?|*|+] [type|@Record field] [<year | >=year]

`|` marks alternatives of which one stands; `?` at most one, `*` any number, `+` at least one; an
element without a type is a group whose fields are the record's. The year is the one of a
generation of messages (`schema.GENERATIONS`). `~` lists known elements that are passed over.
"""

from typing import Final

COMMON: Final = """
@Choice Choice
  | Cd code4 code
  | Prtry text35 proprietary
@LocalInstrument Choice
  | Cd code35 code
  | Prtry text35 proprietary
@ClearingSystem Choice
  | Cd code3 code
  | Prtry text35 proprietary
@OtherId OtherId
  Id text35 id
  SchmeNm?
    | Cd code4 scheme
    | Prtry text35 proprietary_scheme
  Issr? text35 issuer
@Address Address
  ~ AdrTp CareOf Dept SubDept StrtNm BldgNb BldgNm Flr UnitNb PstBx Room
  PstCd? text16 post_code
  TwnNm? text35 town <2024
  TwnNm? text140 town >=2024
  ~ TwnLctnNm DstrctNm CtrySubDvsn
  Ctry? country country
  AdrLine* text70 lines
@Party Party
  Nm? text140 name
  PstlAdr? @Address address
  Id?
    | OrgId
      BICOrBEI? bic bic <2013
      AnyBIC? bic bic >=2013
      LEI? lei lei >=2019
      Othr* @OtherId organisation_ids
    | PrvtId
      ~ DtAndPlcOfBirth
      Othr* @OtherId private_ids
  CtryOfRes? country residence
  ~ CtctDtls
@Agent Agent
  FinInstnId
    BIC? bic bic <2013
    BICFI? bic bic >=2013
    ClrSysMmbId?
      ClrSysId?
        | Cd code5 clearing_system
        | Prtry text35 proprietary_system
      MmbId text35 member
    LEI? lei lei >=2019
    Nm? text140 name
    PstlAdr? @Address address
    Othr? @OtherId other
  BrnchId?
    Id? text35 branch
    ~ LEI Nm PstlAdr
@Account Account
  Id <2024
    | IBAN iban iban
    | Othr @OtherAccount other
  Id? >=2024
    | IBAN iban iban
    | Othr @OtherAccount other
  ~ Tp
  Ccy? currency currency
  Nm? text70 name
  ~ Prxy
@OtherAccount OtherId
  Id text34 id
  SchmeNm?
    | Cd code4 scheme
    | Prtry text35 proprietary_scheme
  Issr? text35 issuer
@PaymentType PaymentType
  InstrPrty? HIGH/NORM priority
  ClrChanl? RTGS/RTNS/MPNS/BOOK channel
  SvcLvl* @Choice service_levels
  LclInstrm? @LocalInstrument local_instrument
  ~ SeqTp
  CtgyPurp? @Choice category
@CustomerPaymentType PaymentType
  InstrPrty? HIGH/NORM priority
  SvcLvl* @Choice service_levels
  LclInstrm? @LocalInstrument local_instrument
  CtgyPurp? @Choice category
@Charge Charge
  Amt money amount
  Agt @Agent agent
  ~ Tp
@Remittance Remittance
  Ustrd* text140 lines
  ~ Strd
@Reason Reason
  ~ OrgnlBkTxCd
  Orgtr? @Party originator
  Rsn?
    | Cd code4 code
    | Prtry text35 proprietary
  AddtlInf* text105 texts
@OriginalGroup OriginalGroup
  OrgnlMsgId text35 message_id
  OrgnlMsgNmId text35 message_name
  OrgnlCreDtTm? datetime created
  ~ RtrRsnInf
@GroupStatus GroupStatus
  OrgnlMsgId text35 message_id
  OrgnlMsgNmId text35 message_name
  OrgnlCreDtTm? datetime created
  OrgnlNbOfTxs? count count
  OrgnlCtrlSum? decimal control_sum
  GrpSts? code4 status
  StsRsnInf* @Reason reasons
  ~ NbOfTxsPerSts
"""

_SETTLEMENT: Final = """  SttlmInf
    SttlmMtd INDA/INGA/COVE/CLRG method
    SttlmAcct? @Account settlement_account
    ClrSys? @ClearingSystem clearing_system
    ~ InstgRmbrsmntAgt InstgRmbrsmntAgtAcct InstdRmbrsmntAgt InstdRmbrsmntAgtAcct
    ~ ThrdRmbrsmntAgt ThrdRmbrsmntAgtAcct
  PmtTpInf? @PaymentType payment_type
  InstgAgt? @Agent instructing
  InstdAgt? @Agent instructed"""

_HEADER: Final = f"""
@SettlementHeader SettlementHeader
  MsgId text35 message_id
  CreDtTm datetime created
  ~ XpryDtTm
  BtchBookg? boolean batch
  NbOfTxs count count
  CtrlSum? decimal control_sum
  TtlIntrBkSttlmAmt? money total
  IntrBkSttlmDt? date settlement_date
{_SETTLEMENT}
"""

_IDENTIFICATION: Final = """
  PmtId
    InstrId? text35 instruction_id
    EndToEndId text35 end_to_end_id
    TxId? text35 transaction_id
    UETR? uetr uetr
    ClrSysRef? text35 clearing_reference
  PmtTpInf? @PaymentType payment_type
  IntrBkSttlmAmt money amount
  IntrBkSttlmDt? date settlement_date
  SttlmPrty? URGT/HIGH/NORM settlement_priority
  ~ SttlmTmIndctn SttlmTmReq
"""

_ROUTE: Final = """
  ~ PrvsInstgAgt1 PrvsInstgAgt1Acct PrvsInstgAgt2 PrvsInstgAgt2Acct PrvsInstgAgt3 PrvsInstgAgt3Acct
  InstgAgt? @Agent instructing
  InstdAgt? @Agent instructed
"""

PACS_008: Final = f"""
{_HEADER}
@Transfer Transfer
{_IDENTIFICATION}
  AccptncDtTm? datetime accepted
  ~ PoolgAdjstmntDt
  InstdAmt? money instructed_amount
  XchgRate? decimal exchange_rate
  ~ AgrdRate
  ChrgBr DEBT/CRED/SHAR/SLEV charge_bearer
  ChrgsInf* @Charge charges
  ~ MndtRltdInf PmtSgntr
{_ROUTE}
  IntrmyAgt1? @Agent intermediary
  ~ IntrmyAgt1Acct IntrmyAgt2 IntrmyAgt2Acct IntrmyAgt3 IntrmyAgt3Acct
  UltmtDbtr? @Party ultimate_debtor
  InitgPty? @Party initiator
  Dbtr @Party debtor
  DbtrAcct? @Account debtor_account
  DbtrAgt @Agent debtor_agent
  ~ DbtrAgtAcct
  CdtrAgt @Agent creditor_agent
  ~ CdtrAgtAcct
  Cdtr @Party creditor
  CdtrAcct? @Account creditor_account
  UltmtCdtr? @Party ultimate_creditor
  ~ InstrForCdtrAgt InstrForNxtAgt
  Purp? @Choice purpose
  ~ RgltryRptg Tax RltdRmtInf
  RmtInf? @Remittance remittance
  ~ SplmtryData
@FIToFICstmrCdtTrf CustomerTransfers
  GrpHdr @SettlementHeader header
  CdtTrfTxInf+ @Transfer transfers
  ~ SplmtryData
"""

PACS_009: Final = f"""
{_HEADER}
@BankTransfer BankTransfer
{_IDENTIFICATION}
{_ROUTE}
  ~ IntrmyAgt1 IntrmyAgt1Acct IntrmyAgt2 IntrmyAgt2Acct IntrmyAgt3 IntrmyAgt3Acct UltmtDbtr
  Dbtr @Agent debtor
  DbtrAcct? @Account debtor_account
  DbtrAgt? @Agent debtor_agent
  ~ DbtrAgtAcct
  CdtrAgt? @Agent creditor_agent
  ~ CdtrAgtAcct
  Cdtr @Agent creditor
  CdtrAcct? @Account creditor_account
  ~ UltmtCdtr InstrForCdtrAgt InstrForNxtAgt
  Purp? @Choice purpose
  RmtInf? @Remittance remittance
  ~ UndrlygAllcn UndrlygCstmrCdtTrf SplmtryData
@FICdtTrf BankTransfers
  GrpHdr @SettlementHeader header
  CdtTrfTxInf+ @BankTransfer transfers
  ~ SplmtryData
"""

PACS_002: Final = """
@StatusHeader StatusHeader
  MsgId text35 message_id
  CreDtTm datetime created
  InstgAgt? @Agent instructing
  InstdAgt? @Agent instructed
  ~ OrgnlBizQry
@TransactionStatus TransactionStatus
  StsId? text35 status_id
  OrgnlGrpInf? @OriginalGroup original_group
  OrgnlInstrId? text35 instruction_id
  OrgnlEndToEndId? text35 end_to_end_id
  OrgnlTxId? text35 transaction_id
  OrgnlUETR? uetr uetr
  TxSts? code4 status
  StsRsnInf* @Reason reasons
  ~ ChrgsInf
  AccptncDtTm? datetime accepted
  ~ PrcgDt FctvIntrBkSttlmDt
  AcctSvcrRef? text35 servicer_reference
  ClrSysRef? text35 clearing_reference
  InstgAgt? @Agent instructing
  InstdAgt? @Agent instructed
  ~ OrgnlTxRef SplmtryData
@FIToFIPmtStsRpt StatusReport
  GrpHdr @StatusHeader header
  OrgnlGrpInfAndSts* @GroupStatus groups
  TxInfAndSts* @TransactionStatus transactions
  ~ SplmtryData
"""

PACS_004: Final = f"""
@ReturnHeader SettlementHeader
  MsgId text35 message_id
  CreDtTm datetime created
  ~ Authstn
  BtchBookg? boolean batch
  NbOfTxs count count
  CtrlSum? decimal control_sum
  ~ GrpRtr
  TtlRtrdIntrBkSttlmAmt? money total
  IntrBkSttlmDt? date settlement_date
{_SETTLEMENT}
@Return Return
  RtrId? text35 return_id
  OrgnlGrpInf? @OriginalGroup original_group
  OrgnlInstrId? text35 instruction_id
  OrgnlEndToEndId? text35 end_to_end_id
  OrgnlTxId? text35 transaction_id
  OrgnlUETR? uetr uetr
  ~ OrgnlClrSysRef
  OrgnlIntrBkSttlmAmt? money original_amount
  OrgnlIntrBkSttlmDt? date original_settlement_date
  ~ PmtTpInf
  RtrdIntrBkSttlmAmt money amount
  IntrBkSttlmDt? date settlement_date
  ~ SttlmPrty SttlmTmIndctn SttlmTmReq
  RtrdInstdAmt? money instructed_amount
  ~ XchgRate CompstnAmt
  ChrgBr? DEBT/CRED/SHAR/SLEV charge_bearer
  ChrgsInf* @Charge charges
  ClrSysRef? text35 clearing_reference
  InstgAgt? @Agent instructing
  InstdAgt? @Agent instructed
  ~ RtrChain
  RtrRsnInf* @Reason reasons
  ~ OrgnlTxRef SplmtryData
@PmtRtr PaymentReturn
  GrpHdr @ReturnHeader header
  OrgnlGrpInf? @OriginalGroup original_group
  TxInf* @Return returns
  ~ SplmtryData
"""
