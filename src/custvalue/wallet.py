"""Share of wallet: how much of a customer's money is here, how much there is, and where it is leaking.

Every route ends in one estimate: own, size, share and potential, with an interval, the kind of wallet that is
meant, and whether the data determine it at all.
"""

from __future__ import annotations

from custvalue._income_alerts.bank_income import IncomeAlerts, bank_income_alerts
from custvalue._income_alerts.large_moves import LargeMoves, large_moves
from custvalue._spend_shifts.calendar import SpendCalendar
from custvalue._spend_shifts.panel import SpendPanel
from custvalue._spend_shifts.result import SpendShifts
from custvalue._spend_shifts.screening import spend_shifts
from custvalue._spend_shifts.self_test import PlantedShifts, ShiftScores, plant_shifts, score_shifts
from custvalue._spend_shifts.shocks import Shock, detect_shocks
from custvalue._wallet_estimate.estimate import WalletEstimate
from custvalue._wallet_estimate.observed import observed_elsewhere
from custvalue._wallet_models.allocation import WalletAllocation, wallet_allocation_rule
from custvalue._wallet_models.glady_croux import GladyCroux, glady_croux
from custvalue._wallet_models.realistic import RealisticWallet
from custvalue._wallet_models.two_view import TwoViewWallet, two_view_wallet
from custvalue._wallet_survey.accuracy import SurveyAccuracy
from custvalue._wallet_survey.ratios import ratio_wallet
from custvalue._wallet_survey.survey import SurveyWallet
from custvalue._wallet_survey.weighting import SurveyResponse

__all__ = [
    "GladyCroux",
    "IncomeAlerts",
    "LargeMoves",
    "PlantedShifts",
    "RealisticWallet",
    "ShiftScores",
    "Shock",
    "SpendCalendar",
    "SpendPanel",
    "SpendShifts",
    "SurveyAccuracy",
    "SurveyResponse",
    "SurveyWallet",
    "TwoViewWallet",
    "WalletAllocation",
    "WalletEstimate",
    "bank_income_alerts",
    "detect_shocks",
    "glady_croux",
    "large_moves",
    "observed_elsewhere",
    "plant_shifts",
    "ratio_wallet",
    "score_shifts",
    "spend_shifts",
    "two_view_wallet",
    "wallet_allocation_rule",
]
