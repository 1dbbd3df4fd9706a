"""The elements of customers' files of payments and of the answers; see `tables` for the signs."""

from typing import Final

PAIN_001: Final = """
@InitiationHeader InitiationHeader
  MsgId text35 message_id
  CreDtTm datetime created
  ~ Authstn
  NbOfTxs count count
  CtrlSum? decimal control_sum
  InitgPty @Party initiator
  FwdgAgt? @Agent forwarding
@Instruction Instruction
  PmtId
    InstrId? text35 instruction_id
    EndToEndId text35 end_to_end_id
    UETR? uetr uetr >=2019
  PmtTpInf? @CustomerPaymentType payment_type
  Amt
    | InstdAmt money amount
    | EqvtAmt
      Amt money equivalent
      CcyOfTrf currency equivalent_currency
  ~ XchgRateInf
  ChrgBr? DEBT/CRED/SHAR/SLEV charge_bearer
  ~ ChqInstr
  UltmtDbtr? @Party ultimate_debtor
  ~ IntrmyAgt1 IntrmyAgt1Acct IntrmyAgt2 IntrmyAgt2Acct IntrmyAgt3 IntrmyAgt3Acct
  CdtrAgt? @Agent creditor_agent
  ~ CdtrAgtAcct
  Cdtr? @Party creditor
  CdtrAcct? @Account creditor_account
  UltmtCdtr? @Party ultimate_creditor
  ~ InstrForCdtrAgt InstrForDbtrAgt
  Purp? @Choice purpose
  ~ RgltryRptg Tax RltdRmtInf
  RmtInf? @Remittance remittance
  ~ SplmtryData
@Batch Batch
  PmtInfId text35 id
  PmtMtd CHK/TRF/TRA method
  BtchBookg? boolean batch
  NbOfTxs? count count
  CtrlSum? decimal control_sum
  PmtTpInf? @CustomerPaymentType payment_type
  ReqdExctnDt date execution_date <2019
  ReqdExctnDt >=2019
    | Dt date execution_date
    | DtTm datetime execution_time
  ~ PoolgAdjstmntDt
  Dbtr @Party debtor
  DbtrAcct @Account debtor_account
  DbtrAgt @Agent debtor_agent
  ~ DbtrAgtAcct InstrForDbtrAgt
  UltmtDbtr? @Party ultimate_debtor
  ChrgBr? DEBT/CRED/SHAR/SLEV charge_bearer
  ~ ChrgsAcct ChrgsAcctAgt
  CdtTrfTxInf+ @Instruction instructions
@CstmrCdtTrfInitn Initiation
  GrpHdr @InitiationHeader header
  PmtInf+ @Batch batches
  ~ SplmtryData
"""

PAIN_002: Final = """
@ReportHeader ReportHeader
  MsgId text35 message_id
  CreDtTm datetime created
  InitgPty? @Party initiator
  ~ FwdgAgt
  DbtrAgt? @Agent debtor_agent
  CdtrAgt? @Agent creditor_agent
@InstructionStatus InstructionStatus
  StsId? text35 status_id
  OrgnlInstrId? text35 instruction_id
  OrgnlEndToEndId? text35 end_to_end_id
  OrgnlUETR? uetr uetr >=2019
  TxSts? code4 status
  StsRsnInf* @Reason reasons
  ~ ChrgsInf TrckrData
  AccptncDtTm? datetime accepted
  AcctSvcrRef? text35 servicer_reference
  ClrSysRef? text35 clearing_reference
  ~ OrgnlTxRef SplmtryData
@BatchStatus BatchStatus
  OrgnlPmtInfId text35 id
  OrgnlNbOfTxs? count count
  OrgnlCtrlSum? decimal control_sum
  PmtInfSts? code4 status
  StsRsnInf* @Reason reasons
  ~ NbOfTxsPerSts
  TxInfAndSts* @InstructionStatus instructions
@CstmrPmtStsRpt InitiationReport
  GrpHdr @ReportHeader header
  OrgnlGrpInfAndSts @GroupStatus group
  OrgnlPmtInfAndSts* @BatchStatus batches
  ~ SplmtryData
"""
