"""Why an item is left out where several are approved in one act; what else the law refuses says so itself."""

from ..errors import Sentence, say

Refusal = Sentence
FLAGGED = say("It has a flag that nobody has decided on.")
IN_HAND = say("Somebody else has it in hand.")
MOVED = say("It no longer waits for a decision.")
NOT_THERE = say("Its evidence is not all there.")
