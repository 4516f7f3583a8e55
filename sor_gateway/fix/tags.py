"""Tag numbers and message types under their FIX names.

Owns: the numbers. Where FIX 4.2 and 4.4 name a tag differently the 4.4 name stands (LastQty, not
LastShares). Where a class below holds the values of a tag it has the name, and the tag ends in an
underscore. Tags from 5000 on are bilateral extensions; the two dictionaries say where they go.
May not know: what any of them means to an order.
"""

from __future__ import annotations

from typing import Final

Account: Final = 1
AvgPx: Final = 6
BeginSeqNo: Final = 7
BeginString: Final = 8
BodyLength: Final = 9
CheckSum: Final = 10
ClOrdID: Final = 11
Commission: Final = 12
CommType: Final = 13
CumQty: Final = 14
Currency: Final = 15
EndSeqNo: Final = 16
ExecID: Final = 17
ExecInst: Final = 18
ExecRefID: Final = 19
ExecTransType: Final = 20
HandlInst: Final = 21
SecurityIDSource: Final = 22
IOIID: Final = 23
LastCapacity: Final = 29
LastMkt: Final = 30
LastPx: Final = 31
LastQty: Final = 32
MsgSeqNum: Final = 34
MsgType_: Final = 35
NewSeqNo: Final = 36
OrderID: Final = 37
OrderQty: Final = 38
OrdStatus: Final = 39
OrdType: Final = 40
OrigClOrdID: Final = 41
PossDupFlag: Final = 43
Price: Final = 44
RefSeqNum: Final = 45
Rule80A: Final = 47
SecurityID: Final = 48
SenderCompID: Final = 49
SenderSubID: Final = 50
SendingTime: Final = 52
Side: Final = 54
Symbol: Final = 55
TargetCompID: Final = 56
TargetSubID: Final = 57
Text: Final = 58
TimeInForce: Final = 59
TransactTime: Final = 60
SettlType: Final = 63
SettlDate: Final = 64
SymbolSfx: Final = 65
ListID: Final = 66
AllocID: Final = 70
TradeDate: Final = 75
ExecBroker: Final = 76
PositionEffect: Final = 77
NoAllocs: Final = 78
AllocAccount: Final = 79
AllocQty: Final = 80
ProcessCode: Final = 81
Signature: Final = 89
SecureDataLen: Final = 90
SecureData: Final = 91
SignatureLength: Final = 93
RawDataLength: Final = 95
RawData: Final = 96
PossResend: Final = 97
EncryptMethod: Final = 98
StopPx: Final = 99
ExDestination: Final = 100
CxlRejReason: Final = 102
OrdRejReason: Final = 103
Issuer: Final = 106
SecurityDesc: Final = 107
HeartBtInt: Final = 108
ClientID: Final = 109
MinQty: Final = 110
MaxFloor: Final = 111
TestReqID: Final = 112
ReportToExch: Final = 113
LocateReqd: Final = 114
OnBehalfOfCompID: Final = 115
OnBehalfOfSubID: Final = 116
QuoteID: Final = 117
NetMoney: Final = 118
SettlCurrAmt: Final = 119
SettlCurrency: Final = 120
ForexReq: Final = 121
OrigSendingTime: Final = 122
GapFillFlag: Final = 123
ExpireTime: Final = 126
DKReason: Final = 127
DeliverToCompID: Final = 128
DeliverToSubID: Final = 129
NoMiscFees: Final = 136
MiscFeeAmt: Final = 137
MiscFeeCurr: Final = 138
MiscFeeType: Final = 139
PrevClosePx: Final = 140
ResetSeqNumFlag: Final = 141
SenderLocationID: Final = 142
TargetLocationID: Final = 143
OnBehalfOfLocationID: Final = 144
DeliverToLocationID: Final = 145
NoRelatedSym: Final = 146
ExecType: Final = 150
LeavesQty: Final = 151
CashOrderQty: Final = 152
SecurityType: Final = 167
EffectiveTime: Final = 168
SecondaryOrderID: Final = 198
MaturityMonthYear: Final = 200
PutOrCall: Final = 201
StrikePrice: Final = 202
CoveredOrUncovered: Final = 203
CustomerOrFirm: Final = 204
MaturityDay: Final = 205
OptAttribute: Final = 206
SecurityExchange: Final = 207
MaxShow: Final = 210
PegOffsetValue: Final = 211
XmlDataLen: Final = 212
XmlData: Final = 213
TradeOriginationDate: Final = 229
ContractMultiplier: Final = 231
MDReqID: Final = 262
SubscriptionRequestType: Final = 263
MarketDepth: Final = 264
MDUpdateType: Final = 265
AggregatedBook: Final = 266
NoMDEntryTypes: Final = 267
NoMDEntries: Final = 268
MDEntryType: Final = 269
MDEntryPx: Final = 270
MDEntrySize: Final = 271
MDEntryDate: Final = 272
MDEntryTime: Final = 273
TickDirection: Final = 274
MDMkt: Final = 275
QuoteCondition: Final = 276
TradeCondition: Final = 277
MDEntryID: Final = 278
MDUpdateAction: Final = 279
MDEntryRefID: Final = 280
MDReqRejReason: Final = 281
MDEntryOriginator: Final = 282
LocationID: Final = 283
DeskID: Final = 284
DeleteReason: Final = 285
OpenCloseSettlFlag: Final = 286
SellerDays: Final = 287
MDEntryBuyer: Final = 288
MDEntrySeller: Final = 289
MDEntryPositionNo: Final = 290
FinancialStatus: Final = 291
CorporateAction: Final = 292
QuoteEntryID: Final = 299
SecurityStatusReqID: Final = 324
UnsolicitedIndicator: Final = 325
SecurityTradingStatus: Final = 326
HaltReasonChar: Final = 327
InViewOfCommon: Final = 328
DueToRelated: Final = 329
BuyVolume: Final = 330
SellVolume: Final = 331
HighPx: Final = 332
LowPx: Final = 333
Adjustment: Final = 334
TradSesReqID: Final = 335
TradingSessionID: Final = 336
ContraTrader: Final = 337
TradSesMethod: Final = 338
TradSesMode: Final = 339
TradSesStatus: Final = 340
TradSesStartTime: Final = 341
TradSesOpenTime: Final = 342
TradSesPreCloseTime: Final = 343
TradSesCloseTime: Final = 344
TradSesEndTime: Final = 345
NumberOfOrders: Final = 346
MessageEncoding: Final = 347
EncodedIssuerLen: Final = 348
EncodedIssuer: Final = 349
EncodedSecurityDescLen: Final = 350
EncodedSecurityDesc: Final = 351
EncodedTextLen: Final = 354
EncodedText: Final = 355
LastMsgSeqNumProcessed: Final = 369
OnBehalfOfSendingTime: Final = 370
RefTagID: Final = 371
RefMsgType: Final = 372
SessionRejectReason_: Final = 373
ContraBroker: Final = 375
ComplianceID: Final = 376
SolicitedFlag: Final = 377
ExecRestatementReason: Final = 378
BusinessRejectRefID: Final = 379
BusinessRejectReason: Final = 380
GrossTradeAmt: Final = 381
NoContraBrokers: Final = 382
MaxMessageSize: Final = 383
NoMsgTypes: Final = 384
MsgDirection: Final = 385
NoTradingSessions: Final = 386
TotalVolumeTraded: Final = 387
DiscretionInst: Final = 388
DiscretionOffsetValue: Final = 389
PriceType: Final = 423
DayOrderQty: Final = 424
DayCumQty: Final = 425
DayAvgPx: Final = 426
GTBookingInst: Final = 427
ExpireDate: Final = 432
CxlRejResponseTo: Final = 434
ContraTradeQty: Final = 437
ContraTradeTime: Final = 438
ClearingFirm: Final = 439
ClearingAccount: Final = 440
MultiLegReportingType: Final = 442
PartyIDSource: Final = 447
PartyID: Final = 448
NetChgPrevDay: Final = 451
PartyRole: Final = 452
NoPartyIDs: Final = 453
NoSecurityAltID: Final = 454
SecurityAltID: Final = 455
SecurityAltIDSource: Final = 456
Product: Final = 460
CFICode: Final = 461
TestMessageIndicator: Final = 464
IndividualAllocID: Final = 467
RoundingDirection: Final = 468
RoundingModulus: Final = 469
CountryOfIssue: Final = 470
CommCurrency: Final = 479
CancellationRights: Final = 480
MoneyLaunderingStatus: Final = 481
FundRenewWaiv: Final = 497
OrderPercent: Final = 516
PartySubID: Final = 523
NestedPartyID: Final = 524
NestedPartyIDSource: Final = 525
SecondaryClOrdID: Final = 526
SecondaryExecID: Final = 527
OrderCapacity: Final = 528
OrderRestrictions: Final = 529
MassCancelRequestType: Final = 530
MassCancelResponse: Final = 531
MassCancelRejectReason: Final = 532
TotalAffectedOrders: Final = 533
NoAffectedOrders: Final = 534
AffectedOrderID: Final = 535
AffectedSecondaryOrderID: Final = 536
NestedPartyRole: Final = 538
NoNestedPartyIDs: Final = 539
MaturityDate: Final = 541
CashMargin: Final = 544
Scope: Final = 546
MDImplicitDelete: Final = 547
Username: Final = 553
Password: Final = 554
TradSesStatusRejReason: Final = 567
AccountType: Final = 581
CustOrderCapacity: Final = 582
ClOrdLinkID: Final = 583
MassStatusReqID: Final = 584
MassStatusReqType: Final = 585
OrigOrdModTime: Final = 586
DayBookingInst: Final = 589
BookingUnit: Final = 590
PreallocMethod: Final = 591
TradingSessionSubID: Final = 625
NoHops: Final = 627
HopCompID: Final = 628
HopSendingTime: Final = 629
HopRefID: Final = 630
ClearingFeeIndicator: Final = 635
WorkingIndicator: Final = 636
PriorityIndicator: Final = 638
PriceImprovement: Final = 639
ContraLegRefID: Final = 655
AcctIDSource: Final = 660
AllocAcctIDSource: Final = 661
LastParPx: Final = 669
AllocSettlCurrency: Final = 736
SecuritySubType: Final = 762
BookingType: Final = 775
NextExpectedMsgSeqNum: Final = 789
OrdStatusReqID: Final = 790
CopyMsgIndicator: Final = 797
NoPartySubIDs: Final = 802
PartySubIDType: Final = 803
PriceDelta: Final = 811
ApplQueueMax: Final = 812
ApplQueueDepth: Final = 813
ApplQueueResolution: Final = 814
ApplQueueAction: Final = 815
NoAltMDSource: Final = 816
AltMDSourceID: Final = 817
PegMoveType: Final = 835
PegOffsetType: Final = 836
PegLimitType: Final = 837
PegRoundDirection: Final = 838
PeggedPrice: Final = 839
PegScope: Final = 840
DiscretionMoveType: Final = 841
DiscretionOffsetType: Final = 842
DiscretionLimitType: Final = 843
DiscretionRoundDirection: Final = 844
DiscretionPrice: Final = 845
DiscretionScope: Final = 846
TargetStrategy: Final = 847
TargetStrategyParameters: Final = 848
ParticipationRate: Final = 849
TargetStrategyPerformance: Final = 850
LastLiquidityInd: Final = 851
QtyType: Final = 854
MiscFeeBasis: Final = 891
TotNumReports: Final = 911
LastRptRequested: Final = 912
CustomTargetStrategy: Final = 7847
CustomTargetStrategyParameters: Final = 7848
CustomParticipationRate: Final = 7849
SelfMatchID: Final = 7928
MinQtyMode: Final = 9701
Conditional: Final = 9702
FirmUpID: Final = 9703
DLimit: Final = 9704
FirmUpDeadline: Final = 9705
LiquidityCode: Final = 9730


class MsgType:
    """Values of MsgType (35)."""

    HEARTBEAT: Final = "0"
    TEST_REQUEST: Final = "1"
    RESEND_REQUEST: Final = "2"
    REJECT: Final = "3"
    SEQUENCE_RESET: Final = "4"
    LOGOUT: Final = "5"
    EXECUTION_REPORT: Final = "8"
    ORDER_CANCEL_REJECT: Final = "9"
    LOGON: Final = "A"
    NEW_ORDER_SINGLE: Final = "D"
    ORDER_CANCEL_REQUEST: Final = "F"
    ORDER_CANCEL_REPLACE_REQUEST: Final = "G"
    ORDER_STATUS_REQUEST: Final = "H"
    DONT_KNOW_TRADE: Final = "Q"
    MARKET_DATA_REQUEST: Final = "V"
    MARKET_DATA_SNAPSHOT_FULL_REFRESH: Final = "W"
    MARKET_DATA_INCREMENTAL_REFRESH: Final = "X"
    MARKET_DATA_REQUEST_REJECT: Final = "Y"
    SECURITY_STATUS_REQUEST: Final = "e"
    SECURITY_STATUS: Final = "f"
    TRADING_SESSION_STATUS_REQUEST: Final = "g"
    TRADING_SESSION_STATUS: Final = "h"
    BUSINESS_MESSAGE_REJECT: Final = "j"
    ORDER_MASS_CANCEL_REQUEST: Final = "q"
    ORDER_MASS_CANCEL_REPORT: Final = "r"
    ORDER_MASS_STATUS_REQUEST: Final = "AF"


#: Message types that the session layer answers itself.
ADMIN_MSG_TYPES: Final = frozenset(
    {
        MsgType.HEARTBEAT,
        MsgType.TEST_REQUEST,
        MsgType.RESEND_REQUEST,
        MsgType.REJECT,
        MsgType.SEQUENCE_RESET,
        MsgType.LOGOUT,
        MsgType.LOGON,
    }
)

#: Tags of the standard header, of 4.2 and 4.4 together: they stand before every body field.
HEADER_TAGS: Final = frozenset(
    {
        BeginString,
        BodyLength,
        MsgSeqNum,
        MsgType_,
        PossDupFlag,
        SenderCompID,
        SenderSubID,
        SendingTime,
        TargetCompID,
        TargetSubID,
        SecureDataLen,
        SecureData,
        PossResend,
        OnBehalfOfCompID,
        OnBehalfOfSubID,
        OrigSendingTime,
        DeliverToCompID,
        DeliverToSubID,
        SenderLocationID,
        TargetLocationID,
        OnBehalfOfLocationID,
        DeliverToLocationID,
        XmlDataLen,
        XmlData,
        MessageEncoding,
        LastMsgSeqNumProcessed,
        OnBehalfOfSendingTime,
        NoHops,
        HopCompID,
        HopSendingTime,
        HopRefID,
    }
)

#: Tags of the standard trailer: they stand behind every body field, CheckSum last.
TRAILER_TAGS: Final = frozenset({SignatureLength, Signature, CheckSum})


class SessionRejectReason:
    """Values of SessionRejectReason (373)."""

    INVALID_TAG_NUMBER: Final = 0
    REQUIRED_TAG_MISSING: Final = 1
    TAG_NOT_DEFINED_FOR_MESSAGE: Final = 2
    UNDEFINED_TAG: Final = 3
    TAG_WITHOUT_VALUE: Final = 4
    VALUE_INCORRECT: Final = 5
    INCORRECT_DATA_FORMAT: Final = 6
    COMP_ID_PROBLEM: Final = 9
    SENDING_TIME_ACCURACY_PROBLEM: Final = 10
    INVALID_MSG_TYPE: Final = 11
    TAG_APPEARS_MORE_THAN_ONCE: Final = 13
    TAG_OUT_OF_ORDER: Final = 14
    GROUP_FIELDS_OUT_OF_ORDER: Final = 15
    INCORRECT_GROUP_COUNT: Final = 16
