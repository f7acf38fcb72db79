"""Check questions: the questions as data, a strict reader of them, and the page that asks them.

    quiz.check_questions("05")     # the questions of lesson 05, in a notebook or in the book
    quiz.load("05")                # the same as data
    quiz.guess("some-id", ...)     # a prediction to commit to; quiz.reveal("some-id", figure) answers it

A question lives in `lessons/NN.yaml`; `bank` says what it must hold.
"""

from .bank import Mistake, Option, Question, QuizError, lessons, load, read
from .guess import guess, reveal
from .page import Quiz, check_questions

__all__ = ["Mistake", "Option", "Question", "Quiz", "QuizError", "check_questions", "guess", "lessons", "load", "read", "reveal"]
