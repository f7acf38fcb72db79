"""Check questions: the questions as data, a strict reader of them, and the page that asks them.

    quiz.check_questions("vae_elbo")     # the questions of a lesson, in a notebook or in the book; "05" works as well
    quiz.load("vae_elbo")                # the same as data
    quiz.self_quiz()                     # the twenty questions of the self-quiz
    quiz.mark("interpolation", "a-share-of-the-way", "r * (1 - t)")     # a formula marked as the page marks it
    quiz.guess("some-id", ...)           # a prediction to commit to; quiz.reveal("some-id", figure) answers it

A question lives in `lessons/<slug>.yaml`; `bank` says what it must hold.
"""

from .bank import Mistake, Option, Question, QuizError, lessons, load, mark, read
from .guess import guess, reveal
from .page import Quiz, check_questions
from .self_quiz import LEVELS, computation
from .self_quiz_page import SelfQuiz, self_quiz

__all__ = [
    "LEVELS",
    "Mistake",
    "Option",
    "Question",
    "Quiz",
    "QuizError",
    "SelfQuiz",
    "check_questions",
    "computation",
    "guess",
    "lessons",
    "load",
    "mark",
    "read",
    "reveal",
    "self_quiz",
]
