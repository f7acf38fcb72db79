"""What figures, quizzes and the book's own scripts share: pieces of a page, and what they are made of.

text.py      computed sentences, and code shown from its source
words.py     figures and quizzes in other languages
figure.py    `Figure` and `fragment`: data, style and script as one piece of HTML; `bundle` joins scripts
network.py   weights, packed for a page
pictures.py  images and their names, packed for a page
page.css     the tokens (sizes, radii, colours, light and dark) and the looks of every control
mount.js     a figure begins when its element is there
runtime.js   numbers, networks, chance, colours, pictures and charts in the page
controls.js  button, group, tabs, slider, select, tick, loop, play, keys, pointing and drawing pad
store.js     what the reader's browser keeps
"""

from .figure import Figure, asset, bundle, fragment
from .text import Text, say, source

__all__ = ["Figure", "Text", "asset", "bundle", "fragment", "say", "source"]
