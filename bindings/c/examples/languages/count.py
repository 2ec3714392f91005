#!/usr/bin/env python3
"""Count the letters of Debian's word lists into letters.tsv and initials.tsv, beside this script.

README.md in this folder says which packages to install and how letters are folded.
"""

from collections import Counter
from pathlib import Path
from string import ascii_lowercase
import unicodedata

DICT = Path("/usr/share/dict")
HERE = Path(__file__).resolve().parent

# Language, file, encoding. Two of the lists still come in Latin-1.
LISTS = [
    ("english", "american-english", "utf-8"),
    ("dutch", "dutch", "utf-8"),
    ("german", "ngerman", "utf-8"),
    ("danish", "danish", "utf-8"),
    ("norwegian", "bokmaal", "latin-1"),
    ("swedish", "swedish", "latin-1"),
    ("french", "french", "utf-8"),
    ("italian", "italian", "utf-8"),
    ("catalan", "catalan", "utf-8"),
    ("spanish", "spanish", "utf-8"),
    ("portuguese", "portuguese", "utf-8"),
    ("polish", "polish", "utf-8"),
]

# Letters which Unicode does not regard as a base letter with a mark, so that NFKD leaves them alone.
FOLDS = {"æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i"}


def fold(character):
    """The letters a to z which stand for one character: none for a mark, a digit or punctuation."""
    decomposed = unicodedata.normalize("NFKD", character.lower())
    letters = "".join(FOLDS.get(part, part) for part in decomposed if part.isalpha())
    if not set(letters) <= set(ascii_lowercase):
        raise ValueError(f"{character!r} has no fold to a-z: add one to FOLDS")
    return letters


def initial(word):
    """The first letter of a word, folded; '' for a word without letters."""
    return next((letters[0] for letters in map(fold, word) if letters), "")


def write(name, table):
    with open(HERE / name, "w", encoding="ascii", newline="\n") as file:
        print("language", *ascii_lowercase, sep="\t", file=file)
        for language, counts in table.items():
            print(language, *(counts[letter] for letter in ascii_lowercase), sep="\t", file=file)


letters, initials = {}, {}
for language, name, encoding in LISTS:
    words = (DICT / name).read_text(encoding=encoding).splitlines()
    # With an apostrophe it is nearly always another word of the list again, with an ending or an article put on
    # (dog's, l'amico), and English would consist of possessives for more than a quarter.
    words = [word for word in words if "'" not in word]

    # Folding each distinct character once, not each of the millions of letters.
    letters[language] = Counter()
    for character, count in Counter("".join(words)).items():
        for letter in fold(character):
            letters[language][letter] += count
    initials[language] = Counter(map(initial, words))
    print(f"{language}: {len(words)} words, {letters[language].total()} letters")

write("letters.tsv", letters)
write("initials.tsv", initials)
