"""What a host can do for a goal: a roofline of published figures, two queues, and a verdict on every axis."""

from sizing.goal.cards import card_named
from sizing.goal.outlook import outlook_on_gpu, outlook_without_gpu
from sizing.goal.situation import Situation
from sizing.goal.work import Work

__all__ = ["Situation", "Work", "card_named", "outlook_on_gpu", "outlook_without_gpu"]
